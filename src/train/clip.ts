// The global gradient norm, and how much of a gradient survives clipping.

import { SwarrError } from "../base/errors.ts";
import type { Weights } from "../tensor/tensor.ts";

export interface ClippedNorm {
  /** L2 norm over every number of every tensor, after `scale`, before clipping */
  readonly norm: number;
  /** multiply the stored gradients by this: the given scale times min(1, maxNorm / norm) */
  readonly scale: number;
}

/**
 * Measures the gradients and says by how much to multiply them; moves nothing.
 *
 * @param scale what the stored sums are to be multiplied by first, such as 1 / tokens of the step
 * @param maxNorm the longest gradient allowed; null never clips. PyTorch divides by norm + 1e-6; nothing is added here
 * @throws `NOT_FINITE` naming the tensor and the index of its first NaN or infinity
 */
export function clipGlobalNorm(gradients: Weights, options: { scale: number; maxNorm: number | null }): ClippedNorm {
  return clippedNorm(squaredNorm(gradients), options);
}

/** The same from the squared norm of the stored sums, which may have been added up in parts. */
export function clippedNorm(squares: number, options: { scale: number; maxNorm: number | null }): ClippedNorm {
  const norm = Math.abs(options.scale) * Math.sqrt(squares);
  const { maxNorm } = options;
  return { norm, scale: maxNorm !== null && norm > maxNorm ? (options.scale * maxNorm) / norm : options.scale };
}

/**
 * The sum of the squares of every number of every tensor.
 *
 * @throws `NOT_FINITE` naming the tensor and the index of its first NaN or infinity
 */
export function squaredNorm(gradients: Weights): number {
  let total = 0;
  for (const [name, data] of gradients) {
    const squares = sumOfSquares(data);
    // The square of a float32 always fits a float64, so only a NaN or an infinity among the numbers gets here.
    if (!Number.isFinite(squares)) throw notFinite(name, data);
    total += squares;
  }
  return total;
}

/** Four sums side by side, so that one addition need not wait for the last. */
function sumOfSquares(data: Float32Array): number {
  let [a, b, c, d] = [0, 0, 0, 0];
  const whole = data.length - (data.length % 4);
  for (let i = 0; i < whole; i += 4) {
    a += data[i]! * data[i]!;
    b += data[i + 1]! * data[i + 1]!;
    c += data[i + 2]! * data[i + 2]!;
    d += data[i + 3]! * data[i + 3]!;
  }
  for (let i = whole; i < data.length; i++) a += data[i]! * data[i]!;
  return a + b + (c + d);
}

function notFinite(name: string, data: Float32Array): SwarrError {
  const index = data.findIndex((value) => !Number.isFinite(value));
  return new SwarrError("NOT_FINITE", {
    what: `The gradient of "${name}" is ${data[index]} at index ${index} of ${data.length}.`,
    expected: "finite gradients.",
    fix: "Lower the learning rate or the clip norm, or resume from the last snapshot and look at the step's data.",
  });
}
