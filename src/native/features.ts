// What the processor can do, as far as kernels ask.

import fs from "node:fs";
import { AVX512, INSTRUCTION_SETS, type InstructionSet } from "./instruction-set.ts";

let known: ReadonlySet<string> | undefined;

/** Flags of the first processor, as Linux names them; none on another system or another kind of processor. */
function processorFlags(): ReadonlySet<string> {
  known ??= new Set(readFlags());
  return known;
}

function readFlags(): readonly string[] {
  if (process.platform !== "linux" || process.arch !== "x64") return [];
  try {
    const line = /^flags\s*:(.*)$/m.exec(fs.readFileSync("/proc/cpuinfo", "latin1"));
    return line === null ? [] : line[1]!.trim().split(/\s+/);
  } catch {
    // A sandbox may hide /proc; then nothing is known, and the kernels stay unused.
    return [];
  }
}

/** The sets whose kernels can run here, the best first; none but on 64-bit Linux on an x86-64 processor. */
export function instructionSets(): readonly InstructionSet[] {
  return INSTRUCTION_SETS.filter(({ flags }) => flags.every((flag) => processorFlags().has(flag)));
}

/** Larger ones are those of several processors together, or were never measured. */
const LARGEST_SECOND_CACHE = 2 ** 21;

let cache: number | undefined;

/** Bytes of the first processor's second cache that products are fitted to; undefined where the system does not tell. */
export function secondCacheBytes(): number | undefined {
  cache ??= readSecondCache();
  return cache === 0 ? undefined : cache;
}

/** @returns 0 where the system does not tell */
function readSecondCache(): number {
  const folder = "/sys/devices/system/cpu/cpu0/cache";
  try {
    const read = (index: string, file: string): string =>
      fs.readFileSync(`${folder}/${index}/${file}`, "latin1").trim();
    const second = fs.readdirSync(folder).find((index) => index.startsWith("index") && read(index, "level") === "2");
    const kibibytes = second === undefined ? null : /^(\d+)K$/.exec(read(second, "size"));
    return kibibytes === null ? 0 : Math.min(1024 * Number(kibibytes[1]), LARGEST_SECOND_CACHE);
  } catch {
    // No Linux, or one that hides it; the set's own measure then stands.
    return 0;
  }
}

/** Whether the processor multiplies pairs of bfloat16, besides AVX-512. */
export function hasBf16(): boolean {
  return instructionSets().includes(AVX512) && processorFlags().has("avx512_bf16");
}
