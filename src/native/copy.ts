// Kernels that move elements between index spaces: rows of vectors, turned tiles, single elements for the rest.

import { invariant } from "../base/invariant.ts";
import type { Shape } from "../tensor/tensor.ts";
import {
  at,
  literal,
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
} from "./assembler.ts";
import { alongRow, countedLoop, shortRow, storePiece, TAIL } from "./loops.ts";
import { turnTile } from "./transpose-tile.ts";

/** Two readings of one index space, with strides in elements; a source stride of 0 repeats what it stands on. */
export interface StridedCopy {
  readonly sizes: Shape;
  readonly sourceStrides: Shape;
  readonly targetStrides: Shape;
}

/** One axis of a copy: its size, and the elements between neighbours in the source and in the target. */
export interface CopyAxis {
  readonly size: number;
  readonly source: number;
  readonly target: number;
}

/** One counter an axis. */
const COUNTERS: readonly Gpr[] = [RCX, RDX, R8, R9, R10, R11];
const MOVES_TOGETHER = 8;
const ACROSS = 1;
const DOWN = 2;

/**
 * The axes of a copy with the fewest loops: without axes of size 1, by falling target stride, neighbours that both sides
 * walk through evenly made one.
 */
export function mergedAxes({ sizes, sourceStrides, targetStrides }: StridedCopy): readonly CopyAxis[] {
  const axes = sizes
    .map((size, i) => ({ size, source: sourceStrides[i]!, target: targetStrides[i]! }))
    .filter(({ size }) => size !== 1)
    .sort((a, b) => b.target - a.target);
  const merged: CopyAxis[] = [];
  for (const axis of axes) {
    const outer = merged.at(-1);
    const even = outer?.source === axis.size * axis.source && outer.target === axis.size * axis.target;
    if (even) merged[merged.length - 1] = { ...axis, size: outer.size * axis.size };
    else merged.push(axis);
  }
  return merged;
}

/** Emits a function (source, target) that copies every element of an index space of at most six axes. */
export function emitStridedCopy(to: Assembler, shape: StridedCopy): Label {
  const axes = mergedAxes(shape);
  invariant(axes.length <= COUNTERS.length, `${axes.length} axes have a counter each`);
  to.align(16);
  const entry = to.bound();
  if (axes.every(({ size }) => size > 0)) emitMoves(to, axes);
  to.ret();
  return entry;
}

/** Emits a function (target) that writes `count` times the float32 `value`. */
export function emitFill(to: Assembler, { count, value }: { readonly count: number; readonly value: number }): Label {
  to.align(16);
  const entry = to.bound();
  if (count % to.lanes > 0) to.maskOf(TAIL, count % to.lanes);
  to.broadcast(0, literal(value));
  alongRow(to, count, { unrolled: shortRow(to), together: MOVES_TOGETHER }, (piece) => storePiece(to, piece, RDI, 0));
  to.ret();
  return entry;
}

/** Emits moves of `width` elements from one pointer to the other, which keep theirs; overwrites rax and the mask TAIL. */
export function emitRowCopy(to: Assembler, width: number, from: Gpr, target: Gpr): void {
  if (width % to.lanes > 0) to.maskOf(TAIL, width % to.lanes);
  alongRow(to, width, { unrolled: shortRow(to), together: MOVES_TOGETHER }, (piece) => {
    to.loadVector(piece.index, piece.at(from), piece.tail ? TAIL : 0);
    storePiece(to, piece, target);
  });
}

function emitMoves(to: Assembler, axes: readonly CopyAxis[]): void {
  const inner = axes.at(-1) ?? { size: 1, source: 1, target: 1 };
  const outer = axes.slice(0, -1);
  const across = outer.find(({ source }) => source === 1);
  if (inner.target === 1 && inner.source <= 1) emitRows(to, outer, inner);
  else if (inner.target === 1 && across !== undefined) {
    const rest = outer.filter((axis) => axis !== across);
    overAxes(to, rest, 1, () => emitTurned(to, across, inner, COUNTERS.slice(rest.length)));
  } else emitSingles(to, axes);
}

/**
 * Emits loops over axes around `body`, which is emitted `together` times for neighbours on the last axis, each with the
 * bytes it lies behind the pointers in rdi and rsi.
 */
function overAxes(
  to: Assembler,
  axes: readonly CopyAxis[],
  together: number,
  body: (source: number, target: number) => void,
  depth = 0,
): void {
  const [axis, ...inner] = axes;
  if (axis === undefined) {
    body(0, 0);
    return;
  }
  const { size, source, target } = axis;
  const several = inner.length === 0 ? Math.min(together, size) : 1;
  const neighbours = (count: number): void => {
    if (inner.length > 0) overAxes(to, inner, together, body, depth + 1);
    else for (let i = 0; i < count; i++) body(4 * i * source, 4 * i * target);
  };
  const looped = Math.floor(size / several);
  countedLoop(to, COUNTERS[depth]!, looped, () => {
    neighbours(several);
    advance(to, several * source, several * target);
  });
  if (size % several > 0) neighbours(size % several);
  if (depth > 0) advance(to, -looped * several * source, -looped * several * target);
}

/** Moves both pointers by a number of elements; overwrites rax where it is too far for one instruction. */
function advance(to: Assembler, source: number, target: number): void {
  for (const [pointer, bytes] of [
    [RDI, 4 * source],
    [RSI, 4 * target],
  ] as const) {
    if (Math.abs(bytes) < 2 ** 31) to.addConstant(pointer, bytes);
    else {
      to.moveConstant(RAX, bytes);
      to.add(pointer, RAX);
    }
  }
}

/** Rows that lie in one piece in the target, and in the source do so or repeat one element. */
function emitRows(to: Assembler, outer: readonly CopyAxis[], { size, source: step }: CopyAxis): void {
  const vectors = Math.ceil(size / to.lanes);
  const repeats = step === 0;
  if (vectors > shortRow(to)) {
    overAxes(to, outer, 1, () => {
      if (repeats) emitFilledRow(to, size);
      else emitRowCopy(to, size, RDI, RSI);
    });
    return;
  }
  if (size % to.lanes > 0) to.maskOf(TAIL, size % to.lanes);
  overAxes(to, outer, Math.ceil(MOVES_TOGETHER / vectors), (source, target) => {
    if (repeats) to.broadcast(0, at(RDI, source));
    for (let v = 0; v < vectors; v++) {
      const mask = v === vectors - 1 && size % to.lanes > 0 ? TAIL : 0;
      const offset = 4 * to.lanes * v;
      if (!repeats) to.loadVector(v, at(RDI, source + offset), mask);
      to.storeVector(at(RSI, target + offset), repeats ? 0 : v, mask);
    }
  });
}

function emitFilledRow(to: Assembler, width: number): void {
  if (width % to.lanes > 0) to.maskOf(TAIL, width % to.lanes);
  to.broadcast(0, at(RDI));
  alongRow(to, width, { unrolled: 0, together: MOVES_TOGETHER }, (piece) => storePiece(to, piece, RSI, 0));
}

/** A transposition: `across` is dense in the source, `down` in the target. */
function emitTurned(to: Assembler, across: CopyAxis, down: CopyAxis, counters: readonly Gpr[]): void {
  if (across.size % to.lanes > 0) to.maskOf(ACROSS, across.size % to.lanes);
  if (down.size % to.lanes > 0) to.maskOf(DOWN, down.size % to.lanes);
  tiles(to, across, counters[0]!, (columns) => {
    tiles(to, down, counters[1]!, (rows) => {
      for (let row = 0; row < rows; row++) {
        to.loadVector(row, at(RDI, 4 * row * down.source), columns < to.lanes ? ACROSS : 0);
      }
      turnTile(to);
      for (let column = 0; column < columns; column++) {
        to.storeVector(at(RSI, 4 * column * across.target), column, rows < to.lanes ? DOWN : 0);
      }
    });
  });
}

/** Emits `body` for each vector's worth of an axis and for what is left; the pointers come back. */
function tiles(to: Assembler, { size, source, target }: CopyAxis, counter: Gpr, body: (count: number) => void): void {
  const whole = Math.floor(size / to.lanes);
  countedLoop(to, counter, whole, () => {
    body(to.lanes);
    advance(to, to.lanes * source, to.lanes * target);
  });
  if (size % to.lanes > 0) body(size % to.lanes);
  advance(to, -whole * to.lanes * source, -whole * to.lanes * target);
}

function emitSingles(to: Assembler, axes: readonly CopyAxis[]): void {
  overAxes(to, axes, MOVES_TOGETHER, (source, target) => {
    to.loadInt32(RAX, at(RDI, source));
    to.storeInt32(at(RSI, target), RAX);
  });
}
