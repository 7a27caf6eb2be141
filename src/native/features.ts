// What the processor can do, as far as kernels ask.

import fs from "node:fs";

const AVX512 = ["avx512f", "avx512bw", "avx512dq", "avx512vl"];

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

/** Whether the kernels can run here: 64-bit Linux on a processor with AVX-512 F, BW, DQ and VL. */
export function hasAvx512(): boolean {
  return AVX512.every((flag) => processorFlags().has(flag));
}

/** Whether the processor multiplies pairs of bfloat16, besides AVX-512. */
export function hasBf16(): boolean {
  return hasAvx512() && processorFlags().has("avx512_bf16");
}
