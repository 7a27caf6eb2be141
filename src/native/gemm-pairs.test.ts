// Emitted products in bfloat16 against float64 products of rounded factors.

import { describe, expect, it } from "vitest";
import { canUse } from "../../test/support/can-use.ts";
import { expectClose } from "../../test/support/expect-close.ts";
import { fencedArray } from "../../test/support/fenced-array.ts";
import { kernelOf } from "../../test/support/native-kernel.ts";
import { tolerances } from "../../test/support/tolerances.ts";
import { randomStream } from "../base/seeds.ts";
import { narrowToBfloat16, widenBfloat16 } from "../tensor/half.ts";
import { hasBf16 } from "./features.ts";
import { AMX, AVX512 } from "./instruction-set.ts";
import { emitGemm, gemmScratch } from "./gemm.ts";
import type { GemmShape } from "./gemm-shape.ts";

const UNTOUCHED = 12345;
const GUARD = 40;

/** Against the end of its memory: what reads beyond the array ends the process. */
function drawn(count: number, seed: number, purpose: string, size: number): Float32Array {
  const stream = randomStream({ root: seed, purpose });
  return fencedArray(Float32Array.from({ length: count }, () => size * (2 * stream.uniform() - 1)));
}

function rounded(values: Float32Array): Float32Array {
  const words = new Uint16Array(values.length);
  const out = new Float32Array(values.length);
  narrowToBfloat16(values, words);
  widenBfloat16(words, out);
  return out;
}

function expectProduct(shape: GemmShape, seed: number): void {
  const { m, n, k, transA, transB, adds } = shape;
  const a = drawn(m * k, seed, "a", 1);
  const b = drawn(k * n, seed, "b", 3 / Math.sqrt(k));
  const added = drawn(m * n, seed, "added", 1);
  const c = new Float32Array(m * n + GUARD).fill(UNTOUCHED);
  const scratch = new Float32Array(gemmScratch(AVX512, shape) + GUARD)
    .fill(NaN)
    .fill(UNTOUCHED, gemmScratch(AVX512, shape));
  kernelOf(AVX512, (to) => emitGemm(to, shape))(a, b, c, scratch, adds ? added : null);
  const [left, right] = [rounded(a), rounded(b)];
  const wanted = Float64Array.from({ length: m * n }, (_, at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    let sum = 0;
    for (let l = 0; l < k; l++) sum += left[transA ? l * m + i : i * k + l]! * right[transB ? j * k + l : l * n + j]!;
    return sum + (adds ? added[at]! : 0);
  });
  // Worst seen 1.2e-6 of 1 + |c|; factors that were not rounded give 2e-3.
  expectClose(c.subarray(0, m * n), wanted, tolerances.engine32, `${JSON.stringify(shape)} seed ${seed}`);
  for (const array of [c, scratch]) expect(array.slice(-GUARD).every((x) => x === UNTOUCHED)).toBe(true);
}

const UNITS = [
  { units: "vectors", there: hasBf16(), rest: { bfloat16: true } },
  { units: "tiles", there: canUse(AMX), rest: { amx: "rounded" } },
] as const;

describe.each(UNITS)("emitGemm in bfloat16, by $units", ({ there, rest }) => {
  const kinds = [false, true].flatMap((transA) =>
    [false, true].flatMap((transB) => [false, true].map((adds) => ({ transA, transB, adds }))),
  );
  it.skipIf(!there).each(kinds)("multiplies factors rounded to nearest and sums in float32: %o", (kind) => {
    const base = { ...kind, scale: 1, ...rest };
    for (const m of [1, 11, 12, 13, 16, 25, 33]) {
      for (const n of [1, 16, 17, 33, 64]) {
        for (const k of [1, 2, 15, 16, 31, 32, 33, 65]) expectProduct({ ...base, m, n, k }, m + n + k);
      }
    }
    for (const [m, n, k] of [
      [14, 20, 769],
      [14, 20, 1601],
      [5, 1100, 700],
      [133, 70, 96],
    ] as const) {
      expectProduct({ ...base, m, n, k }, k);
    }
  });
});
