// Loops of emitted code: a number of times, along a row in vectors of sixteen, over rows that are passed several times.

import type { VectorOp } from "./vector-ops.ts";
import {
  at,
  indexed,
  JUMP,
  literal,
  R11,
  RAX,
  type Assembler,
  type Gpr,
  type Label,
  type Memory,
  type Zmm,
} from "./assembler.ts";

/** float32 of a vector register. */
export const LANES = 16;

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

/** Sixteen elements of a row, or the fewer at its end. */
export interface Piece {
  /** its place among the pieces that are computed together, from 0 */
  readonly index: number;
  /** whether it is the end of a row that is no multiple of sixteen */
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
  const whole = Math.floor(width / LANES);
  const looped = Math.ceil(width / LANES) <= unrolled ? 0 : whole - (whole % together);
  const offset = (index: number): number => 4 * LANES * index;
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
  for (let index = 0; index < Math.ceil(width / LANES) - looped; index++) {
    body({ index, tail: index === whole - looped, at: (base) => at(base, offset(looped + index)) });
  }
}

export interface RowShape {
  readonly rows: number;
  readonly width: number;
}

/** Pieces of a row that stay in registers 0 to 15 from pass to pass; longer rows are read again, four pieces a time. */
const RESIDENT = 16;
const TOGETHER = 4;
/** The mask of a row's tail. */
export const TAIL = 1;
/** Where a fold leaves its result; it uses this register, the three behind it, and SPARE. */
export const FOLDED = 16;
const SPARE = 20;
/** What `emitRows` sets once: ones, and what lies beyond a row. */
export const ONE = 21;
const PADDING = 22;
/** Registers from here on are the kernel's own. */
export const FREE = 23;

/** What the code of one row is made of; a piece of the row belongs in the register of its index. */
export interface Row {
  readonly resident: boolean;
  /** Emits `body` for each piece. */
  readonly pass: (body: (piece: Piece) => void) => void;
  /** A pass that combines something of each piece; every lane of FOLDED then holds the result over the row. */
  readonly fold: (op: "vaddps" | "vmaxps", initial: number, body: (piece: Piece) => Combined) => void;
}

/** How a partial result takes in a piece, and how it starts from one. */
export interface Combined {
  readonly add: (partial: Zmm) => void;
  readonly start: (partial: Zmm) => void;
}

function rowOf(to: Assembler, width: number): Row {
  const pieces = Math.ceil(width / LANES);
  const resident = pieces <= RESIDENT;
  const partials = Math.min(pieces, TOGETHER);
  const pass: Row["pass"] = (body) => alongRow(to, width, { unrolled: RESIDENT, together: TOGETHER }, body);
  return {
    resident,
    pass,
    fold: (op, initial, body) => {
      if (!resident) for (let i = 0; i < partials; i++) to.broadcast(FOLDED + i, literal(initial));
      pass((piece) => {
        const { add, start } = body(piece);
        if (resident && piece.index < partials) start(FOLDED + piece.index);
        else add(FOLDED + (piece.index % partials));
      });
      if (partials === 4) to.vector(op, FOLDED + 1, FOLDED + 1, FOLDED + 3);
      if (partials >= 3) to.vector(op, FOLDED, FOLDED, FOLDED + 2);
      if (partials >= 2) to.vector(op, FOLDED, FOLDED, FOLDED + 1);
      acrossLanes(to, op, FOLDED, SPARE);
    },
  };
}

/** Every lane of `x` := all lanes of x combined, halves with halves. */
export function acrossLanes(to: Assembler, op: "vaddps" | "vmaxps", x: Zmm, temp: Zmm): void {
  for (const halves of [0x4e, 0xb1]) {
    to.vector("vshuff32x4", temp, x, x, { immediate: halves });
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
  if (width % LANES > 0) to.maskOf(TAIL, width % LANES);
  to.broadcast(PADDING, literal(padding));
  to.broadcast(ONE, literal(1));
  countedLoop(to, R11, rows, () => {
    body(rowOf(to, width));
    for (const [pointer, elements] of steps) to.addConstant(pointer, 4 * elements);
  });
  to.ret();
  return entry;
}

/** A piece of the row at `base` into its register, filled up with PADDING. */
export function loadPiece(to: Assembler, piece: Piece, base: Gpr): void {
  if (piece.tail) to.copyVector(piece.index, PADDING);
  to.vector("vmovups", piece.index, 0, piece.at(base), { mask: piece.tail ? TAIL : 0 });
}

export function storePiece(to: Assembler, piece: Piece, base: Gpr, register: Zmm = piece.index): void {
  to.storeVector(piece.at(base), register, piece.tail ? TAIL : 0);
}

/** dst := op(first, the piece of the row at `base`); lanes beyond the row become 0, or stay where they are `kept`. */
export function withPiece(
  to: Assembler,
  op: VectorOp,
  [dst, first]: readonly [Zmm, Zmm],
  piece: Piece,
  base: Gpr,
  kept = false,
): void {
  to.vector(op, dst, first, piece.at(base), piece.tail ? { mask: TAIL, zero: !kept } : {});
}

/** A register whose lanes are added up. */
export function added(to: Assembler, register: Zmm): Combined {
  return {
    add: (partial) => to.vector("vaddps", partial, partial, register),
    start: (partial) => to.copyVector(partial, register),
  };
}
