// Factors of a product copied into panels, or sums of their parts.

import {
  at,
  R10,
  R11,
  R9,
  RBP,
  RBX,
  RCX,
  RDI,
  RSI,
  type Assembler,
  type Mask,
  type Memory,
  type Vector,
} from "./assembler.ts";
import { EDGE, ROWS, tileOf, type GemmShape, type Part } from "./gemm-shape.ts";
import { LINE_BYTES } from "./instruction-set.ts";
import { alongRow, countedLoop } from "./loops.ts";
import { turnTile } from "./transpose-tile.ts";

/** Loads the sum of parts of a matrix, which lie as far from `place` as from the whole one's beginning. */
function emitSum(to: Assembler, dst: Vector, place: Memory, terms: Part["terms"], mask: Mask): void {
  terms.forEach(({ disp, minus }, i) => {
    const part = { ...place, disp: (place.disp ?? 0) + disp };
    if (i === 0) to.loadVector(dst, part, mask);
    else to.vector(minus ? "vsubps" : "vaddps", dst, dst, part, { mask });
  });
}

/** Packs the block of B at rsi into panels [k][columns of a tile] at rcx, with zeros beyond its width. Keeps rdi, rdx, rcx and r8. */
export function emitPackB(to: Assembler, { n, k, transB }: GemmShape, block: Part): void {
  if (transB) emitTurnedPanels(to, k, block);
  else emitCopiedPanels(to, n, block);
}

/** Rows of B between asking for a place and copying it. */
const AHEAD_ROWS = 8;

/** From B stored [k, n], row after row as it lies in memory. */
function emitCopiedPanels(to: Assembler, n: number, { width, depth, terms }: Part): void {
  const { columns: across } = tileOf(to.set);
  const panel = (columns: number): void => {
    const vectors = Math.ceil(columns / to.lanes);
    for (let v = 0; v < vectors; v++) {
      const mask = v === vectors - 1 && columns % to.lanes !== 0 ? EDGE : 0;
      emitSum(to, v, at(R10, 4 * to.lanes * v), terms, mask);
      for (const { disp } of terms) to.prefetch(at(R10, disp + 4 * to.lanes * v + AHEAD_ROWS * 4 * n), 1);
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
export function emitPackA(to: Assembler, m: number, rows: number, { depth, terms }: Omit<Part, "width">): void {
  const { rows: tileRows } = tileOf(to.set);
  const panels = Math.ceil(rows / tileRows);
  const lastRow = 4 * (rows - 1);
  to.move(RSI, R9);
  countedLoop(to, RBX, depth, () => {
    // The last row may lie on one line more.
    for (const { disp } of terms) {
      for (let byte = 0; byte < lastRow + LINE_BYTES; byte += LINE_BYTES) {
        to.prefetch(at(RSI, disp + AHEAD_OF_PANELS * 4 * m + Math.min(byte, lastRow)), 1);
      }
    }
    for (let panel = 0; panel < panels; panel++) {
      const left = rows - panel * tileRows;
      if (left < to.lanes) to.maskOf(ROWS, left);
      emitSum(to, panel, at(RSI, 4 * panel * tileRows), terms, left < to.lanes ? ROWS : 0);
      to.storeVector(at(RDI, 4 * panel * depth * to.lanes), panel);
    }
    to.addConstant(RSI, 4 * m);
    to.addConstant(RDI, 4 * to.lanes);
  });
}

/** Vectors of a row of A that are summed together. */
const TOGETHER = 8;

/** Adds up `rows` rows of parts of A, stored [m, k] at r9, into rows at rdi. */
export function emitSumRowsA(to: Assembler, k: number, rows: number, { depth, terms }: Omit<Part, "width">): void {
  if (depth % to.lanes > 0) to.maskOf(ROWS, depth % to.lanes);
  to.move(RSI, R9);
  countedLoop(to, RBX, rows, () => {
    alongRow(to, depth, { unrolled: TOGETHER, together: TOGETHER }, ({ index, tail, at: place }) => {
      const mask = tail ? ROWS : 0;
      emitSum(to, index, place(RSI), terms, mask);
      to.storeVector(place(RDI), index, mask);
    });
    to.addConstant(RDI, 4 * depth);
    to.addConstant(RSI, 4 * k);
  });
}

/** From B stored [n, k]. */
function emitTurnedPanels(to: Assembler, k: number, block: Part): void {
  const { width, depth } = block;
  const { columns: across } = tileOf(to.set);
  const panel = (columns: number): void => {
    const vectors = Math.ceil(columns / to.lanes);
    for (let v = 0; v < vectors; v++) emitTurnedPanel(to, Math.min(to.lanes, columns - v * to.lanes), v, k, block);
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
function emitTurnedPanel(to: Assembler, rows: number, v: number, k: number, { depth, terms }: Part): void {
  const { columns: across } = tileOf(to.set);
  to.loadAddress(R10, at(RSI, 4 * v * to.lanes * k));
  to.loadAddress(R11, at(R9, 4 * v * to.lanes));
  const square = (length: number): void => {
    if (length < to.lanes) to.maskOf(3, length);
    for (let row = 0; row < to.lanes; row++) {
      if (row < rows) emitSum(to, row, at(R10, 4 * row * k), terms, length < to.lanes ? 3 : 0);
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
