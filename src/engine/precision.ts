// The precision of the products, and the refusal of one that cannot be had.

import { SwarrError } from "../base/errors.ts";
import { hasBf16 } from "../native/features.ts";
import { cpuKernels } from "./cpu-kernels.ts";
import type { Device } from "./device.ts";

/**
 * How linear maps are multiplied. `float32` lets training's be computed in quicker ways that round about as little as plain
 * sums: in AMX with each factor split exactly into three bfloat16, in AVX2 large ones as seven products of halves, which round
 * by the size of the whole instead of each row; `float32-plain` rules both out; `bfloat16` rounds the factors. Sums, weights, gradients, the optimizer and everything else are float32 in all of them.
 */
export const PRECISIONS = ["float32", "float32-plain", "bfloat16"] as const;
export type Precision = (typeof PRECISIONS)[number];

/** Why products of that precision cannot be had on a device here; null where they can. */
export async function whyNotPrecision(precision: Precision, device: Device): Promise<string | null> {
  if (precision !== "bfloat16") return null;
  if (device !== "cpu") return `device is ${device}`;
  const { kernels, reason } = await cpuKernels();
  if (kernels === "onnxruntime") return `ONNX Runtime computes here (${reason})`;
  if (kernels === "avx2") return `the kernels are ${kernels} (${reason})`;
  return hasBf16() ? null : "the processor lacks avx512_bf16";
}

/** @throws `DEVICE_MISSING` where the device or the processor does not multiply so; no precision is ever replaced by another */
export async function requirePrecision(precision: Precision, device: Device): Promise<void> {
  const missing = await whyNotPrecision(precision, device);
  if (missing === null) return;
  throw new SwarrError("DEVICE_MISSING", {
    what: `precision is ${precision}, which cannot be had here: ${missing}.`,
    expected: "device: cpu with amx or avx512 kernels, on a processor with avx512_bf16.",
    fix: "Set precision: float32, or unset SWARR_KERNELS where it rules those kernels out.",
  });
}
