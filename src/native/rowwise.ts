// Kernels on the rows of a matrix: softmax, running sums, the largest element, root-mean-square normalisation.

import {
  at,
  indexed,
  JUMP,
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
  RSP,
  type Assembler,
  type Label,
  type Vector,
} from "./assembler.ts";
import {
  added,
  countedLoop,
  emitRows,
  loadPiece,
  rowRegisters,
  storePiece,
  withPiece,
  TAIL,
  type Row,
  type RowRegisters,
  type RowShape,
} from "./loops.ts";
import { turnTile } from "./transpose-tile.ts";
import { emitExp, emitLog, type Temps } from "./vector-math.ts";

/** The kernels' own registers. */
interface Own extends RowRegisters {
  readonly top: Vector;
  readonly shift: Vector;
  readonly scale: Vector;
  readonly temps: Temps;
}

function own(to: Assembler): Own {
  const registers = rowRegisters(to);
  const { free } = registers;
  return { ...registers, top: free, shift: free + 1, scale: free + 2, temps: [free + 3, free + 4, free + 5] };
}

const ALL = { broadcast: true } as const;

/** The largest of each row into `top`; what is not a number is passed over, for then the second operand is taken. */
function foldTop(to: Assembler, row: Row): void {
  const { top, folded } = own(to);
  row.fold("vmaxps", -Infinity, (piece) => {
    loadPiece(to, piece, RDI);
    return {
      add: (partial) => to.vector("vmaxps", partial, piece.index, partial),
      start: (partial) => to.vector("vmaxps", partial, piece.index, literal(-Infinity), ALL),
    };
  });
  to.copyVector(top, folded);
}

/** All lanes of `scale` := 1/(the first lane of `folded`). */
function invertFolded(to: Assembler): void {
  const { one, folded, scale } = own(to);
  to.vector("vdivss", scale, one, folded);
  to.broadcastLane(scale, scale);
}

/**
 * Emits a function (x, y) over float32 [rows, width]: y := e^x / Σ e^x of each row. y may be x. Entries such as -1e30
 * become 0; a row of nothing else becomes 1/width. Relative error at most 2e-6, mostly that of x - (largest x) in float32.
 */
export function emitSoftmax(to: Assembler, shape: RowShape): Label {
  const steps = [RDI, RSI].map((pointer) => [pointer, shape.width] as const);
  const { top, scale, temps } = own(to);
  return emitRows(to, shape, steps, -Infinity, (row) => {
    foldTop(to, row);
    row.fold("vaddps", 0, (piece) => {
      if (!row.resident) loadPiece(to, piece, RDI);
      to.vector("vsubps", piece.index, piece.index, top);
      emitExp(to, piece.index, temps);
      if (!row.resident) storePiece(to, piece, RSI);
      return added(to, piece.index);
    });
    invertFolded(to);
    row.pass((piece) => {
      if (row.resident) to.vector("vmulps", piece.index, piece.index, scale);
      else withPiece(to, "vmulps", [piece.index, scale], piece, RSI);
      storePiece(to, piece, RSI);
    });
  });
}

/**
 * Emits a function (x, y) over float32 [rows, width]: y := x - ln Σ e^x of each row. With `probs` it is (x, y, p), and
 * p := e^y besides, computed as a softmax. y may be x; p is memory of its own.
 */
export function emitLogSoftmax(to: Assembler, shape: RowShape & { readonly probs?: boolean }): Label {
  const { width, probs = false } = shape;
  const steps = [RDI, RSI, ...(probs ? [RDX] : [])].map((pointer) => [pointer, width] as const);
  const { top, shift, scale, folded, temps } = own(to);
  const power = shift;
  return emitRows(to, shape, steps, -Infinity, (row) => {
    foldTop(to, row);
    row.fold("vaddps", 0, (piece) => {
      if (!row.resident) loadPiece(to, piece, RDI);
      to.vector("vsubps", piece.index, piece.index, top);
      to.copyVector(power, piece.index);
      emitExp(to, power, temps);
      if (probs) storePiece(to, piece, RDX, power);
      return added(to, power);
    });
    if (probs) invertFolded(to);
    to.copyVector(shift, folded);
    emitLog(to, shift, temps);
    row.pass((piece) => {
      if (!row.resident) {
        loadPiece(to, piece, RDI);
        to.vector("vsubps", piece.index, piece.index, top);
      }
      to.vector("vsubps", piece.index, piece.index, shift);
      storePiece(to, piece, RSI);
      if (!probs) return;
      withPiece(to, "vmulps", [piece.index, scale], piece, RDX);
      storePiece(to, piece, RDX);
    });
  });
}

/**
 * Emits a function (x, y), x float32 [rows, width], y int32 [rows]: the index of the largest element of each row, the
 * first one at a tie. What is not a number is passed over; a row of nothing else gives 0.
 */
export function emitArgmax(to: Assembler, shape: RowShape): Label {
  const wholePieces = Math.floor(shape.width / to.lanes);
  const steps = [
    [RDI, shape.width],
    [RSI, 1],
  ] as const;
  return emitRows(to, shape, steps, NaN, (row) => {
    foldTop(to, row);
    const found = to.label();
    const look = (): void => {
      to.lanesWhereEqual(RDX, 0, own(to).top);
      to.compareConstant(RDX, 0);
      to.jumpIf(JUMP.notZero, found);
    };
    to.moveConstant(RAX, 0);
    if (wholePieces > 0) {
      const again = to.bound();
      to.loadVector(0, indexed(RDI, RAX, 4));
      look();
      to.addConstant(RAX, to.lanes);
      to.compareConstant(RAX, to.lanes * wholePieces);
      to.jumpIf(JUMP.less, again);
    }
    if (shape.width % to.lanes > 0) {
      loadPiece(to, { index: 0, tail: true, at: (base) => indexed(base, RAX, 4) }, RDI);
      look();
    }
    to.moveConstant(RAX, 0);
    to.moveConstant(RDX, 1);
    to.bind(found);
    to.lowestBit(RDX);
    to.add(RAX, RDX);
    to.storeInt32(at(RSI), RAX);
  });
}

/**
 * Emits a function (x, weight, y, inverseRms) over float32 [rows, width], [width], [rows, width], [rows]:
 * r = 1/√(mean of x² over the row + epsilon), y := x·r·weight, inverseRms := r. y may be x.
 */
export function emitRmsNorm(to: Assembler, shape: RowShape & { readonly epsilon: number }): Label {
  const { width, epsilon } = shape;
  const steps = [
    [RDI, width],
    [RDX, width],
    [RCX, 1],
  ] as const;
  const { folded, scale } = own(to);
  return emitRows(to, shape, steps, 0, (row) => {
    row.fold("vaddps", 0, (piece) => {
      loadPiece(to, piece, RDI);
      return {
        add: (partial) => to.vector("vfmadd231ps", partial, piece.index, piece.index),
        start: (partial) => to.vector("vmulps", partial, piece.index, piece.index),
      };
    });
    to.vector("vmulps", folded, folded, literal(1 / width), ALL);
    to.vector("vaddps", folded, folded, literal(epsilon), ALL);
    to.vector("vsqrtss", folded, folded, folded);
    invertFolded(to);
    to.storeScalar(at(RCX), scale);
    row.pass((piece) => {
      if (row.resident) to.vector("vmulps", piece.index, piece.index, scale);
      else withPiece(to, "vmulps", [piece.index, scale], piece, RDI);
      withPiece(to, "vmulps", [piece.index, piece.index], piece, RSI);
      storePiece(to, piece, RDX);
    });
  });
}

/**
 * Emits a function (x, y) over float32 [rows, width]: y := the running sums of each row, the element itself included.
 * y may be x. The sums are made one element after the other, in float32, so that adding a 0 changes nothing: who draws
 * from a distribution by its running sums then never draws what has probability 0.
 */
export function emitCumulativeSum(to: Assembler, { rows, width }: RowShape): Label {
  to.align(16);
  const entry = to.bound();
  if (width % to.lanes > 0) to.maskOf(TAIL, width % to.lanes);
  // The last column of a tile, kept while the next one is turned, which takes all registers.
  to.addConstant(RSP, -4 * to.lanes);
  const band = (height: number): void => {
    to.move(R8, RDI);
    to.move(R9, RSI);
    to.zeroVector(0);
    to.storeVector(at(RSP), 0);
    countedLoop(to, R10, Math.floor(width / to.lanes), () => {
      emitSummedTile(to, width, height, false);
      to.addConstant(R8, 4 * to.lanes);
      to.addConstant(R9, 4 * to.lanes);
    });
    if (width % to.lanes > 0) emitSummedTile(to, width, height, true);
    to.addConstant(RDI, 4 * height * width);
    to.addConstant(RSI, 4 * height * width);
  };
  countedLoop(to, R11, Math.floor(rows / to.lanes), () => band(to.lanes));
  if (rows % to.lanes > 0) band(rows % to.lanes);
  to.addConstant(RSP, 4 * to.lanes);
  to.ret();
  return entry;
}

/** Sums along as many rows at once as a vector has lanes: turned, a column of the tile at r8 is added to the one before. */
function emitSummedTile(to: Assembler, width: number, height: number, tail: boolean): void {
  const mask = tail ? TAIL : 0;
  for (let row = 0; row < to.lanes; row++) {
    if (row < height) to.loadVector(row, at(R8, 4 * row * width), mask);
    else to.zeroVector(row);
  }
  turnTile(to);
  to.vector("vaddps", 0, 0, at(RSP));
  for (let column = 1; column < to.lanes; column++) to.vector("vaddps", column, column, column - 1);
  to.storeVector(at(RSP), to.lanes - 1);
  turnTile(to);
  for (let row = 0; row < height; row++) to.storeVector(at(R9, 4 * row * width), row, mask);
}
