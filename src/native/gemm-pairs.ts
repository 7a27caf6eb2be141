// Factors of a product copied as bfloat16: two neighbours of k in 32 bits, as the processor multiplies them.

import {
  at,
  R10,
  R11,
  R15,
  R9,
  RAX,
  RBP,
  RBX,
  RCX,
  RDI,
  RSI,
  type Assembler,
  type Gpr,
  type Mask,
} from "./assembler.ts";
import { PACKED_ROWS, pairsOf, ROWS, tileOf, type BlockShape, type GemmShape } from "./gemm-shape.ts";
import { AVX512 } from "./instruction-set.ts";
import { countedLoop } from "./loops.ts";
import { turnTile } from "./transpose-tile.ts";

const LANES = AVX512.lanes;
const TILE_COLUMNS = tileOf(AVX512).columns;
/** k values that one tile turns: sixteen pairs. */
const CHUNK = 2 * LANES;
/** Register of the order that interleaves two rows. */
export const INTERLEAVE = 31;
const [FIRST_HALF, SECOND_HALF] = [3, 4];

/** Writes the order that interleaves two rows of sixteen bfloat16 to 64 bytes at rcx + disp; overwrites rax. */
export function emitInterleaveOrder(to: Assembler, disp: number): void {
  for (let i = 0; i < LANES; i++) {
    to.moveConstant(RAX, i | ((LANES + i) << 16));
    to.storeInt32(at(RCX, disp + 4 * i), RAX);
  }
}

/** Packs a panel of A at r9 into pairs at r15, a line of sixteen rows for each; `order` is the place of the interleaving. */
export function emitPackPairsA(to: Assembler, shape: GemmShape, rows: number, depth: number, order: number): void {
  to.move(RDI, R9);
  to.move(RSI, R15);
  const step = 4 * PACKED_ROWS;
  if (!shape.transA) {
    emitTurned(to, { source: RDI, target: RSI, counter: RAX, rows, stride: 4 * shape.k, depth, step });
    return;
  }
  emitPaired(to, { source: RDI, target: RSI, counter: RAX, mask: ROWS, stride: 4 * shape.m, depth, step, order });
}

/** Packs the block of B at rsi into panels of pairs at rcx. Keeps rdi, rdx, rcx and r8. */
export function emitPackPairsB(to: Assembler, shape: GemmShape, { width, depth }: BlockShape, order: number): void {
  const { n, k, transB } = shape;
  to.move(R9, RCX);
  const step = 4 * TILE_COLUMNS;
  const panel = (columns: number): void => {
    for (let v = 0; v < Math.ceil(columns / LANES); v++) {
      const lanes = Math.min(LANES, columns - v * LANES);
      to.loadAddress(R10, at(RSI, 4 * v * LANES * (transB ? k : 1)));
      to.loadAddress(R11, at(R9, 4 * v * LANES));
      if (transB) {
        emitTurned(to, { source: R10, target: R11, counter: RBX, rows: lanes, stride: 4 * k, depth, step });
        continue;
      }
      if (lanes < LANES) to.maskOf(FIRST_HALF, lanes);
      const mask = lanes < LANES ? FIRST_HALF : 0;
      emitPaired(to, { source: R10, target: R11, counter: RBX, mask, stride: 4 * n, depth, step, order });
    }
    to.addConstant(R9, pairsOf(depth) * step);
  };
  countedLoop(to, RBP, Math.floor(width / TILE_COLUMNS), () => {
    panel(TILE_COLUMNS);
    to.addConstant(RSI, 4 * TILE_COLUMNS * (transB ? k : 1));
  });
  if (width % TILE_COLUMNS > 0) panel(width % TILE_COLUMNS);
}

interface Paired {
  readonly source: Gpr;
  readonly target: Gpr;
  readonly counter: Gpr;
  /** of the elements a row has; 0 for all sixteen */
  readonly mask: Mask;
  /** bytes from one k to the next */
  readonly stride: number;
  readonly depth: number;
  /** bytes from one line of pairs to the next */
  readonly step: number;
  /** the place of the interleaving */
  readonly order: number;
}

/** Rows that are contiguous across k become lines of pairs: k and k + 1 interleaved, the last one of an odd part with zeros. */
function emitPaired(to: Assembler, { source, target, counter, mask, stride, depth, step, order }: Paired): void {
  const line = (complete: boolean): void => {
    to.loadVector(0, at(source), mask);
    if (complete) to.loadVector(1, at(source, stride), mask);
    else to.zeroVector(1);
    to.vector("vcvtne2ps2bf16", 0, 1, 0);
    to.vector("vpermw", 0, INTERLEAVE, 0);
    to.storeVector(at(target), 0);
    to.addConstant(source, 2 * stride);
    to.addConstant(target, step);
  };
  to.loadVector(INTERLEAVE, at(RCX, order));
  countedLoop(to, counter, Math.floor(depth / 2), () => line(true));
  if (depth % 2 === 1) line(false);
}

interface Turned {
  readonly source: Gpr;
  readonly target: Gpr;
  readonly counter: Gpr;
  /** up to sixteen, `stride` bytes apart, each contiguous along k */
  readonly rows: number;
  readonly stride: number;
  readonly depth: number;
  /** bytes from one line of pairs to the next */
  readonly step: number;
}

/** Rows that are contiguous along k become lines of pairs: sixteen pairs of every row are turned at a time. */
function emitTurned(to: Assembler, { source, target, counter, rows, stride, depth, step }: Turned): void {
  const chunk = (length: number): void => {
    const [first, second] = [Math.min(LANES, length), Math.max(0, length - LANES)];
    if (length < CHUNK) {
      to.maskOf(FIRST_HALF, first);
      to.maskOf(SECOND_HALF, second);
    }
    for (let row = 0; row < LANES; row++) {
      if (row >= rows) {
        to.zeroVector(row);
        continue;
      }
      to.loadVector(row, at(source, row * stride), first < LANES ? FIRST_HALF : 0);
      if (second === 0) to.zeroVector(LANES);
      else to.loadVector(LANES, at(source, row * stride + 4 * LANES), second < LANES ? SECOND_HALF : 0);
      to.vector("vcvtne2ps2bf16", row, LANES, row);
    }
    turnTile(to);
    for (let pair = 0; pair < pairsOf(length); pair++) to.storeVector(at(target, pair * step), pair);
  };
  countedLoop(to, counter, Math.floor(depth / CHUNK), () => {
    chunk(CHUNK);
    to.addConstant(source, 4 * CHUNK);
    to.addConstant(target, LANES * step);
  });
  if (depth % CHUNK > 0) chunk(depth % CHUNK);
}
