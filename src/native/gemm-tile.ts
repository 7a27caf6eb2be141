// The inner parts of a matrix product: tiles of C in registers, and factors copied into panels.

import {
  at,
  indexed,
  literal,
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
  type Vector,
} from "./assembler.ts";
import { countedLoop } from "./loops.ts";
import { LINE_BYTES, type InstructionSet } from "./instruction-set.ts";
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
  /** elements of a packed block of B: half of the second cache of a Zen 5 or a Zen 3, whose sets these are */
  readonly blockElements: number;
  /** elements of k of one pass: the rows of A of a tile fill less than half of the first cache */
  readonly longestPass: number;
  /** panels of an A stored [k, m] that are copied at a time; 0 reads them where they lie */
  readonly copiedPanels: number;
}

const TILES: Readonly<Record<InstructionSet["name"], TileShape>> = {
  avx512: {
    rows: 12,
    columns: 32,
    b: 24,
    a: [26, 27, 28, 29, 30, 31],
    scale: 31,
    blockElements: 2 ** 17,
    longestPass: 384,
    copiedPanels: 0,
  },
  avx2: { rows: 6, columns: 16, b: 12, a: [14], scale: 14, blockElements: 2 ** 16, longestPass: 256, copiedPanels: 8 },
};

export function tileOf({ name }: InstructionSet): TileShape {
  return TILES[name];
}

/** Twelve rows of A, copied as bfloat16, take a whole cache line for each k. */
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

/** One tile of C at r11 from rows of A and the panel of B at r10; `added` lies r14 bytes further than C. */
export function emitTile(to: Assembler, tile: Tile): void {
  const { rows, vectors, masked, masksB, depth, stepA, strideA, stepB, strideC } = tile;
  const sum = (row: number, v: number): number => row * vectors + v;
  const registers = tileOf(to.set);
  const b = (v: number): Vector => registers.b + v;
  const a = (row: number): Vector => registers.a[row % registers.a.length]!;
  // From the first to the last row of a panel, which may lie on the next line.
  const lastRow = 4 * (registers.rows - 1);
  for (let i = 0; i < rows * vectors; i++) to.zeroVector(i);
  to.move(RDI, tile.aBase);
  to.move(RSI, R10);
  if (tile.from !== "zero") {
    const place = (disp: number): Memory => (tile.from === "c" ? at(R11, disp) : indexed(R11, R14, 1, disp));
    for (let row = 0; row < rows; row++) {
      for (let v = 0; v < vectors; v++) to.prefetch(place(row * strideC + 4 * to.lanes * v), 1);
    }
  }
  const nextPanel = tile.readAhead === "panel";
  if (nextPanel) to.loadAddress(RDX, at(R9, 4 * registers.rows + lastRow));
  const step = (l: number): void => {
    if (nextPanel) to.prefetch(at(RDX, l * stepA), 2);
    if (tile.readAhead === "steps") {
      to.prefetch(at(RDI, (l + AHEAD_STEPS) * stepA), 1);
      to.prefetch(at(RDI, (l + AHEAD_STEPS) * stepA + lastRow), 1);
    }
    for (let v = 0; v < vectors; v++) {
      to.loadVector(b(v), at(RSI, l * stepB + 4 * v * to.lanes), masksB && v === vectors - 1 ? EDGE : 0);
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
  if (tile.scale !== 1) to.broadcast(registers.scale, literal(tile.scale));
  for (let row = 0; row < rows; row++) {
    for (let v = 0; v < vectors; v++) {
      const mask = masked && v === vectors - 1 ? EDGE : 0;
      const disp = row * strideC + 4 * to.lanes * v;
      const register = sum(row, v);
      if (tile.scale !== 1) to.vector("vmulps", register, register, registers.scale);
      if (tile.from !== "zero") {
        const place = tile.from === "c" ? at(R11, disp) : indexed(R11, R14, 1, disp);
        to.vector("vaddps", register, register, place, { mask });
      }
      to.storeVector(at(R11, disp), register, mask);
    }
  }
}

/** Packs the block of B at rsi into panels [k][columns of a tile] at rcx, with zeros beyond its width. Keeps rdi, rdx, rcx and r8. */
export function emitPackB(to: Assembler, { n, k, transB }: GemmShape, { width, depth }: BlockShape): void {
  if (transB) emitTurnedPanels(to, k, width, depth);
  else emitCopiedPanels(to, n, width, depth);
}

/** Rows of B between asking for a place and copying it. */
const AHEAD_ROWS = 8;

/** From B stored [k, n], row after row as it lies in memory. */
function emitCopiedPanels(to: Assembler, n: number, width: number, depth: number): void {
  const { columns: across } = tileOf(to.set);
  const panel = (columns: number): void => {
    const vectors = Math.ceil(columns / to.lanes);
    for (let v = 0; v < vectors; v++) {
      const mask = v === vectors - 1 && columns % to.lanes !== 0 ? EDGE : 0;
      to.loadVector(v, at(R10, 4 * to.lanes * v), mask);
      to.prefetch(at(R10, 4 * to.lanes * v + AHEAD_ROWS * 4 * n), 1);
      to.storeVector(at(R11, 4 * to.lanes * v), v);
    }
  };
  const [panels, edge] = [Math.floor(width / across), width % across];
  to.move(R9, RCX);
  countedLoop(to, RBX, depth, () => {
    to.move(R10, RSI);
    to.move(R11, R9);
    countedLoop(to, RBP, panels, () => {
      panel(across);
      to.addConstant(R10, 4 * across);
      to.addConstant(R11, 4 * depth * across);
    });
    if (edge > 0) panel(edge);
    to.addConstant(RSI, 4 * n);
    to.addConstant(R9, 4 * across);
  });
}

/** Rows of A between asking for a place and copying it. */
const AHEAD_OF_PANELS = 8;

/** Copies `rows` rows of A, stored [k, m] at r9, to rdi in panels [k][a vector], of which a tile reads the elements of its rows. */
export function emitPackA(to: Assembler, m: number, rows: number, depth: number): void {
  const { rows: tileRows } = tileOf(to.set);
  const panels = Math.ceil(rows / tileRows);
  const lastRow = 4 * (rows - 1);
  to.move(RSI, R9);
  countedLoop(to, RBX, depth, () => {
    // The last row may lie on one line more.
    for (let byte = 0; byte < lastRow + LINE_BYTES; byte += LINE_BYTES) {
      to.prefetch(at(RSI, AHEAD_OF_PANELS * 4 * m + Math.min(byte, lastRow)), 1);
    }
    for (let panel = 0; panel < panels; panel++) {
      const left = rows - panel * tileRows;
      if (left < to.lanes) to.maskOf(ROWS, left);
      to.loadVector(panel, at(RSI, 4 * panel * tileRows), left < to.lanes ? ROWS : 0);
      to.storeVector(at(RDI, 4 * panel * depth * to.lanes), panel);
    }
    to.addConstant(RSI, 4 * m);
    to.addConstant(RDI, 4 * to.lanes);
  });
}

/** From B stored [n, k]. */
function emitTurnedPanels(to: Assembler, k: number, width: number, depth: number): void {
  const { columns: across } = tileOf(to.set);
  const panel = (columns: number): void => {
    const vectors = Math.ceil(columns / to.lanes);
    for (let v = 0; v < vectors; v++) emitTurnedPanel(to, Math.min(to.lanes, columns - v * to.lanes), v, k, depth);
    to.addConstant(R9, 4 * depth * across);
  };
  to.move(R9, RCX);
  countedLoop(to, RBP, Math.floor(width / across), () => {
    panel(across);
    to.addConstant(RSI, 4 * across * k);
  });
  if (width % across > 0) panel(width % across);
}

/** Half a panel from B stored [n, k]: up to a vector's worth of rows of B at rsi become columns `v` of the panel at r9. */
function emitTurnedPanel(to: Assembler, rows: number, v: number, k: number, depth: number): void {
  const { columns: across } = tileOf(to.set);
  to.loadAddress(R10, at(RSI, 4 * v * to.lanes * k));
  to.loadAddress(R11, at(R9, 4 * v * to.lanes));
  const square = (length: number): void => {
    if (length < to.lanes) to.maskOf(3, length);
    for (let row = 0; row < to.lanes; row++) {
      if (row < rows) to.loadVector(row, at(R10, 4 * row * k), length < to.lanes ? 3 : 0);
      else to.zeroVector(row);
    }
    turnTile(to);
    for (let l = 0; l < length; l++) to.storeVector(at(R11, 4 * l * across), l);
  };
  countedLoop(to, RBX, Math.floor(depth / to.lanes), () => {
    square(to.lanes);
    to.addConstant(R10, 4 * to.lanes);
    to.addConstant(R11, 4 * to.lanes * across);
  });
  if (depth % to.lanes > 0) square(depth % to.lanes);
}
