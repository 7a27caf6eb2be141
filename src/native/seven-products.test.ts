// Products as seven of halves: every edge they can have, and how much they round.

import { describe, expect, it } from "vitest";
import {
  computed,
  expectAddsInPlace,
  expectExact,
  expectProduct,
  expectWithinFences,
  KINDS,
  nameOf,
  product64,
  randomCase,
  rootMeanSquare,
  sameBits,
  shapeOf,
  wholeCase,
} from "../../test/support/gemm-case.ts";
import { describeInSets } from "../../test/support/native-kernel.ts";
import type { GemmShape } from "./gemm-shape.ts";
import { AVX2, AVX512 } from "./instruction-set.ts";
import { hasHalves, productsOf } from "./seven-products.ts";

const seven = (m: number, n: number, k: number, rest: Partial<GemmShape> = {}): GemmShape =>
  shapeOf(m, n, k, { ...rest, seven: true });

describe("hasHalves", () => {
  it.each([{ set: AVX2, least: 256 }])(
    "asks for sides that are even and at least $least in $set.name",
    ({ set, least }) => {
      const fits = (m: number, n: number, k: number): boolean => hasHalves(set, shapeOf(m, n, k));
      expect(fits(least, least, least)).toBe(true);
      expect(fits(1024, 32000, 512)).toBe(true);
      for (const side of [least - 2, least + 1]) {
        expect([fits(side, least, least), fits(least, side, least), fits(least, least, side)]).toEqual([
          false,
          false,
          false,
        ]);
      }
    },
  );

  it("is never so in AVX-512, where the sums cost more time than the products saved", () => {
    expect(hasHalves(AVX512, shapeOf(1024, 32000, 512))).toBe(false);
  });
});

describe("productsOf", () => {
  it("starts every quarter of C once in the first pass, and adds to it from then on", () => {
    for (const adds of [false, true]) {
      const shape = seven(4, 6, 8, { adds });
      const started = productsOf(shape, true).flatMap(({ into }) => into.filter(({ from }) => from !== "c"));
      expect(started.map(({ disp }) => disp).sort((a, b) => a - b)).toEqual([0, 12, 48, 60]);
      expect(started.every(({ from, minus }) => from === (adds ? "added" : "zero") && !minus)).toBe(true);
      expect(
        productsOf(shape, false)
          .flatMap(({ into }) => into)
          .every(({ from }) => from === "c"),
      ).toBe(true);
    }
  });
});

describeInSets("emitGemm of seven products", (set) => {
  describe.each(KINDS.map((kind) => ({ kind, name: nameOf(kind) })))("$name", ({ kind }) => {
    it("is exact on whole numbers, on every edge of a tile, a panel and a turned square", () => {
      const halves = [1, 3, 4, 5, 8, 9, 16, 17, 33];
      for (const [i, m] of [1, 5, 6, 7, 12, 13, 25, 49, 97].entries()) {
        for (const [j, n] of [1, 7, 8, 9, 16, 17, 24, 33, 48].entries()) {
          const shape = seven(2 * m, 2 * n, 2 * halves[(i + 2 * j) % halves.length]!, kind);
          const inputs = wholeCase(shape, i + j);
          expectExact(set, shape, inputs);
        }
      }
    });

    it("is exact on whole numbers over several chunks of rows", () => {
      for (const m of [96, 98, 193, 200]) {
        const shape = seven(2 * m, 18, 10, kind);
        const inputs = wholeCase(shape, m);
        expectExact(set, shape, inputs);
      }
    });

    it("equals float64 over several passes of k and blocks of columns", () => {
      expectProduct(set, seven(110, 66, 1538, { ...kind, scale: 0.37 }), 1);
      expectProduct(set, seven(6, 2200, 780, { ...kind, scale: -2 }), 2);
    });
  });

  it.each([
    { m: 106, n: 70, k: 780 },
    { m: 6, n: 2200, k: 780 },
  ])("adds to C itself as to a copy of it: $m x $n x $k", ({ m, n, k }) => {
    for (const kind of KINDS.filter(({ adds }) => adds)) {
      expectAddsInPlace(set, seven(m, n, k, { ...kind, scale: -0.25 }), 3);
    }
  });

  it("reads and writes nothing behind its arrays, where a fault would end the process", () => {
    for (const [m, n, k] of [
      [2, 2, 2],
      [14, 18, 34],
      [98, 34, 602],
      [6, 2200, 780],
    ] as const) {
      for (const kind of KINDS) {
        expectWithinFences(set, seven(m, n, k, kind), 7);
      }
    }
  });

  it.each([256, 512, 1024])("rounds at most three times as much as plain products do: k of %i", (k) => {
    const shape = shapeOf(256, 256, k, { transB: true });
    const inputs = randomCase(shape, k);
    const right = product64(shape, inputs);
    const [plain, halved] = [computed(set, shape, inputs), computed(set, { ...shape, seven: true }, inputs)];
    // Seen in AVX2: 1.5 to 2.1 times.
    expect(rootMeanSquare(halved, right) / rootMeanSquare(plain, right)).toBeLessThan(3);
    expect(sameBits(halved, plain)).toBe(false);
  });
});
