// Seven products of halves in place of eight: V. Strassen, Gaussian elimination is not optimal, 1969.

import { tileOf, type GemmShape, type Product, type Target, type Term } from "./gemm-shape.ts";
import type { InstructionSet } from "./instruction-set.ts";

/** Sums of quarters of A and of B, by row and column as in a matrix of 2 x 2, and the quarters of C that their product goes to. */
const SEVEN = [
  ["11+22", "11+22", "11+22"],
  ["21+22", "11", "21-22"],
  ["11", "12-22", "12+22"],
  ["22", "21-11", "11+21"],
  ["11+12", "22", "12-11"],
  ["21-11", "11+12", "22"],
  ["12-22", "21+22", "11"],
] as const;

/** Whether a product has halves that are worth multiplying by themselves: docs/log.md, 2026-11-29. */
export function hasHalves(set: InstructionSet, { m, n, k }: GemmShape): boolean {
  return [m, n, k].every((side) => side >= tileOf(set).smallestHalved && side % 2 === 0);
}

/** The products that one pass over k is made of; the first pass starts C. */
export function productsOf(shape: GemmShape, first: boolean): readonly Product[] {
  const { m, n, k, transA, transB, adds, seven = false } = shape;
  const from = first ? (adds ? "added" : "zero") : "c";
  if (!seven)
    return [
      { a: [{ disp: 0, minus: false }], b: [{ disp: 0, minus: false }], into: [{ disp: 0, minus: false, from }] },
    ];
  const reached = new Set<number>();
  // The first product that reaches a quarter is added to what it starts from: none of those has a minus.
  const target = (term: Term): Target => {
    const again = reached.has(term.disp);
    reached.add(term.disp);
    return { ...term, from: again ? "c" : from };
  };
  return SEVEN.map(([a, b, c]) => ({
    a: quarters(a, transA ? [k, m] : [m, k], transA),
    b: quarters(b, transB ? [n, k] : [k, n], transB),
    into: quarters(c, [m, n], false).map(target),
  }));
}

/** Where the quarters of a sum begin, in a matrix of these rows and columns in memory; it may be stored turned. */
function quarters(sum: string, [rows, columns]: readonly [number, number], turned: boolean): readonly Term[] {
  return [...sum.matchAll(/([+-]?)([12])([12])/g)].map(([, sign, i, j]) => {
    const [row, column] = turned ? [j, i] : [i, j];
    const below = row === "2" ? (rows / 2) * columns : 0;
    const beside = column === "2" ? columns / 2 : 0;
    return { disp: 4 * (below + beside), minus: sign === "-" };
  });
}
