// The update's arithmetic as machine code, where the processor runs our own.

import { instructionsOf, type CpuKernels } from "../engine/cpu-kernels.ts";
import type { AdamwKernel } from "./adamw-kernel.ts";

/** Of this thread. */
let known: { readonly kernels: CpuKernels; readonly adamw: AdamwKernel } | undefined;

/**
 * The same numbers as `adamwKernel`, to the bit, on arrays that begin at multiples of 64 bytes of their buffers and have all bytes up to the next one to themselves.
 *
 * @returns null where ONNX Runtime computes
 */
export async function nativeAdamw(kernels: CpuKernels): Promise<AdamwKernel | null> {
  const set = instructionsOf(kernels);
  if (set === null) return null;
  if (known?.kernels === kernels) return known.adamw;
  const { AdamwCode } = await import("../native/adamw.ts");
  const code = new AdamwCode(set);
  const adamw: AdamwKernel = ({ p, g, m, v }, factors) => {
    code.run([p, g, m, v], { ...factors, rest1: 1 - factors.beta1, rest2: 1 - factors.beta2 });
  };
  known = { kernels, adamw };
  return adamw;
}
