// Emitted matrix products against float64, over the edges of tiles, panels, passes and blocks.

import { describe, expect, it } from "vitest";
import {
  computed,
  describeShape,
  expectAddsInPlace,
  expectGuards,
  expectProduct,
  expectSameInCaches,
  expectWithinFences,
  guarded,
  KINDS,
  nameOf,
  product64,
  randomCase,
  sameBits,
  shapeOf,
  UNTOUCHED,
  wholeCase,
} from "../../test/support/gemm-case.ts";
import { describeInSets, kernelOf } from "../../test/support/native-kernel.ts";
import { randomStream } from "../base/seeds.ts";
import { blocksOf, copiedTogether } from "./gemm-block.ts";
import { emitBatchedGemm, emitGemm, gemmScratch } from "./gemm.ts";
import { AVX2, AVX512 } from "./instruction-set.ts";

describeInSets("emitGemm", (set) => {
  describe.each(KINDS.map((kind) => ({ kind, name: nameOf(kind) })))("$name", ({ kind }) => {
    it("equals float64 on every edge of a tile, a panel and a turned square", () => {
      const depths = [1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33];
      for (const [i, m] of [1, 2, 5, 6, 7, 11, 12, 13, 24, 25].entries()) {
        for (const [j, n] of [1, 7, 8, 9, 15, 16, 17, 23, 24, 31, 32, 33, 48, 65].entries()) {
          const scale = [1, 0.37, -2][(i + j) % 3]!;
          expectProduct(set, shapeOf(m, n, depths[(i + 3 * j) % depths.length]!, { ...kind, scale }), i + j);
        }
      }
    });

    it("equals float64 where factors are too large to be read where they lie", () => {
      for (const m of [6, 7, 12, 13, 37]) {
        for (const n of [15, 16, 25, 31, 32, 49, 64])
          expectProduct(set, shapeOf(m, n, 383, { ...kind, scale: 0.37 }), m + n);
      }
    });

    it("equals float64 on the edges of several panels of A that are copied together", () => {
      for (const m of [41, 42, 47, 48, 49, 53, 55, 96, 103]) {
        for (const k of [101, 300]) expectProduct(set, shapeOf(m, 17, k, { ...kind, scale: -2 }), m + k);
      }
    });

    it("equals float64 over several passes of k", () => {
      for (const k of [384, 385, 768, 769, 1153, 1541]) {
        expectProduct(set, shapeOf(13, 33, k, { ...kind, scale: 0.37 }), k);
        expectProduct(set, shapeOf(1, 17, k, kind), k);
      }
    });

    it("equals float64 over several blocks of columns", () => {
      expectProduct(set, shapeOf(13, 1100, 390, { ...kind, scale: 0.37 }), 1);
      expectProduct(set, shapeOf(3, 1025, 800, kind), 2);
    });

    it("equals float64 on shapes drawn at random", () => {
      for (let seed = 0; seed < 20; seed++) {
        const stream = randomStream({ root: seed, purpose: "gemm.test shapes" });
        const size = (): number => 1 + stream.integer(stream.uniform() < 0.3 ? 150 : 40);
        expectProduct(set, shapeOf(size(), size(), size() * (1 + stream.integer(6)), { ...kind, scale: 0.37 }), seed);
      }
    });
  });

  it.each([
    { m: 7, n: 9, k: 17 },
    { m: 13, n: 33, k: 17 },
    { m: 25, n: 50, k: 800 },
    { m: 13, n: 1100, k: 390 },
  ])("adds to C itself as to a copy of it: $m x $n x $k", ({ m, n, k }) => {
    for (const kind of KINDS.filter(({ adds }) => adds)) {
      expectAddsInPlace(set, shapeOf(m, n, k, { ...kind, scale: -0.25 }), 3);
    }
  });

  it("gives the same bits when run again, and leaves its inputs as they were", () => {
    for (const kind of KINDS) {
      const shape = shapeOf(25, 49, 800, kind);
      const inputs = randomCase(shape, 4);
      const all = (): Float32Array => Float32Array.of(...inputs.a, ...inputs.b, ...inputs.added);
      const before = all();
      const kernel = kernelOf(set, (to) => emitGemm(to, shape));
      const first = computed(set, shape, inputs, kernel);
      expect([...computed(set, shape, inputs, kernel)]).toEqual([...first]);
      expect(sameBits(all(), before)).toBe(true);
    }
  });

  it("gives a row the same bits whichever rows stand beside it", () => {
    for (const transB of [false, true]) {
      const many = shapeOf(25, 49, 800, { transB });
      const inputs = randomCase(many, 5);
      const all = computed(set, many, inputs);
      for (const row of [0, 5, 6, 11, 12, 24]) {
        const one = computed(set, shapeOf(1, 49, 800, { transB }), {
          ...inputs,
          a: inputs.a.slice(row * 800, (row + 1) * 800),
        });
        expect([...one]).toEqual([...all.subarray(row * 49, (row + 1) * 49)]);
      }
    }
  });

  it("reads and writes nothing behind its arrays, where a fault would end the process", () => {
    for (const [m, n, k] of [
      [1, 1, 1],
      [7, 9, 17],
      [13, 33, 17],
      [25, 15, 33],
      [37, 49, 383],
      [11, 33, 769],
      [49, 17, 300],
      [55, 9, 100],
      [13, 1100, 390],
    ] as const) {
      for (const kind of KINDS) {
        expectWithinFences(set, shapeOf(m, n, k, kind), 7);
      }
    }
  });

  it("gives the same bits whatever second cache its blocks are fitted to", () => {
    for (const kind of KINDS) {
      for (const [m, n, k] of [
        [55, 130, 300],
        [104, 70, 800],
        [13, 1100, 390],
      ] as const) {
        const shape = shapeOf(m, n, k, { ...kind, scale: 0.37 });
        const inputs = randomCase(shape, 8);
        expectSameInCaches(set, shape, inputs, [2 ** 14, 2 ** 19, 2 ** 20, 1_310_720, 2 ** 21]);
        if (m % 2 === 0) expectSameInCaches(set, { ...shape, seven: true }, inputs, [undefined, 2 ** 15]);
        expectWithinFences(set, { ...shape, secondCache: 2 ** 21 }, 8);
      }
    }
  });

  it("is exact where every product and sum is a whole number", () => {
    // Each sum is at most 1541·9, far below 2^24, so float32 has no excuse for a difference.
    const shape = shapeOf(13, 33, 1541);
    const inputs = wholeCase(shape, 6);
    expect([...computed(set, shape, inputs)]).toEqual([...product64(shape, inputs)]);
  });
});

describe("blocksOf", () => {
  it.each([AVX512, AVX2])(
    "gives a block of B half of the second cache, whose size the set knows or is told: $name",
    (set) => {
      const elements = (secondCache?: number): number => {
        const shape = shapeOf(1024, 32000, 512, secondCache === undefined ? {} : { secondCache });
        const { kc, nc } = blocksOf(set, shape);
        return kc * nc;
      };
      for (const secondCache of [2 ** 18, 2 ** 20, 2 ** 21]) {
        expect(elements(secondCache)).toBeLessThanOrEqual(secondCache / 8);
        expect(elements(secondCache)).toBeGreaterThan(0.9 * (secondCache / 8));
      }
      expect(elements()).toBe(elements(set === AVX512 ? 2 ** 20 : 2 ** 19));
    },
  );

  it("copies panels of an A stored [k, m] where it takes too long to read them as they lie", () => {
    const turned = shapeOf(512, 512, 1024, { transA: true });
    expect(copiedTogether(AVX512, turned)).toBe(0);
    expect(copiedTogether(AVX512, { ...turned, secondCache: 2 ** 21 })).toBe(8);
    expect(copiedTogether(AVX2, turned)).toBe(8);
    expect(copiedTogether(AVX512, { ...turned, secondCache: 2 ** 21, transA: false })).toBe(0);
  });
});

describeInSets("emitBatchedGemm", (set) => {
  it.each(KINDS.filter(({ adds }) => !adds).map((kind) => ({ kind, name: nameOf(kind) })))(
    "gives every product the bits it has alone: $name",
    ({ kind }) => {
      for (const [batches, m, n, k] of [
        [1, 5, 7, 9],
        [3, 13, 33, 17],
        [4, 25, 48, 130],
      ] as const) {
        const shape = shapeOf(m, n, k, { ...kind, scale: 0.37 });
        const inputs = randomCase(shape, batches, batches);
        const c = guarded(batches * m * n, UNTOUCHED, () => NaN);
        const scratch = guarded(gemmScratch(set, shape), UNTOUCHED, () => NaN);
        kernelOf(set, (to) => emitBatchedGemm(to, shape, batches))(inputs.a, inputs.b, c, scratch);
        for (let i = 0; i < batches; i++) {
          const [a, b] = [inputs.a.slice(i * m * k, (i + 1) * m * k), inputs.b.slice(i * k * n, (i + 1) * k * n)];
          expect([...c.subarray(i * m * n, (i + 1) * m * n)]).toEqual([...computed(set, shape, { ...inputs, a, b })]);
        }
        expectGuards(c, describeShape(shape));
        expectGuards(scratch, describeShape(shape));
      }
    },
  );
});
