// The inner parts of a matrix product: tiles of C in registers, and factors copied into panels.

import {
  at,
  indexed,
  R10,
  R11,
  R14,
  R9,
  RAX,
  RBP,
  RBX,
  RCX,
  RDX,
  RDI,
  RSI,
  type Assembler,
  type Gpr,
  type Memory,
} from "./assembler.ts";
import { countedLoop, LANES } from "./loops.ts";
import { turnTile } from "./transpose-tile.ts";

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
}

/** A tile of C is 12 rows of two registers: 24 sums, two registers of B, one element of A at a time. */
export const TILE_ROWS = 12;
export const TILE_COLUMNS = 2 * LANES;
/** Twelve rows of A, copied, take a whole cache line for each k. */
export const PACKED_ROWS = 16;
const UNROLL = 4;
/** Mask register of the columns at the right edge, and of the rows that a copied panel of A has. */
export const EDGE = 1;
export const ROWS = 2;

export interface BlockShape {
  readonly width: number;
  readonly depth: number;
  /** the first pass over k writes C, later ones add to it */
  readonly first: boolean;
}

export interface Tile {
  readonly rows: number;
  readonly vectors: number;
  readonly masked: boolean;
  /** steps: elements of k, or pairs of them */
  readonly depth: number;
  readonly multiply: "vfmadd231ps" | "vdpbf16ps";
  readonly aBase: Gpr;
  readonly stepA: number;
  readonly strideA: number;
  readonly stepB: number;
  readonly masksB: boolean;
  readonly strideC: number;
  readonly scale: number;
  readonly from: "zero" | "c" | "added";
  /** asks for the rows of A a few steps before they are read, or for those of the next panel */
  readonly readAhead: "no" | "steps" | "panel";
}

/** Steps between asking for a row of A and reading it. */
const AHEAD_STEPS = 4;
/** From the first to the last row of a panel, which may lie on the next line. */
const LAST_ROW = 4 * (TILE_ROWS - 1);

/** One tile of C at r11 from rows of A and the panel of B at r10; `added` lies r14 bytes further than C. */
export function emitTile(to: Assembler, tile: Tile): void {
  const { rows, vectors, masked, masksB, depth, stepA, strideA, stepB, strideC } = tile;
  const sum = (row: number, v: number): number => row * vectors + v;
  const b = (v: number): number => 24 + v;
  const a = (row: number): number => 26 + (row % 6);
  for (let i = 0; i < rows * vectors; i++) to.zeroVector(i);
  to.move(RDI, tile.aBase);
  to.move(RSI, R10);
  if (tile.from !== "zero") {
    const place = (disp: number): Memory => (tile.from === "c" ? at(R11, disp) : indexed(R11, R14, 1, disp));
    for (let row = 0; row < rows; row++) {
      for (let v = 0; v < vectors; v++) to.prefetch(place(row * strideC + 4 * LANES * v), 1);
    }
  }
  const nextPanel = tile.readAhead === "panel";
  if (nextPanel) to.loadAddress(RDX, at(R9, 4 * TILE_ROWS + LAST_ROW));
  const step = (l: number): void => {
    if (nextPanel) to.prefetch(at(RDX, l * stepA), 2);
    if (tile.readAhead === "steps") {
      to.prefetch(at(RDI, (l + AHEAD_STEPS) * stepA), 1);
      to.prefetch(at(RDI, (l + AHEAD_STEPS) * stepA + LAST_ROW), 1);
    }
    for (let v = 0; v < vectors; v++) {
      to.loadVector(b(v), at(RSI, l * stepB + 4 * v * LANES), masksB && v === vectors - 1 ? EDGE : 0);
    }
    for (let row = 0; row < rows; row++) {
      to.broadcast(a(row), at(RDI, row * strideA + l * stepA));
      for (let v = 0; v < vectors; v++) to.vector(tile.multiply, sum(row, v), a(row), b(v));
    }
  };
  countedLoop(to, RAX, Math.floor(depth / UNROLL), () => {
    for (let l = 0; l < UNROLL; l++) step(l);
    if (nextPanel) to.addConstant(RDX, UNROLL * stepA);
    to.addConstant(RDI, UNROLL * stepA);
    to.addConstant(RSI, UNROLL * stepB);
  });
  for (let l = 0; l < depth % UNROLL; l++) step(l);
  if (tile.scale !== 1) to.broadcastConstant(31, tile.scale);
  for (let row = 0; row < rows; row++) {
    for (let v = 0; v < vectors; v++) {
      const mask = masked && v === vectors - 1 ? EDGE : 0;
      const disp = row * strideC + 4 * LANES * v;
      const register = sum(row, v);
      if (tile.scale !== 1) to.vector("vmulps", register, register, 31);
      if (tile.from !== "zero") {
        const place = tile.from === "c" ? at(R11, disp) : indexed(R11, R14, 1, disp);
        to.vector("vaddps", register, register, place, { mask });
      }
      to.storeVector(at(R11, disp), register, mask);
    }
  }
}

/** Packs the block of B at rsi into panels [k][32] at rcx, with zeros beyond its width. Keeps rdi, rdx, rcx and r8. */
export function emitPackB(to: Assembler, { n, k, transB }: GemmShape, { width, depth }: BlockShape): void {
  if (transB) emitTurnedPanels(to, k, width, depth);
  else emitCopiedPanels(to, n, width, depth);
}

/** Rows of B between asking for a place and copying it. */
const AHEAD_ROWS = 8;

/** From B stored [k, n], row after row as it lies in memory. */
function emitCopiedPanels(to: Assembler, n: number, width: number, depth: number): void {
  const panel = (columns: number): void => {
    const vectors = Math.ceil(columns / LANES);
    for (let v = 0; v < vectors; v++) {
      const mask = v === vectors - 1 && columns % LANES !== 0 ? EDGE : 0;
      to.loadVector(v, at(R10, 4 * LANES * v), mask);
      to.prefetch(at(R10, 4 * LANES * v + AHEAD_ROWS * 4 * n), 1);
      to.storeVector(at(R11, 4 * LANES * v), v);
    }
  };
  const [panels, edge] = [Math.floor(width / TILE_COLUMNS), width % TILE_COLUMNS];
  to.move(R9, RCX);
  countedLoop(to, RBX, depth, () => {
    to.move(R10, RSI);
    to.move(R11, R9);
    countedLoop(to, RBP, panels, () => {
      panel(TILE_COLUMNS);
      to.addConstant(R10, 4 * TILE_COLUMNS);
      to.addConstant(R11, 4 * depth * TILE_COLUMNS);
    });
    if (edge > 0) panel(edge);
    to.addConstant(RSI, 4 * n);
    to.addConstant(R9, 4 * TILE_COLUMNS);
  });
}

/** From B stored [n, k]. */
function emitTurnedPanels(to: Assembler, k: number, width: number, depth: number): void {
  const panel = (columns: number): void => {
    const vectors = Math.ceil(columns / LANES);
    for (let v = 0; v < vectors; v++) emitTurnedPanel(to, Math.min(LANES, columns - v * LANES), v, k, depth);
    to.addConstant(R9, 4 * depth * TILE_COLUMNS);
  };
  to.move(R9, RCX);
  countedLoop(to, RBP, Math.floor(width / TILE_COLUMNS), () => {
    panel(TILE_COLUMNS);
    to.addConstant(RSI, 4 * TILE_COLUMNS * k);
  });
  if (width % TILE_COLUMNS > 0) panel(width % TILE_COLUMNS);
}

/** Half a panel from B stored [n, k]: up to sixteen rows of B at rsi become columns `v` of the panel at r9. */
function emitTurnedPanel(to: Assembler, rows: number, v: number, k: number, depth: number): void {
  to.loadAddress(R10, at(RSI, 4 * v * LANES * k));
  to.loadAddress(R11, at(R9, 4 * v * LANES));
  const square = (length: number): void => {
    if (length < LANES) to.maskOf(3, length);
    for (let row = 0; row < LANES; row++) {
      if (row < rows) to.loadVector(row, at(R10, 4 * row * k), length < LANES ? 3 : 0);
      else to.zeroVector(row);
    }
    turnTile(to);
    for (let l = 0; l < length; l++) to.storeVector(at(R11, 4 * l * TILE_COLUMNS), l);
  };
  countedLoop(to, RBX, Math.floor(depth / LANES), () => {
    square(LANES);
    to.addConstant(R10, 4 * LANES);
    to.addConstant(R11, 4 * LANES * TILE_COLUMNS);
  });
  if (depth % LANES > 0) square(depth % LANES);
}
