// How the factors of a product lie in memory where AMX multiplies them.

import { AMX_TILE, partsOf, stepsOf, type GemmShape } from "./gemm-shape.ts";

/** Rows and columns of C that are computed together: four tiles. */
export const PANEL = 2 * AMX_TILE.side;
export const ROW_BYTES = 64;
export const TILE_BYTES = AMX_TILE.side * ROW_BYTES;
/** What a panel of A or of B has for one multiplication, of one part: two tiles. */
export const PART_BYTES = 2 * TILE_BYTES;

/** Multiplications of tiles that a part of k takes. */
export function multiplicationsOf(shape: GemmShape, depth: number): number {
  return (2 * stepsOf(shape, depth)) / AMX_TILE.depth;
}

/** What a panel of A or of B has for one multiplication, part after part. */
export function stepBytes(shape: GemmShape): number {
  return partsOf(shape) * PART_BYTES;
}

export function panelBytes(shape: GemmShape, depth: number): number {
  return multiplicationsOf(shape, depth) * stepBytes(shape);
}

/** Elements of k of one pass: split panels of A stay in the first cache; shorter passes than 1,024 gain rounded ones nothing. */
export function longestPass({ amx }: GemmShape): number {
  return amx === "split" ? 128 : 1024;
}

/** How a product is cut into blocks of B: elements of k and columns of one, and how many of each there are. */
export interface Blocks {
  readonly kc: number;
  readonly passes: number;
  readonly nc: number;
  readonly columns: number;
}

/**
 * Blocks whose copy takes at most so many bytes, or is a single panel: as wide as they can be, for A is copied once for each block
 * of columns, and then as deep, for C is passed over once for each part of k.
 */
export function amxBlocks(shape: GemmShape, bytes: number): Blocks {
  const { n, k } = shape;
  const pass = Math.min(k, longestPass(shape));
  const panels = Math.ceil(n / PANEL);
  const most = Math.max(1, Math.floor(bytes / panelBytes(shape, pass)));
  const columns = Math.ceil(panels / most);
  const wide = Math.ceil(panels / columns);
  const deep = Math.max(1, Math.floor(bytes / (wide * panelBytes(shape, pass))));
  const kc = Math.min(k, deep * pass);
  return { kc, passes: Math.ceil(k / kc), nc: wide * PANEL, columns };
}
