// Factors of a product copied as AMX multiplies them: bfloat16, a row of 32 neighbours of k to 64 bytes, or their pairs in columns.

import { at, R10, R11, R9, RAX, RBP, RBX, RCX, RDI, RSI, type Assembler, type Memory } from "./assembler.ts";
import { PANEL, panelBytes, PART_BYTES, ROW_BYTES, stepBytes, TILE_BYTES } from "./amx-layout.ts";
import {
  emitHalves,
  emitLoad,
  emitLoadAlong,
  emitOrder,
  emitPairs,
  emitTurn,
  HALF,
  type Pairing,
} from "./amx-squares.ts";
import { AMX_TILE, partsOf, ROWS, type BlockShape, type GemmShape } from "./gemm-shape.ts";
import { countedLoop } from "./loops.ts";

/** Where copying needs memory of its own, in bytes behind rcx. */
export interface Places {
  /** the order that interleaves bfloat16: a line */
  readonly order: number;
  /** half a square that is turned: sixteen lines */
  readonly turned: number;
}

function pairingOf(shape: GemmShape, { order }: Places): Pairing {
  return { parts: partsOf(shape), order };
}

/** Copies the block of B at rsi to panels at rcx: for every 32 of k sixteen lines of pairs of 32 columns. Keeps rdi, rdx, rcx and r8. */
export function emitPackTilesB(to: Assembler, shape: GemmShape, { width, depth }: BlockShape, places: Places): void {
  const { n, k, transB } = shape;
  const pairing = pairingOf(shape, places);
  const line = 2 * ROW_BYTES;
  const step = (columns: number, length: number): void => {
    for (let v = 0; v < Math.ceil(columns / AMX_TILE.side); v++) {
      const rows = Math.min(AMX_TILE.side, columns - v * AMX_TILE.side);
      const target = v * ROW_BYTES;
      if (transB) {
        const [stride, source] = [4 * k, 4 * v * AMX_TILE.side * k];
        emitTurn(to, pairing, { rows, length, along: true, stride, source, target, line, turned: places.turned });
        continue;
      }
      const mask = rows < AMX_TILE.side ? ROWS : 0;
      const place = (l: number): Memory | null => (l < length ? at(R11, 4 * n * l + v * ROW_BYTES) : null);
      for (let pair = 0; pair < HALF; pair++) {
        emitLoad(to, place(pair), place(HALF + pair), [mask, mask]);
        emitPairs(to, pairing, (part) => at(R10, target + part * PART_BYTES + pair * line));
      }
    }
    to.addConstant(R11, 4 * AMX_TILE.depth * (transB ? 1 : n));
    to.addConstant(R10, stepBytes(shape));
  };
  const panel = (columns: number): void => {
    const edge = columns % AMX_TILE.side;
    if (!transB && edge > 0) to.maskOf(ROWS, edge);
    to.move(R11, RSI);
    countedLoop(to, RBX, Math.floor(depth / AMX_TILE.depth), () => step(columns, AMX_TILE.depth));
    if (depth % AMX_TILE.depth > 0) step(columns, depth % AMX_TILE.depth);
    to.addConstant(RSI, 4 * PANEL * (transB ? k : 1));
  };
  if (!transB) emitOrder(to, pairing);
  else if (depth % AMX_TILE.depth > 0) emitHalves(to, depth % AMX_TILE.depth);
  to.move(R10, RCX);
  countedLoop(to, RBP, Math.floor(width / PANEL), () => panel(PANEL));
  if (width % PANEL > 0) panel(width % PANEL);
}

interface Chunk {
  readonly depth: number;
  readonly rows: number;
  readonly places: Places;
}

/** Copies rows of A at r9 to panels at rdi: for every 32 of k 32 rows of 64 bytes. Keeps rcx, rdx, r8, r9 and r12 on. */
export function emitPackTilesA(to: Assembler, shape: GemmShape, chunk: Chunk): void {
  if (shape.transA) emitPackColumns(to, shape, chunk);
  else emitPackRows(to, shape, chunk);
}

/** Steps of a row that are written without a loop of their own. */
const UNROLL = 4;

function emitPackRows(to: Assembler, shape: GemmShape, { depth, rows, places }: Chunk): void {
  const pairing = pairingOf(shape, places);
  const whole = Math.floor(depth / AMX_TILE.depth);
  const left = depth % AMX_TILE.depth;
  const step = (i: number, length: number): void => {
    emitLoadAlong(to, at(R11, i * 4 * AMX_TILE.depth), length);
    emitPairs(to, pairing, (part) => at(R10, i * stepBytes(shape) + part * PART_BYTES));
  };
  const row = (): void => {
    to.move(R11, RSI);
    to.move(R10, RDI);
    countedLoop(to, RAX, Math.floor(whole / UNROLL), () => {
      for (let i = 0; i < UNROLL; i++) step(i, AMX_TILE.depth);
      to.addConstant(R11, UNROLL * 4 * AMX_TILE.depth);
      to.addConstant(R10, UNROLL * stepBytes(shape));
    });
    for (let i = 0; i < whole % UNROLL; i++) step(i, AMX_TILE.depth);
    if (left > 0) step(whole % UNROLL, left);
    to.addConstant(RSI, 4 * shape.k);
    to.addConstant(RDI, ROW_BYTES);
  };
  emitOrder(to, pairing);
  if (left > 0) emitHalves(to, left);
  to.move(RSI, R9);
  for (let panel = 0; panel < Math.ceil(rows / PANEL); panel++) {
    countedLoop(to, RBX, Math.min(PANEL, rows - panel * PANEL), row);
    to.addConstant(RDI, panelBytes(shape, depth) - PANEL * ROW_BYTES);
  }
}

function emitPackColumns(to: Assembler, shape: GemmShape, { depth, rows, places }: Chunk): void {
  const { m } = shape;
  const pairing = pairingOf(shape, places);
  const given = { along: false, stride: 4 * m, line: ROW_BYTES, turned: places.turned };
  const turned = (side: number, count: number, length: number): void => {
    if (count < AMX_TILE.side) to.maskOf(ROWS, count);
    emitTurn(to, pairing, { ...given, rows: count, length, source: side * ROW_BYTES, target: side * TILE_BYTES });
  };
  const step = (length: number): void => {
    const left = rows % PANEL;
    to.move(R11, RSI);
    to.move(R10, RDI);
    countedLoop(to, RAX, Math.floor(rows / PANEL), () => {
      turned(0, AMX_TILE.side, length);
      turned(1, AMX_TILE.side, length);
      to.addConstant(R11, 4 * PANEL);
      to.addConstant(R10, panelBytes(shape, depth));
    });
    if (left > 0) turned(0, Math.min(AMX_TILE.side, left), length);
    if (left > AMX_TILE.side) turned(1, left - AMX_TILE.side, length);
    to.addConstant(RSI, 4 * m * AMX_TILE.depth);
    to.addConstant(RDI, stepBytes(shape));
  };
  to.move(RSI, R9);
  countedLoop(to, RBX, Math.floor(depth / AMX_TILE.depth), () => step(AMX_TILE.depth));
  if (depth % AMX_TILE.depth > 0) step(depth % AMX_TILE.depth);
}
