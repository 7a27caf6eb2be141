// Compares what an assembler writes with the bytes that GNU as makes of the same instructions as text.

import fs from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { Assembler, Gpr, Memory } from "../../src/native/assembler.ts";

const FILE = path.resolve(import.meta.dirname, "../golden/encodings.json");

/** Instructions as text, and the calls that emit them. */
export type EncodingLine<Kind extends Assembler> = readonly [text: string, emit: (to: Kind) => void];

export const GENERAL = "rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15".split(" ");

export function nameOf(register: Gpr): string {
  return GENERAL[register]!;
}

export function placeOf({ base, index, scale, disp = 0 }: Memory): string {
  const steps = index === undefined ? "" : `+${nameOf(index)}*${scale}`;
  return `[${nameOf(base)}${steps}${disp === 0 ? "" : disp < 0 ? disp : `+${disp}`}]`;
}

function hexOf<Kind extends Assembler>(to: Kind, emit: (to: Kind) => void): string {
  emit(to);
  const size = to.size;
  const code = to.code();
  // Without numbers behind the code, what follows the instructions is padding only.
  return Buffer.from(code.length - size < 4 ? code.subarray(0, size) : code).toString("hex");
}

/** Groups of lines against one section of the recorded file, which holds no other lines. */
export function describeEncodings<Kind extends Assembler>(
  { name, section, newAssembler }: { readonly name: string; readonly section: string; newAssembler(): Kind },
  groups: Readonly<Record<string, readonly EncodingLine<Kind>[]>>,
): void {
  const file = JSON.parse(fs.readFileSync(FILE, "utf8")) as Readonly<Record<string, Readonly<Record<string, string>>>>;
  const encodings = file[section]!;
  describe(name, () => {
    it.each(Object.entries(groups))("writes the bytes GNU as writes: %s", (_, lines) => {
      const ours = Object.fromEntries(lines.map(([text, emit]) => [text, hexOf(newAssembler(), emit)]));
      const recorded = Object.fromEntries(lines.map(([text]) => [text, encodings[text]]));
      expect(ours).toEqual(recorded);
    });

    it("leaves no recorded line out", () => {
      const compared = new Set(Object.values(groups).flatMap((lines) => lines.map(([text]) => text)));
      expect(Object.keys(encodings).filter((text) => !compared.has(text))).toEqual([]);
    });
  });
}
