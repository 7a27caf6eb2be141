// Loops of emitted code: a number of times, along a row in vectors, over rows that are passed several times.

import type { VectorOp } from "./vector-ops.ts";
import {
  at,
  indexed,
  JUMP,
  literal,
  R11,
  RAX,
  RBP,
  type Assembler,
  type Gpr,
  type Label,
  type Memory,
  type Vector,
} from "./assembler.ts";

/** Emits a loop that runs `body` `count` times, counting down in `counter`; nothing is counted when it runs once. */
export function countedLoop(to: Assembler, counter: Gpr, count: number, body: () => void): void {
  if (count === 0) return;
  if (count === 1) {
    body();
    return;
  }
  to.moveConstant(counter, count);
  to.align(16);
  const again = to.bound();
  body();
  to.addConstant(counter, -1);
  to.jumpIf(JUMP.notZero, again);
}

/** Emits `body` for all rows, so many at a time, counting down in rbp. */
export function overRows(to: Assembler, rows: number, together: number, body: (count: number) => void): void {
  countedLoop(to, RBP, Math.floor(rows / together), () => body(together));
  if (rows % together > 0) body(rows % together);
}

/** A vector of elements of a row, or the fewer at its end. */
export interface Piece {
  /** its place among the pieces that are computed together, from 0 */
  readonly index: number;
  /** whether it is the end of a row that is no whole number of vectors */
  readonly tail: boolean;
  /** where it lies in the row that starts at `base` */
  readonly at: (base: Gpr) => Memory;
}

/**
 * Emits `body` for every piece of a row of `width` float32, in order: without a loop when the row has at most `unrolled`
 * pieces, else in a loop of `together` pieces a time, its offset in rax, and then what is left.
 */
export function alongRow(
  to: Assembler,
  width: number,
  { unrolled, together }: { readonly unrolled: number; readonly together: number },
  body: (piece: Piece) => void,
): void {
  const whole = Math.floor(width / to.lanes);
  const looped = Math.ceil(width / to.lanes) <= unrolled ? 0 : whole - (whole % together);
  const offset = (index: number): number => 4 * to.lanes * index;
  if (looped > 0) {
    to.moveConstant(RAX, 0);
    to.align(16);
    const again = to.bound();
    for (let index = 0; index < together; index++) {
      body({ index, tail: false, at: (base) => indexed(base, RAX, 1, offset(index)) });
    }
    to.addConstant(RAX, offset(together));
    to.compareConstant(RAX, offset(looped));
    to.jumpIf(JUMP.less, again);
  }
  for (let index = 0; index < Math.ceil(width / to.lanes) - looped; index++) {
    body({ index, tail: index === whole - looped, at: (base) => at(base, offset(looped + index)) });
  }
}

/** Rows of at most so many vectors, one to a register, need no loop of their own. */
export function shortRow({ set }: Assembler): number {
  return Math.min(16, set.registers);
}

export interface RowShape {
  readonly rows: number;
  readonly width: number;
}

/** Longer rows are read again from pass to pass, so many pieces a time. */
const TOGETHER = 4;
/** The mask of a row's tail. */
export const TAIL = 1;

/** What each vector register is for while a row is computed. */
export interface RowRegisters {
  /** pieces of a row that stay in registers from pass to pass, from register 0 on */
  readonly resident: number;
  /** where a fold leaves its result; it sums in `partials` registers from here on */
  readonly folded: Vector;
  readonly partials: number;
  readonly spare: Vector;
  /** what `emitRows` sets once: ones, and what lies beyond a row */
  readonly one: Vector;
  readonly padding: Vector;
  /** registers from here on are the kernel's own */
  readonly free: Vector;
}

export function rowRegisters({ set }: Assembler): RowRegisters {
  return set.name === "avx512"
    ? { resident: 16, folded: 16, partials: 4, spare: 20, one: 21, padding: 22, free: 23 }
    : { resident: 4, folded: 4, partials: 2, spare: 6, one: 7, padding: 8, free: 9 };
}

/** What the code of one row is made of; a piece of the row belongs in the register of its index. */
export interface Row {
  readonly resident: boolean;
  /** Emits `body` for each piece. */
  readonly pass: (body: (piece: Piece) => void) => void;
  /** A pass that combines something of each piece; every lane of `folded` then holds the result over the row. */
  readonly fold: (op: "vaddps" | "vmaxps", initial: number, body: (piece: Piece) => Combined) => void;
}

/** How a partial result takes in a piece, and how it starts from one. */
export interface Combined {
  readonly add: (partial: Vector) => void;
  readonly start: (partial: Vector) => void;
}

function rowOf(to: Assembler, width: number): Row {
  const { resident: most, folded, partials: sums, spare } = rowRegisters(to);
  const pieces = Math.ceil(width / to.lanes);
  const resident = pieces <= most;
  const partials = Math.min(pieces, sums);
  const pass: Row["pass"] = (body) => alongRow(to, width, { unrolled: most, together: TOGETHER }, body);
  return {
    resident,
    pass,
    fold: (op, initial, body) => {
      if (!resident) for (let i = 0; i < partials; i++) to.broadcast(folded + i, literal(initial));
      pass((piece) => {
        const { add, start } = body(piece);
        if (resident && piece.index < partials) start(folded + piece.index);
        else add(folded + (piece.index % partials));
      });
      if (partials === 4) to.vector(op, folded + 1, folded + 1, folded + 3);
      if (partials >= 3) to.vector(op, folded, folded, folded + 2);
      if (partials >= 2) to.vector(op, folded, folded, folded + 1);
      acrossLanes(to, op, folded, spare);
    },
  };
}

/** Every lane of `x` := all lanes of x combined, halves with halves. */
export function acrossLanes(to: Assembler, op: "vaddps" | "vmaxps", x: Vector, temp: Vector): void {
  if (to.set.name === "avx512") {
    for (const halves of [0x4e, 0xb1]) {
      to.vector("vshuff32x4", temp, x, x, { immediate: halves });
      to.vector(op, x, x, temp);
    }
  } else {
    to.vector("vperm2f128", temp, x, x, { immediate: 1 });
    to.vector(op, x, x, temp);
  }
  for (const halves of [0x4e, 0xb1]) {
    to.vector("vpermilps", temp, 0, x, { immediate: halves });
    to.vector(op, x, x, temp);
  }
}

/** Emits a function that runs `body` for each row; `steps` are the pointers with the elements by which they advance. */
export function emitRows(
  to: Assembler,
  { rows, width }: RowShape,
  steps: readonly (readonly [Gpr, number])[],
  padding: number,
  body: (row: Row) => void,
): Label {
  to.align(16);
  const entry = to.bound();
  if (width % to.lanes > 0) to.maskOf(TAIL, width % to.lanes);
  const registers = rowRegisters(to);
  to.broadcast(registers.padding, literal(padding));
  to.broadcast(registers.one, literal(1));
  countedLoop(to, R11, rows, () => {
    body(rowOf(to, width));
    for (const [pointer, elements] of steps) to.addConstant(pointer, 4 * elements);
  });
  to.ret();
  return entry;
}

/** A piece of the row at `base` into its register, filled up with the padding. */
export function loadPiece(to: Assembler, piece: Piece, base: Gpr): void {
  if (piece.tail) to.copyVector(piece.index, rowRegisters(to).padding);
  to.vector("vmovups", piece.index, 0, piece.at(base), { mask: piece.tail ? TAIL : 0 });
}

export function storePiece(to: Assembler, piece: Piece, base: Gpr, register: Vector = piece.index): void {
  to.storeVector(piece.at(base), register, piece.tail ? TAIL : 0);
}

/** dst := op(first, the piece of the row at `base`); lanes beyond the row become 0. */
export function withPiece(
  to: Assembler,
  op: VectorOp,
  [dst, first]: readonly [Vector, Vector],
  piece: Piece,
  base: Gpr,
): void {
  to.vector(op, dst, first, piece.at(base), piece.tail ? { mask: TAIL, zero: true } : {});
}

/** A register whose lanes are added up. */
export function added(to: Assembler, register: Vector): Combined {
  return {
    add: (partial) => to.vector("vaddps", partial, partial, register),
    start: (partial) => to.copyVector(partial, register),
  };
}
