// Arrays and numbers for tests of the update's arithmetic, and what plain numbers make of them.

import { randomStream } from "../../src/base/seeds.ts";
import type { AdamwArrays, AdamwFactors } from "../../src/train/adamw-kernel.ts";

export const ADAMW_FACTORS: AdamwFactors = {
  gradientScale: 0.37,
  beta1: 0.9,
  beta2: 0.98,
  epsilon: 1e-8,
  meanScale: 3e-3,
  rootScale: 7.1,
  keep: 0.9997,
};

/** Numbers of many sizes: zeros, denormals and large ones among them. @param place  gives each of the four arrays, p first */
export function drawnArrays(item: number, place: (index: number) => Float32Array): AdamwArrays {
  const random = randomStream({ root: 3, purpose: "weights", item });
  const drawn = (index: number): Float32Array => {
    const array = place(index);
    for (let i = 0; i < array.length; i++) array[i] = (random.uniform() - 0.5) * 10 ** (random.integer(60) - 45);
    return array;
  };
  const [p, g, m, v] = [drawn(0), drawn(1), drawn(2), drawn(3)];
  for (let i = 0; i < v.length; i++) v[i] = Math.abs(v[i]!);
  return { p, g, m, v };
}

/** The arrays after an update, each operation in float64 and in the order that `adamwKernel` states. */
export function updatedByFormula({ p, g, m, v }: AdamwArrays, factors: AdamwFactors): AdamwArrays {
  const { gradientScale, beta1, beta2, epsilon, meanScale, rootScale, keep } = factors;
  const [newP, newM, newV] = [p.slice(), m.slice(), v.slice()];
  for (let i = 0; i < p.length; i++) {
    const gradient = g[i]! * gradientScale;
    const mean = beta1 * m[i]! + (1 - beta1) * gradient;
    const meanSquare = beta2 * v[i]! + (1 - beta2) * gradient * gradient;
    newM[i] = mean;
    newV[i] = meanSquare;
    newP[i] = keep * p[i]! - (meanScale * mean) / (Math.sqrt(meanSquare) * rootScale + epsilon);
  }
  return { p: newP, g, m: newM, v: newV };
}

/** Four places for arrays in one shared memory, each with whole lines for itself and `spare` more behind it. */
export function placesInLines(length: number, spare = 0): (index: number) => Float32Array {
  const places = 16 * (Math.ceil(length / 16) + spare);
  const memory = new SharedArrayBuffer(4 * 4 * places);
  return (index) => new Float32Array(memory, 4 * places * index, length);
}
