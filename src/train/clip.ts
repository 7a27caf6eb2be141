// The global gradient norm, and how much of a gradient survives clipping.

import { SwarrError } from "../base/errors.ts";

export interface ClippedNorm {
  /** L2 norm over every number of every tensor, after `scale`, before clipping */
  readonly norm: number;
  /** multiply the stored gradients by this: the given scale times min(1, maxNorm / norm) */
  readonly scale: number;
}

/**
 * Says by how much to multiply gradients.
 *
 * @param squares the sum of the squares of every stored number
 * @param scale what the stored sums are to be multiplied by first, such as 1 / tokens of the step
 * @param maxNorm the longest gradient allowed; null never clips. PyTorch divides by norm + 1e-6; nothing is added here
 */
export function clippedNorm(squares: number, options: { scale: number; maxNorm: number | null }): ClippedNorm {
  const norm = Math.abs(options.scale) * Math.sqrt(squares);
  const { maxNorm } = options;
  return { norm, scale: maxNorm !== null && norm > maxNorm ? (options.scale * maxNorm) / norm : options.scale };
}

/**
 * Refuses a gradient that holds what is no number.
 *
 * @param squares the sum of the squares of `data` in float64, where the square of every float32 fits
 * @throws `NOT_FINITE` naming the tensor and the index of its first NaN or infinity
 */
export function requireFinite(name: string, data: Float32Array, squares: number): void {
  if (Number.isFinite(squares)) return;
  const index = data.findIndex((value) => !Number.isFinite(value));
  throw new SwarrError("NOT_FINITE", {
    what: `The gradient of "${name}" is ${data[index]} at index ${index} of ${data.length}.`,
    expected: "finite gradients.",
    fix: "Lower the learning rate or the clip norm, or resume from the last snapshot and look at the step's data.",
  });
}
