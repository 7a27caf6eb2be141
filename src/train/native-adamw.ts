// The update's arithmetic as machine code, where the processor runs our own.

import { instructionsOf, type CpuKernels } from "../engine/cpu-kernels.ts";
import type { AdamwKernel } from "./adamw-kernel.ts";

/** Of this thread, by set. */
const kernels = new Map<CpuKernels, AdamwKernel>();

/**
 * The same numbers as `adamwKernel`, to the bit, on arrays that begin and end at multiples of 64 bytes.
 *
 * @returns null where ONNX Runtime computes
 */
export async function nativeAdamw(name: CpuKernels): Promise<AdamwKernel | null> {
  const set = instructionsOf(name);
  if (set === null) return null;
  const known = kernels.get(name);
  if (known !== undefined) return known;
  const { AdamwCode } = await import("../native/adamw.ts");
  const code = new AdamwCode(set);
  const kernel: AdamwKernel = ({ p, g, m, v }, factors) => {
    code.run([p, g, m, v], { ...factors, rest1: 1 - factors.beta1, rest2: 1 - factors.beta2 });
  };
  kernels.set(name, kernel);
  return kernel;
}
