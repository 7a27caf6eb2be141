// Kernels that look rows and elements up by index, the rotation by positions, and conversions between element types.

import {
  at,
  indexed,
  JUMP,
  R10,
  R11,
  R8,
  R9,
  RAX,
  RCX,
  RDI,
  RDX,
  RSI,
  type Assembler,
  type Gpr,
  type Label,
  type Mask,
  type Vector,
} from "./assembler.ts";
import { emitRowCopy } from "./copy.ts";
import { alongRow, countedLoop, shortRow, storePiece, TAIL, withPiece, type RowShape } from "./loops.ts";

/** Vectors that longer rows take a time. */
const TOGETHER = 8;

/** Rows that are looked up: how many, and elements of one. */
export interface LookupShape {
  readonly count: number;
  readonly width: number;
}

export interface ScatterShape extends LookupShape {
  /** elements of the base */
  readonly tableSize: number;
}

/** Vectors [batch, tokens, heads·2·half] and tables of cosines and sines [tablePositions, half]. */
export interface RotateShape {
  readonly batch: number;
  readonly tokens: number;
  readonly heads: number;
  readonly half: number;
  readonly tablePositions: number;
  /** turns the other way: by -sin */
  readonly inverse?: boolean;
}

export interface ConvertShape {
  readonly count: number;
  readonly from: "int32" | "float32";
  readonly to: "int32" | "float32";
}

/** row := the address of row `[id]` of a table of rows of `width`; ids are trusted. */
function rowAddress(to: Assembler, row: Gpr, table: Gpr, id: Gpr, width: number): void {
  to.loadInt32(row, at(id));
  to.multiplyConstant(row, 4 * width);
  to.add(row, table);
}

function advance(to: Assembler, steps: readonly (readonly [Gpr, number])[]): void {
  for (const [pointer, elements] of steps) to.addConstant(pointer, 4 * elements);
}

/** Emits a function (table [rows, width], ids int32 [count], out [count, width]): out[i] := table[ids[i]]. */
export function emitGatherRows(to: Assembler, { count, width }: LookupShape): Label {
  to.align(16);
  const entry = to.bound();
  if (width % to.lanes > 0) to.maskOf(TAIL, width % to.lanes);
  countedLoop(to, RCX, count, () => {
    rowAddress(to, R8, RDI, RSI, width);
    alongRow(to, width, { unrolled: shortRow(to), together: TOGETHER }, (piece) => {
      to.loadVector(piece.index, piece.at(R8), piece.tail ? TAIL : 0);
      storePiece(to, piece, RDX);
    });
    advance(to, [
      [RSI, 1],
      [RDX, width],
    ]);
  });
  to.ret();
  return entry;
}

/** Copies `count` elements of the base in rdi to rcx, unless they are the same; both stay. */
function copyBase(to: Assembler, count: number): void {
  const same = to.label();
  to.compare(RDI, RCX);
  to.jumpIf(JUMP.zero, same);
  emitRowCopy(to, count, RDI, RCX);
  to.bind(same);
}

/**
 * Emits a function (base [rows, width], ids int32 [count], rows [count, width], out [rows, width]): out := base, then
 * out[ids[i]] += rows[i] in the order of i. Base and out may be the same array.
 */
export function emitScatterAddRows(to: Assembler, { tableSize, count, width }: ScatterShape): Label {
  to.align(16);
  const entry = to.bound();
  copyBase(to, tableSize);
  if (width % to.lanes > 0) to.maskOf(TAIL, width % to.lanes);
  countedLoop(to, R9, count, () => {
    rowAddress(to, R8, RCX, RSI, width);
    alongRow(to, width, { unrolled: shortRow(to), together: TOGETHER }, (piece) => {
      to.loadVector(piece.index, piece.at(R8), piece.tail ? TAIL : 0);
      withPiece(to, "vaddps", [piece.index, piece.index], piece, RDX);
      storePiece(to, piece, R8);
    });
    advance(to, [
      [RSI, 1],
      [RDX, width],
    ]);
  });
  to.ret();
  return entry;
}

/** Emits a function (x [rows, width], ids int32 [rows], out [rows]): out[row] := x[row, ids[row]]. */
export function emitPick(to: Assembler, { rows, width }: RowShape): Label {
  to.align(16);
  const entry = to.bound();
  countedLoop(to, R9, rows, () => {
    to.loadInt32(RAX, at(RSI));
    to.loadInt32(RAX, indexed(RDI, RAX, 4));
    to.storeInt32(at(RDX), RAX);
    advance(to, [
      [RDI, width],
      [RSI, 1],
      [RDX, 1],
    ]);
  });
  to.ret();
  return entry;
}

/**
 * Emits a function (base [rows, width], ids int32 [rows], values [rows], out [rows, width]): out := base, then
 * out[row, ids[row]] += values[row]. Base and out may be the same array.
 */
export function emitAddAt(to: Assembler, { rows, width }: RowShape): Label {
  to.align(16);
  const entry = to.bound();
  copyBase(to, rows * width);
  countedLoop(to, R9, rows, () => {
    to.loadInt32(RAX, at(RSI));
    to.loadScalar(0, indexed(RCX, RAX, 4));
    to.vector("vaddps", 0, 0, at(RDX), { broadcast: true });
    to.storeScalar(indexed(RCX, RAX, 4), 0);
    advance(to, [
      [RCX, width],
      [RSI, 1],
      [RDX, 1],
    ]);
  });
  to.ret();
  return entry;
}

/** What each vector register is for while heads are turned. */
interface RotateRegisters {
  /** pairs of vectors of neighbouring heads that are turned without a loop, from register 0 on */
  readonly pairs: number;
  /** vectors of one table row that stay in registers while all heads pass, from `cos` and `sin` on */
  readonly held: number;
  readonly cos: Vector;
  readonly sin: Vector;
  /** two of results */
  readonly turned: Vector;
}

function rotateRegisters({ set }: Assembler): RotateRegisters {
  return set.name === "avx512"
    ? { pairs: 8, held: 4, cos: 16, sin: 20, turned: 24 }
    : { pairs: 4, held: 2, cos: 8, sin: 10, turned: 12 };
}

/**
 * Emits a function (x [batch, tokens, heads·2·half], cos, sin [tablePositions, half], positions int32 [batch, tokens],
 * out): with c and s of the token's position, (a, b) := (a·c - b·s, b·c + a·s) for the halves a and b of every head.
 * x and out may be the same array.
 */
export function emitRotate(to: Assembler, shape: RotateShape): Label {
  const { batch, tokens, heads, half } = shape;
  const vectors = Math.ceil(half / to.lanes);
  const { held } = rotateRegisters(to);
  to.align(16);
  const entry = to.bound();
  if (half % to.lanes > 0) to.maskOf(TAIL, half % to.lanes);
  countedLoop(to, R9, batch * tokens, () => {
    rowAddress(to, R10, RSI, RCX, half);
    rowAddress(to, R11, RDX, RCX, half);
    for (let first = 0; first < vectors; first += held) {
      if (first > 0) advanceHeads(to, -heads, half);
      turnHeads(to, shape, first, Math.min(held, vectors - first));
    }
    to.addConstant(RCX, 4);
  });
  to.ret();
  return entry;
}

function advanceHeads(to: Assembler, heads: number, half: number): void {
  advance(to, [
    [RDI, 2 * heads * half],
    [R8, 2 * heads * half],
  ]);
}

/** Turns `count` vectors, from vector `first` on, of each half of all heads of a token; moves rdi and r8 behind them. */
function turnHeads(to: Assembler, shape: RotateShape, first: number, count: number): void {
  const { heads, half } = shape;
  const { pairs: most, cos, sin } = rotateRegisters(to);
  const offset = (v: number): number => 4 * to.lanes * (first + v);
  const maskAt = (v: number): number => (to.lanes * (first + v + 1) > half ? TAIL : 0);
  for (let v = 0; v < count; v++) {
    to.loadVector(cos + v, at(R10, offset(v)), maskAt(v));
    to.loadVector(sin + v, at(R11, offset(v)), maskAt(v));
  }
  const together = Math.min(heads, Math.floor(most / count));
  const turn = (several: number): void => {
    const pairs = Array.from({ length: several * count }, (_, i): Pair => {
      const v = i % count;
      const bytes = 8 * half * Math.floor(i / count) + offset(v);
      return { a: 2 * i, b: 2 * i + 1, v, mask: maskAt(v), offset: bytes, far: bytes + 4 * half };
    });
    // All loads come first: a load that overlaps the masked lanes of a store before it waits for that store.
    for (const { a, b, mask, offset: near, far } of pairs) {
      to.loadVector(a, at(RDI, near), mask);
      to.loadVector(b, at(RDI, far), mask);
    }
    for (const pair of pairs) turnPair(to, pair, shape.inverse === true);
    advanceHeads(to, several, half);
  };
  countedLoop(to, RAX, Math.floor(heads / together), () => turn(together));
  if (heads % together > 0) turn(heads % together);
}

/** Vectors of the two halves of a head, in registers `a` and `b`, with their places in bytes. */
interface Pair {
  readonly a: Vector;
  readonly b: Vector;
  readonly v: number;
  readonly mask: Mask;
  readonly offset: number;
  readonly far: number;
}

function turnPair(to: Assembler, { a, b, v, mask, offset, far }: Pair, inverse: boolean): void {
  const { cos, sin, turned } = rotateRegisters(to);
  const [left, right] = [turned, turned + 1];
  to.vector("vmulps", left, a, cos + v);
  to.vector("vmulps", right, b, cos + v);
  to.vector(inverse ? "vfmadd231ps" : "vfnmadd231ps", left, b, sin + v);
  to.vector(inverse ? "vfnmadd231ps" : "vfmadd231ps", right, a, sin + v);
  to.storeVector(at(R8, offset), left, mask);
  to.storeVector(at(R8, far), right, mask);
}

/** Emits a function (x [count], out [count]) from one element type to another; fractions are cut off towards zero. */
export function emitConvert(to: Assembler, shape: ConvertShape): Label {
  const { count, from } = shape;
  const op = from === shape.to ? "vmovups" : from === "int32" ? "vcvtdq2ps" : "vcvttps2dq";
  to.align(16);
  const entry = to.bound();
  if (count % to.lanes > 0) to.maskOf(TAIL, count % to.lanes);
  alongRow(to, count, { unrolled: shortRow(to), together: TOGETHER }, (piece) => {
    withPiece(to, op, [piece.index, 0], piece, RDI);
    storePiece(to, piece, RSI);
  });
  to.ret();
  return entry;
}
