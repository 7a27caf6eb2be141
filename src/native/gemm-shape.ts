// What a matrix product is made of: its shape, its tiles, and the parts of its matrices that are multiplied.

import type { Vector } from "./assembler.ts";
import type { InstructionSet } from "./instruction-set.ts";

/**
 * How linear maps are multiplied: by all their 2mnk operations in float32; in the quickest way that rounds about as little, which
 * are factors split into three bfloat16 in AMX, and seven products of halves for large ones in AVX2; or with factors rounded to bfloat16.
 */
export type Products = "plain" | "quickest" | "bfloat16";

export interface GemmShape {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** A is stored [k, m] instead of [m, k] */
  readonly transA: boolean;
  /** B is stored [n, k] instead of [k, n] */
  readonly transB: boolean;
  /** C := product + what a second matrix of C's shape holds */
  readonly adds: boolean;
  readonly scale: number;
  /** factors are rounded to bfloat16 before they are multiplied; sums stay float32 */
  readonly bfloat16?: boolean;
  /** factors are multiplied by the tile registers of AMX: rounded to bfloat16, or split into three that sum to them; the scale is 1 then */
  readonly amx?: "rounded" | "split";
  /** seven products of halves; m, n and k are even then, and nothing is rounded to bfloat16 */
  readonly seven?: boolean;
  /** bytes of the second cache that blocks are fitted to; those of the set's `secondCache` when not known */
  readonly secondCache?: number | undefined;
}

/** Part of a matrix, by the bytes between the first elements of both; added, or taken away. */
export interface Term {
  readonly disp: number;
  readonly minus: boolean;
}

/** Part of C that a product goes to, and what it starts from there. */
export interface Target extends Term {
  readonly from: "zero" | "c" | "added";
}

/** How a set's registers are spent on a tile of C, and how much of the factors its caches hold. */
export interface TileShape {
  /** of C, in registers from 0 on, two to a row */
  readonly rows: number;
  readonly columns: number;
  /** the first of two registers of B */
  readonly b: Vector;
  /** registers of elements of A, used in turn */
  readonly a: readonly Vector[];
  /** register of the factor that results are multiplied by */
  readonly scale: Vector;
  /** bytes of the second cache of the processor that this was measured on: a Zen 5 and a Zen 3 */
  readonly secondCache: number;
  /** elements of k of one pass: the rows of A of a tile fill less than half of the first cache */
  readonly longestPass: number;
  /** panels of an A stored [k, m] that are copied at a time */
  readonly copiedPanels: number;
  /** bytes of a second cache from which on they are copied; with less they are read where they lie */
  readonly copiesFrom: number;
  /** panels of sums of parts of A that are written at a time */
  readonly summedPanels: number;
  /** sides from which on seven products of halves are quicker than a plain one: never where more arithmetic is quicker than more memory */
  readonly smallestHalved: number;
}

const AVX512_TILE: TileShape = {
  rows: 12,
  columns: 32,
  b: 24,
  a: [26, 27, 28, 29, 30, 31],
  scale: 31,
  secondCache: 2 ** 20,
  longestPass: 384,
  copiedPanels: 8,
  copiesFrom: 2 ** 21,
  summedPanels: 4,
  smallestHalved: Infinity,
};

const TILES: Readonly<Record<InstructionSet["name"], TileShape>> = {
  amx: AVX512_TILE,
  avx512: AVX512_TILE,
  avx2: {
    rows: 6,
    columns: 16,
    b: 12,
    a: [14],
    scale: 14,
    secondCache: 2 ** 19,
    longestPass: 256,
    copiedPanels: 8,
    copiesFrom: 0,
    summedPanels: 8,
    smallestHalved: 256,
  },
};

export function tileOf({ name }: InstructionSet): TileShape {
  return TILES[name];
}

/** Twelve rows of A, copied as bfloat16, take a whole cache line for each k. */
export const PACKED_ROWS = 16;
/** Mask register of the columns at the right edge, and of the rows that a copied panel of A has. */
export const EDGE = 1;
export const ROWS = 2;

/** What is multiplied with one block of B: one pass over k, or as many as a block of AMX is deep. */
export interface BlockShape {
  /** of C that each product goes to, and its columns */
  readonly rows: number;
  readonly width: number;
  /** elements of k */
  readonly depth: number;
  readonly products: readonly Product[];
}

/** Sums of parts of A and of B are multiplied, and the product goes to parts of C. */
export interface Product {
  readonly a: readonly Term[];
  readonly b: readonly Term[];
  readonly into: readonly Target[];
}

/** What one product of a block needs to know to copy its factors. */
export interface Part {
  readonly width: number;
  readonly depth: number;
  readonly terms: readonly Term[];
}

/** Sides of a tile of C in a tile register of AMX, and the elements of k that one instruction takes. */
export const AMX_TILE = { side: 16, depth: 32 } as const;

/** Pairs of a part of k; the last one of an odd part has a zero beside it. */
export function pairsOf(depth: number): number {
  return Math.ceil(depth / 2);
}

/** What a part of k is multiplied in: its elements, or pairs of them in bfloat16; tile registers take whole rows of pairs. */
export function stepsOf({ bfloat16 = false, amx }: GemmShape, depth: number): number {
  if (amx !== undefined) return (Math.ceil(depth / AMX_TILE.depth) * AMX_TILE.depth) / 2;
  return bfloat16 ? pairsOf(depth) : depth;
}

/** Of bfloat16 that a factor is made of in tile registers; 1 for every other kind of product. */
export function partsOf({ amx }: GemmShape): number {
  return amx === "split" ? 3 : 1;
}
