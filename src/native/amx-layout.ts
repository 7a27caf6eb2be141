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
