// One block of a matrix product by the tile registers of AMX: sixteen rows of 64 bytes, multiplied as matrices.

import { invariant } from "../base/invariant.ts";
import {
  at,
  indexed,
  R10,
  R11,
  R12,
  R13,
  R14,
  R15,
  R8,
  R9,
  RAX,
  RBP,
  RBX,
  RCX,
  RDI,
  RDX,
  RSI,
  RSP,
  type Assembler,
  type Gpr,
  type Memory,
} from "./assembler.ts";
import { Avx512Assembler, type Tile } from "./avx512.ts";
import {
  longestPass,
  multiplicationsOf,
  PANEL,
  panelBytes,
  PART_BYTES,
  ROW_BYTES,
  stepBytes,
  TILE_BYTES,
} from "./amx-layout.ts";
import { emitPackTilesA, emitPackTilesB } from "./gemm-amx-pack.ts";
import { emitInterleaveOrder } from "./gemm-pairs.ts";
import { AMX_TILE, EDGE, partsOf, type BlockShape, type GemmShape, type Part, type Target } from "./gemm-shape.ts";
import { countedLoop, overRows } from "./loops.ts";

/** Rows of A that are copied at a time. */
const CHUNK_ROWS = 4 * PANEL;
/** Registers of the bytes from one row of a tile to the next, in A's copy (and a tile by itself), in B's, and in C. */
const [STRIDE_A, STRIDE_B, STRIDE_C] = [RDX, R13, R8];

/** Palette 1 with eight tiles of 16 rows of 64 bytes: words of the 64 bytes that configure them. */
const LAYOUT: Memory = {
  base: 0,
  literal: [1, 0, 0, 0, ...Array<number>(4).fill(ROW_BYTES * 0x10001), 0, 0, 0, 0, 0x10101010, 0x10101010, 0, 0],
};

/** Where what a block needs lies, in bytes of scratch memory behind B's copy: A's, the order of pairs, half a turned square, one tile. */
function placesOf(shape: GemmShape, { width, depth }: Pick<Part, "width" | "depth">) {
  const packedA = Math.ceil(width / PANEL) * panelBytes(shape, depth);
  const order = packedA + (CHUNK_ROWS / PANEL) * panelBytes(shape, Math.min(depth, longestPass(shape)));
  const turned = order + ROW_BYTES;
  return { packedA, order, turned, edge: turned + TILE_BYTES };
}

/** Elements of scratch memory for a block of that width and depth. */
export function amxScratch(shape: GemmShape, block: Pick<Part, "width" | "depth">): number {
  return (placesOf(shape, block).edge + TILE_BYTES) / 4;
}

/**
 * Emits the code of one block (A rdi, B rsi, C rdx, scratch rcx, added r8), where `EDGE` stands for its last columns: see `emitBlock`.
 * Some rows after others go through all passes of the block, so that their part of C stays in the second cache meanwhile.
 */
export function emitAmxBlock(to: Assembler, shape: GemmShape, block: BlockShape): void {
  invariant(to instanceof Avx512Assembler && shape.scale === 1, "tiles are multiplied beside AVX-512, unscaled");
  const { n, k, transA } = shape;
  const places = placesOf(shape, block);
  if (partsOf(shape) === 1) emitInterleaveOrder(to, places.order);
  emitPackTilesB(to, shape, block, places);
  to.move(R9, RDI);
  to.move(R12, RDX);
  to.move(R14, R8);
  to.sub(R14, RDX);
  to.configureTiles(LAYOUT);
  to.moveConstant(STRIDE_A, ROW_BYTES);
  to.moveConstant(STRIDE_B, 2 * ROW_BYTES);
  to.moveConstant(STRIDE_C, 4 * n);
  overRows(to, block.rows, CHUNK_ROWS, (rows) => {
    to.push(RBP);
    emitPasses(to, shape, block, rows);
    to.pop(RBP);
    to.addConstant(R9, 4 * rows * (transA ? 1 : k));
    to.addConstant(R12, 4 * rows * n);
  });
  to.releaseTiles();
}

/** One pass over k for some rows: its part of k, and what C starts from. */
interface Pass {
  readonly rows: number;
  readonly depth: number;
  readonly from: Target["from"];
}

/** All passes of a block for the rows of A at r9 and of C at r12, pass after pass. */
function emitPasses(to: Avx512Assembler, shape: GemmShape, block: BlockShape, rows: number): void {
  const { m, n, transA } = shape;
  const longest = longestPass(shape);
  const whole = Math.floor(block.depth / longest);
  const left = block.depth % longest;
  const { from } = block.products[0]!.into[0]!;
  const along = (depth: number): number => 4 * depth * (transA ? m : 1);
  const pass = (depth: number, start: Target["from"]): void => {
    to.push(RBP);
    emitPass(to, shape, block, { rows, depth, from: start });
    to.pop(RBP);
    to.addConstant(R9, along(depth));
    to.addConstant(R12, -4 * rows * n);
    to.load(RAX, at(RSP, 0));
    to.addConstant(RAX, panelBytes(shape, depth));
    to.store(at(RSP, 0), RAX);
  };
  to.push(RCX);
  if (whole > 0) pass(longest, from);
  countedLoop(to, RBP, Math.max(0, whole - 1), () => pass(longest, "c"));
  if (left > 0) pass(left, whole > 0 ? "c" : from);
  to.pop(RAX);
  to.addConstant(R9, -along(block.depth));
}

/** Copies the rows' part of A and multiplies it with every panel of B, whose part of k begins where the stack says. */
function emitPass(to: Avx512Assembler, shape: GemmShape, block: BlockShape, pass: Pass): void {
  const { rows, depth } = pass;
  const places = placesOf(shape, block);
  to.loadAddress(RDI, at(RCX, places.packedA));
  emitPackTilesA(to, shape, { depth, rows, places });
  to.loadAddress(R15, at(RCX, places.packedA));
  overRows(to, rows, PANEL, (count) => {
    emitPanel(to, shape, block, { ...pass, rows: count });
    to.addConstant(R15, panelBytes(shape, depth));
    to.addConstant(R12, 4 * count * shape.n);
  });
}

/** Where `emitPass` finds its place in the panels of B: behind the counter of passes. */
const PANELS_OF_B = at(RSP, 8);

/** The tiles of up to 32 rows of C at r12, from the panel of A at r15: four to a panel of B. */
function emitPanel(to: Avx512Assembler, shape: GemmShape, block: BlockShape, pass: Pass): void {
  const { width, depth } = block;
  to.load(R10, PANELS_OF_B);
  to.move(R11, R12);
  const four = (columns: number): void => {
    emitFour(to, shape, { ...pass, columns, edge: placesOf(shape, block).edge });
    to.addConstant(R10, panelBytes(shape, depth));
    to.addConstant(R11, 4 * PANEL);
  };
  countedLoop(to, RBX, Math.floor(width / PANEL), () => four(PANEL));
  if (width % PANEL > 0) four(width % PANEL);
}

/** Up to four tiles of C, 32 rows and columns at most. */
interface Four extends Pass {
  readonly columns: number;
  /** where a tile by itself lies behind rcx */
  readonly edge: number;
}

/** A tile of C: its register, where it begins, and how much of it there is. */
interface Corner {
  readonly tile: Tile;
  readonly disp: number;
  readonly rows: number;
  readonly columns: number;
}

function cornersOf({ n }: GemmShape, { rows, columns }: Four): readonly Corner[] {
  return [0, 1, 2, 3]
    .map((tile) => ({ tile, down: AMX_TILE.side * (tile >> 1), right: AMX_TILE.side * (tile & 1) }))
    .filter(({ down, right }) => down < rows && right < columns)
    .map(({ tile, down, right }) => ({
      tile,
      disp: 4 * (down * n + right),
      rows: Math.min(AMX_TILE.side, rows - down),
      columns: Math.min(AMX_TILE.side, columns - right),
    }));
}

/** Up to four tiles of C at r11, from the panels of A at r15 and of B at r10. */
function emitFour(to: Avx512Assembler, shape: GemmShape, four: Four): void {
  const { depth, from, edge } = four;
  const corners = cornersOf(shape, four);
  const isWhole = ({ rows, columns }: Corner): boolean => rows === AMX_TILE.side && columns === AMX_TILE.side;
  const single = indexed(RCX, STRIDE_A, 1, edge);
  const start = emitStart(to, from);
  for (const corner of corners) {
    if (from === "zero") to.zeroTile(corner.tile);
    else if (isWhole(corner)) to.loadTile(corner.tile, indexed(start, STRIDE_C, 1, corner.disp));
    else {
      emitCopyRows(to, shape, corner, "from", start, edge);
      to.loadTile(corner.tile, single);
    }
  }
  to.move(RDI, R15);
  to.move(RSI, R10);
  countedLoop(to, RAX, multiplicationsOf(shape, depth), () => {
    emitMultiplications(to, shape, four);
    to.addConstant(RDI, stepBytes(shape));
    to.addConstant(RSI, stepBytes(shape));
  });
  for (const corner of corners) {
    if (isWhole(corner)) {
      to.storeTile(indexed(R11, STRIDE_C, 1, corner.disp), corner.tile);
      continue;
    }
    to.storeTile(single, corner.tile);
    emitCopyRows(to, shape, corner, "to", R11, edge);
  }
}

/**
 * Which parts of A and of B are multiplied: each of those left out is below 2^-23 of the product. Neighbours share a part.
 * @source G. Henry, P. T. P. Tang, A. Heinecke, arXiv 1904.06376.
 */
const PRODUCTS = {
  rounded: [[0, 0]],
  split: [
    [0, 0],
    [0, 2],
    [0, 1],
    [1, 1],
    [1, 0],
    [2, 0],
  ],
} as const;

/** One step of k: every product of parts, into the tiles 0 to 3. */
function emitMultiplications(to: Avx512Assembler, { amx }: GemmShape, { rows, columns }: Four): void {
  const [a, b] = [4, 6];
  const [down, right] = [rows > AMX_TILE.side, columns > AMX_TILE.side];
  let [ofA, ofB] = [-1, -1];
  for (const [partA, partB] of PRODUCTS[amx!]) {
    if (partA !== ofA) {
      to.loadTile(a, indexed(RDI, STRIDE_A, 1, partA * PART_BYTES));
      if (down) to.loadTile(a + 1, indexed(RDI, STRIDE_A, 1, partA * PART_BYTES + TILE_BYTES));
    }
    if (partB !== ofB) {
      to.loadTile(b, indexed(RSI, STRIDE_B, 1, partB * PART_BYTES));
      if (right) to.loadTile(b + 1, indexed(RSI, STRIDE_B, 1, partB * PART_BYTES + ROW_BYTES));
    }
    [ofA, ofB] = [partA, partB];
    to.multiplyTiles(0, a, b);
    if (right) to.multiplyTiles(1, a, b + 1);
    if (down) to.multiplyTiles(2, a + 1, b);
    if (down && right) to.multiplyTiles(3, a + 1, b + 1);
  }
}

/** The register that holds where the sums at r11 start from. */
function emitStart(to: Assembler, from: Target["from"]): Gpr {
  if (from !== "added") return R11;
  to.move(RDI, R11);
  to.add(RDI, R14);
  return RDI;
}

/** Copies a tile that is cut by an edge of C to or from the one by itself in scratch memory. */
function emitCopyRows(
  to: Assembler,
  { n }: GemmShape,
  { disp, rows, columns }: Corner,
  way: "from" | "to",
  base: Gpr,
  edge: number,
): void {
  const mask = columns < AMX_TILE.side ? EDGE : 0;
  for (let row = 0; row < rows; row++) {
    const [place, single] = [at(base, disp + 4 * row * n), at(RCX, edge + row * ROW_BYTES)];
    to.loadVector(0, way === "from" ? place : single, way === "from" ? mask : 0);
    if (way === "from") to.storeVector(single, 0);
    else to.storeVector(place, 0, mask);
  }
}
