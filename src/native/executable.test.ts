// Memory and code outside JavaScript's heap: what is given back, what may run, and where arrays lie.

import fs from "node:fs";
import { describe, expect, it } from "vitest";
import { at, R8, RAX, RDI, RSI, type Assembler } from "./assembler.ts";
import { addressOf, MachineCode, NativeBlock } from "./executable.ts";
import { instructionSets } from "./features.ts";
import { AVX2 } from "./instruction-set.ts";
import { newAssembler } from "./new-assembler.ts";

/** General instructions are the same in every set; a processor with none may be of another kind, or under another system. */
const canRun = instructionSets().length > 0;

interface Range {
  readonly from: bigint;
  readonly to: bigint;
  readonly rights: string;
}

/** What the system has mapped into this process, in order. */
function mapped(): Range[] {
  const lines = fs.readFileSync("/proc/self/maps", "utf8").trim().split("\n");
  return lines.map((line) => {
    const [, from = "", to = "", rights = ""] = /^([0-9a-f]+)-([0-9a-f]+) (\S+)/.exec(line) ?? [];
    return { from: BigInt(`0x${from}`), to: BigInt(`0x${to}`), rights };
  });
}

const rightsAt = (address: bigint): string | undefined =>
  mapped().find(({ from, to }) => from <= address && address < to)?.rights;

const mappedBytes = (): number => mapped().reduce((total, { from, to }) => total + Number(to - from), 0);

function codeOf(emit: (to: Assembler) => void): Uint8Array {
  const to = newAssembler(AVX2);
  emit(to);
  to.ret();
  return to.code();
}

describe.skipIf(!canRun)("NativeBlock", () => {
  it("is zeroed, page by page, and holds what is written through any view of it", () => {
    const block = new NativeBlock(5000);
    expect([block.bytes, Number(block.address % 4096n)]).toEqual([8192, 0]);
    const [numbers, same] = [new Float32Array(block.view()), new Uint32Array(block.view())];
    expect(numbers.every((value) => value === 0)).toBe(true);
    numbers[2047] = 1;
    expect(same[2047]).toBe(0x3f800000);
    block.release();
  });

  it("may be written and not run, and lies where its views lie", () => {
    const block = new NativeBlock(1);
    expect(rightsAt(block.address)).toBe("rw-p");
    expect(addressOf(new Float32Array(block.view(), 64, 3))).toBe(block.address + 64n);
    block.release();
  });

  it("gives its memory back on release, once, and is not seen after that", () => {
    const bytes = 2 ** 28;
    const before = mappedBytes();
    const block = new NativeBlock(bytes);
    expect(mappedBytes() - before).toBeGreaterThan(bytes / 2);
    block.release();
    expect(mappedBytes() - before).toBeLessThan(bytes / 2);
    const next = new NativeBlock(bytes);
    // A second release of the first block must not take the second one, which may lie at the same address.
    block.release();
    expect(rightsAt(next.address)).toBe("rw-p");
    next.release();
    expect(() => block.view()).toThrow("the block is still held");
  });

  it("shows each block its own numbers when an address is used again", () => {
    for (let round = 0; round < 50; round++) {
      const block = new NativeBlock(2 ** 16);
      const numbers = new Float64Array(block.view());
      expect(numbers.every((value) => value === 0)).toBe(true);
      numbers.fill(round + 1);
      block.release();
    }
  });

  it("says how much memory the system did not give", () => {
    expect(() => new NativeBlock(2 ** 60)).toThrow("the system gives");
  });
});

describe.skipIf(!canRun)("addressOf", () => {
  it("counts the offset of a view, and stays while the array lives", () => {
    const array = new Float32Array(1000);
    const address = addressOf(array);
    expect(addressOf(array.subarray(3))).toBe(address + 12n);
    expect(addressOf(new Uint8Array(array.buffer, 5))).toBe(address + 5n);
    for (let i = 0; i < 100; i++) new Float32Array(100_000).fill(1);
    expect(addressOf(array)).toBe(address);
  });

  it("names the place that code writes to", () => {
    const array = new BigInt64Array(3);
    const code = new MachineCode(
      codeOf((to) => {
        to.moveConstant(RAX, -7);
        to.store(at(RDI, 8), RAX);
      }),
    );
    code.call(addressOf(array));
    code.call(addressOf(array.subarray(1)));
    code.release();
    expect([...array]).toEqual([0n, -7n, -7n]);
  });
});

describe.skipIf(!canRun)("MachineCode", () => {
  /** Copies a number from the address that a table names to another. */
  const copy = codeOf((to) => {
    to.load(RSI, at(RDI));
    to.load(R8, at(RDI, 8));
    to.load(RAX, at(RSI));
    to.store(at(R8), RAX);
  });

  it("runs, reading one array and writing another through their addresses", () => {
    const [from, to] = [Float64Array.of(Math.PI), new Float64Array(1)];
    const code = new MachineCode(copy);
    const table = BigUint64Array.of(addressOf(from), addressOf(to));
    code.call(addressOf(table));
    code.release();
    expect(to[0]).toBe(Math.PI);
  });

  it("may be run and not written, and its memory is given back on release", () => {
    // Code that says where it lies.
    const code = new MachineCode(
      codeOf((to) => {
        to.addressOf(RAX, to.bound());
        to.store(at(RDI), RAX);
      }),
    );
    const found = new BigUint64Array(1);
    code.call(addressOf(found));
    expect(rightsAt(found[0]!)).toBe("r-xp");
    code.release();
    expect(rightsAt(found[0]!)).not.toBe("r-xp");
  });
});
