// Kernels on the rows of a matrix: softmax, running sums, the largest element, root-mean-square normalisation.

import {
  at,
  COMPARE,
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
} from "./assembler.ts";
import {
  added,
  countedLoop,
  emitRows,
  FOLDED,
  FREE,
  LANES,
  loadPiece,
  ONE,
  storePiece,
  withPiece,
  TAIL,
  type Row,
  type RowShape,
} from "./loops.ts";
import { turnTile } from "./transpose-tile.ts";
import { emitExp, emitLog } from "./vector-math.ts";

const TOP = FREE;
const SHIFT = FREE + 1;
const SCALE = FREE + 2;
const TEMPS = [FREE + 3, FREE + 4] as const;
const FOUND = 2;
const ALL = { broadcast: true } as const;

/** The largest of each row into TOP; what is not a number is passed over, for then the second operand is taken. */
function foldTop(to: Assembler, row: Row): void {
  row.fold("vmaxps", -Infinity, (piece) => {
    loadPiece(to, piece, RDI);
    return {
      add: (partial) => to.vector("vmaxps", partial, piece.index, partial),
      start: (partial) => to.vector("vmaxps", partial, piece.index, literal(-Infinity), ALL),
    };
  });
  to.copyVector(TOP, FOLDED);
}

/** All lanes of SCALE := 1/(the first lane of FOLDED). */
function invertFolded(to: Assembler): void {
  to.vector("vdivss", SCALE, ONE, FOLDED);
  to.broadcastLane(SCALE, SCALE);
}

/**
 * Emits a function (x, y) over float32 [rows, width]: y := e^x / Σ e^x of each row. y may be x. Entries such as -1e30
 * become 0; a row of nothing else becomes 1/width. Relative error at most 2e-6, mostly that of x - (largest x) in float32.
 */
export function emitSoftmax(to: Assembler, shape: RowShape): Label {
  const steps = [RDI, RSI].map((pointer) => [pointer, shape.width] as const);
  return emitRows(to, shape, steps, -Infinity, (row) => {
    foldTop(to, row);
    row.fold("vaddps", 0, (piece) => {
      if (!row.resident) loadPiece(to, piece, RDI);
      to.vector("vsubps", piece.index, piece.index, TOP);
      emitExp(to, piece.index, TEMPS);
      if (!row.resident) storePiece(to, piece, RSI);
      return added(to, piece.index);
    });
    invertFolded(to);
    row.pass((piece) => {
      if (row.resident) to.vector("vmulps", piece.index, piece.index, SCALE);
      else withPiece(to, "vmulps", [piece.index, SCALE], piece, RSI);
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
  const power = SHIFT;
  return emitRows(to, shape, steps, -Infinity, (row) => {
    foldTop(to, row);
    row.fold("vaddps", 0, (piece) => {
      if (!row.resident) loadPiece(to, piece, RDI);
      to.vector("vsubps", piece.index, piece.index, TOP);
      to.copyVector(power, piece.index);
      emitExp(to, power, TEMPS);
      if (probs) storePiece(to, piece, RDX, power);
      return added(to, power);
    });
    if (probs) invertFolded(to);
    to.copyVector(SHIFT, FOLDED);
    emitLog(to, SHIFT, TEMPS);
    row.pass((piece) => {
      if (!row.resident) {
        loadPiece(to, piece, RDI);
        to.vector("vsubps", piece.index, piece.index, TOP);
      }
      to.vector("vsubps", piece.index, piece.index, SHIFT);
      storePiece(to, piece, RSI);
      if (!probs) return;
      withPiece(to, "vmulps", [piece.index, SCALE], piece, RDX);
      storePiece(to, piece, RDX);
    });
  });
}

/**
 * Emits a function (x, y), x float32 [rows, width], y int32 [rows]: the index of the largest element of each row, the
 * first one at a tie. What is not a number is passed over; a row of nothing else gives 0.
 */
export function emitArgmax(to: Assembler, shape: RowShape): Label {
  const wholePieces = Math.floor(shape.width / LANES);
  const steps = [
    [RDI, shape.width],
    [RSI, 1],
  ] as const;
  return emitRows(to, shape, steps, NaN, (row) => {
    foldTop(to, row);
    const found = to.label();
    const look = (): void => {
      to.compareVectors(FOUND, 0, TOP, COMPARE.equal);
      to.readMask(RDX, FOUND);
      to.compareConstant(RDX, 0);
      to.jumpIf(JUMP.notZero, found);
    };
    to.moveConstant(RAX, 0);
    if (wholePieces > 0) {
      const again = to.bound();
      to.loadVector(0, indexed(RDI, RAX, 4));
      look();
      to.addConstant(RAX, LANES);
      to.compareConstant(RAX, LANES * wholePieces);
      to.jumpIf(JUMP.less, again);
    }
    if (shape.width % LANES > 0) {
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
  return emitRows(to, shape, steps, 0, (row) => {
    row.fold("vaddps", 0, (piece) => {
      loadPiece(to, piece, RDI);
      return {
        add: (partial) => to.vector("vfmadd231ps", partial, piece.index, piece.index),
        start: (partial) => to.vector("vmulps", partial, piece.index, piece.index),
      };
    });
    to.vector("vmulps", FOLDED, FOLDED, literal(1 / width), ALL);
    to.vector("vaddps", FOLDED, FOLDED, literal(epsilon), ALL);
    to.vector("vsqrtss", FOLDED, FOLDED, FOLDED);
    invertFolded(to);
    to.storeScalar(at(RCX), SCALE);
    row.pass((piece) => {
      if (row.resident) to.vector("vmulps", piece.index, piece.index, SCALE);
      else withPiece(to, "vmulps", [piece.index, SCALE], piece, RDI);
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
  if (width % LANES > 0) to.maskOf(TAIL, width % LANES);
  // The last column of a tile, kept while the next one is turned, which takes all registers.
  to.addConstant(RSP, -4 * LANES);
  const band = (height: number): void => {
    to.move(R8, RDI);
    to.move(R9, RSI);
    to.zeroVector(0);
    to.storeVector(at(RSP), 0);
    countedLoop(to, R10, Math.floor(width / LANES), () => {
      emitSummedTile(to, width, height, false);
      to.addConstant(R8, 4 * LANES);
      to.addConstant(R9, 4 * LANES);
    });
    if (width % LANES > 0) emitSummedTile(to, width, height, true);
    to.addConstant(RDI, 4 * height * width);
    to.addConstant(RSI, 4 * height * width);
  };
  countedLoop(to, R11, Math.floor(rows / LANES), () => band(LANES));
  if (rows % LANES > 0) band(rows % LANES);
  to.addConstant(RSP, 4 * LANES);
  to.ret();
  return entry;
}

/** Sums along up to sixteen rows at once: turned, a column of the tile at r8 is added to the one before. */
function emitSummedTile(to: Assembler, width: number, height: number, tail: boolean): void {
  const mask = tail ? TAIL : 0;
  for (let row = 0; row < LANES; row++) {
    if (row < height) to.loadVector(row, at(R8, 4 * row * width), mask);
    else to.zeroVector(row);
  }
  turnTile(to);
  to.vector("vaddps", 0, 0, at(RSP));
  for (let column = 1; column < LANES; column++) to.vector("vaddps", column, column, column - 1);
  to.storeVector(at(RSP), LANES - 1);
  turnTile(to);
  for (let row = 0; row < height; row++) to.storeVector(at(R9, 4 * row * width), row, mask);
}
