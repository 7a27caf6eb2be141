// Emitted products by the tile registers of AMX: every edge they can have, and how much they round.

import { describe, expect, it } from "vitest";
import {
  computed,
  describeShape,
  expectAddsInPlace,
  expectExact,
  expectProduct,
  expectSameInCaches,
  expectWithinFences,
  guarded,
  KINDS,
  nameOf,
  product64,
  randomCase,
  rootMeanSquare,
  shapeOf,
  wholeCase,
  type Case,
} from "../../test/support/gemm-case.ts";
import { canUse } from "../../test/support/can-use.ts";
import { randomStream } from "../base/seeds.ts";
import type { GemmShape } from "./gemm-shape.ts";
import { AMX } from "./instruction-set.ts";

const split = (m: number, n: number, k: number, rest: Partial<GemmShape> = {}): GemmShape =>
  shapeOf(m, n, k, { ...rest, amx: "split" });

/** Whole numbers whose products and sums no float32 rounds; those of one factor take all three parts, of 20 bits, and most of a long sum is 0. */
function wideCase({ m, n, k }: GemmShape, wide: "a" | "b", seed: number): Case {
  const stream = randomStream({ root: seed, purpose: "gemm-amx.test" });
  const large = (): number => stream.integer(2 ** 20) - 2 ** 19;
  const small = (): number => (stream.uniform() < 10 / k ? stream.integer(3) - 1 : 0);
  return {
    a: guarded(m * k, NaN, wide === "a" ? large : small),
    b: guarded(k * n, NaN, wide === "b" ? large : small),
    added: guarded(m * n, NaN, large),
  };
}

describe.skipIf(!canUse(AMX))("emitGemm by AMX", () => {
  describe.each(KINDS.map((kind) => ({ kind, name: nameOf(kind) })))("$name", ({ kind }) => {
    const depths = [1, 2, 15, 16, 17, 31, 32, 33, 40, 63, 64];
    const shapes = [1, 2, 15, 16, 17, 31, 32, 33, 47, 64, 65].flatMap((m, i) =>
      [1, 7, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65].map((n, j) => ({ m, n, k: depths[(i + 3 * j) % depths.length]! })),
    );

    it("is exact on whole numbers, on every edge of a tile and a panel", () => {
      for (const [i, { m, n, k }] of shapes.entries()) {
        for (const wide of ["a", "b"] as const) {
          const shape = split(m, n, k, kind);
          expectExact(AMX, shape, wideCase(shape, wide, i));
        }
        const rounded = shapeOf(m, n, k, { ...kind, amx: "rounded" });
        expectExact(AMX, rounded, wholeCase(rounded, i));
      }
    });

    it("is exact on whole numbers over several chunks of rows, passes of k and blocks of columns", () => {
      for (const [m, n, k] of [
        [127, 17, 40],
        [128, 33, 33],
        [261, 20, 50],
        [5, 40, 1057],
        [20, 9, 2100],
        [17, 2900, 140],
        [140, 300, 700],
        [300, 20, 700],
        [261, 33, 4200],
      ] as const) {
        const shape = split(m, n, k, { ...kind, secondCache: 2 ** 20 });
        for (const wide of ["a", "b"] as const) expectExact(AMX, shape, wideCase(shape, wide, m));
        expectExact(AMX, { ...shape, amx: "rounded" }, wholeCase(shape, n));
      }
    });

    it("equals float64, and rounds about as little as a plain product", () => {
      for (const [m, n, k] of [
        [33, 49, 65],
        [64, 64, 512],
        [40, 70, 1000],
      ] as const) {
        const shape = split(m, n, k, kind);
        expectProduct(AMX, shape, k);
        const inputs = randomCase(shape, m);
        const right = product64(shape, inputs);
        const [parts, plain] = [shape, { ...shape, amx: undefined }].map((each) =>
          rootMeanSquare(computed(AMX, each as GemmShape, inputs), right),
        );
        // Seen: 0.63 to 0.82 without, 0.74 to 1.02 with a matrix to add to.
        expect(parts! / plain!, describeShape(shape)).toBeLessThan(kind.adds ? 1.2 : 1);
      }
    });
  });

  it.each(["split", "rounded"] as const)("adds to C itself as to a copy of it, %s", (amx) => {
    for (const kind of KINDS.filter(({ adds }) => adds)) {
      for (const [m, n, k] of [
        [7, 9, 17],
        [45, 70, 300],
        [130, 50, 1100],
      ] as const) {
        expectAddsInPlace(AMX, shapeOf(m, n, k, { ...kind, amx }), 3);
      }
    }
  });

  it.each(["split", "rounded"] as const)("gives a row the same bits whichever rows stand beside it, %s", (amx) => {
    for (const kind of KINDS.filter(({ transA }) => !transA)) {
      const [n, k] = [49, 300];
      const many = shapeOf(45, n, k, { ...kind, amx });
      const inputs = randomCase(many, 5);
      const all = computed(AMX, many, inputs);
      for (const row of [0, 15, 16, 31, 32, 44]) {
        const one = computed(
          AMX,
          { ...many, m: 1 },
          {
            ...inputs,
            a: inputs.a.slice(row * k, (row + 1) * k),
            added: inputs.added.slice(row * n, (row + 1) * n),
          },
        );
        expect([...one]).toEqual([...all.subarray(row * n, (row + 1) * n)]);
      }
    }
  });

  it.each(["split", "rounded"] as const)(
    "gives the same bits whatever second cache its blocks are fitted to, %s",
    (amx) => {
      for (const kind of KINDS) {
        const shape = shapeOf(70, 200, 300, { ...kind, amx });
        const inputs = randomCase(shape, 6);
        expectSameInCaches(AMX, shape, inputs, [2 ** 15, 2 ** 20, 2 ** 21]);
      }
    },
  );

  it.each(["split", "rounded"] as const)(
    "reads and writes nothing behind its arrays, where a fault would end the process, %s",
    (amx) => {
      for (const [m, n, k] of [
        [1, 1, 1],
        [15, 17, 33],
        [33, 31, 63],
        [16, 16, 32],
        [131, 49, 300],
        [20, 700, 1100],
      ] as const) {
        for (const kind of KINDS) expectWithinFences(AMX, shapeOf(m, n, k, { ...kind, amx }), 7);
      }
    },
  );

  it("errs to neither side where every number is positive", () => {
    const shape = split(64, 64, 512);
    const inputs = randomCase(shape, 11);
    for (const factor of [inputs.a, inputs.b]) for (let i = 0; i < factor.length; i++) factor[i] = Math.abs(factor[i]!);
    const right = product64(shape, inputs);
    const lean = computed(AMX, shape, inputs).reduce((sum, value, i) => sum + value / right[i]! - 1, 0) / right.length;
    // Seen: 1.1e-9; parts that are cut off towards zero lean by 3.9e-8.
    expect(Math.abs(lean)).toBeLessThan(1e-8);
  });

  it("keeps numbers of any size in three parts, down to 2^-100", () => {
    const shape = split(32, 32, 32);
    for (const exponent of [-100, -60, -20, 0, 40, 100]) {
      const inputs = randomCase(shape, 9);
      for (let i = 0; i < inputs.a.length; i++) inputs.a[i]! *= 2 ** exponent;
      const right = product64(shape, inputs).map((value) => value / 2 ** exponent);
      const got = Float32Array.from(computed(AMX, shape, inputs), (value) => value / 2 ** exponent);
      expect(rootMeanSquare(got, right), `2^${exponent}`).toBeLessThan(3e-7);
    }
  });

  it("answers what is no number or beyond all numbers with what is no number", () => {
    const shape = split(32, 32, 32);
    for (const value of [NaN, Infinity, -Infinity]) {
      const inputs = randomCase(shape, 9);
      inputs.a[5] = value;
      const c = computed(AMX, shape, inputs);
      expect([...c.subarray(0, 32)].every(Number.isNaN)).toBe(true);
      expect([...c.subarray(32)].every(Number.isFinite)).toBe(true);
    }
  });
});
