// One block of a matrix product: how a product is cut, which factors are copied, and the tiles of a block.

import {
  at,
  R10,
  R11,
  R12,
  R13,
  R14,
  R15,
  R8,
  R9,
  RBP,
  RBX,
  RCX,
  RDI,
  RDX,
  RSI,
  type Assembler,
  type Label,
} from "./assembler.ts";
import { emitInterleaveOrder, emitPackPairsA, emitPackPairsB, pairsOf } from "./gemm-pairs.ts";
import {
  EDGE,
  emitPackA,
  emitPackB,
  emitTile,
  PACKED_ROWS,
  ROWS,
  tileOf,
  type BlockShape,
  type GemmShape,
  type Tile,
} from "./gemm-tile.ts";
import type { InstructionSet } from "./instruction-set.ts";
import { countedLoop } from "./loops.ts";

/** A factor of at most so many elements stays in the first cache, and is read where it lies. */
const READ_IN_PLACE = 2 ** 12;

/** Panels of B over which reading a panel of A from memory is not hidden, so that it is asked for a whole panel ahead. */
const FEW_PANELS = 4;

/** How early a tile asks for A: a tile's rows that lie a long way from each other are no stream to the processor. */
function readAhead(set: InstructionSet, shape: GemmShape): Tile["readAhead"] {
  const { m, n, k, transA, bfloat16 = false } = shape;
  if (bfloat16 || !transA || m * k <= READ_IN_PLACE || copiesA(set, shape)) return "no";
  return n <= FEW_PANELS * tileOf(set).columns ? "panel" : "steps";
}

/** Whether the panels of A go through a copy, several at a time: those whose rows lie a long way from each other. */
export function copiesA(set: InstructionSet, { m, k, transA, bfloat16 = false }: GemmShape): boolean {
  return !bfloat16 && transA && tileOf(set).copiedPanels > 0 && m * k > READ_IN_PLACE;
}

/** Whether B goes through a copy in panels of a tile's columns: always when it has to be turned. */
function packsB(set: InstructionSet, { m, n, k, transB, bfloat16 = false }: GemmShape): boolean {
  return bfloat16 || transB || (n * k > READ_IN_PLACE && m > tileOf(set).rows);
}

interface Blocks {
  readonly kc: number;
  readonly passes: number;
  readonly nc: number;
  readonly columns: number;
}

/** What a part of k is multiplied in: its elements, or pairs of them in bfloat16. */
export function stepsOf({ bfloat16 = false }: GemmShape, depth: number): number {
  return bfloat16 ? pairsOf(depth) : depth;
}

export function blocksOf(set: InstructionSet, shape: GemmShape): Blocks {
  const { columns: across, blockElements, longestPass } = tileOf(set);
  const { n, k, bfloat16 = false } = shape;
  const together = bfloat16 ? 2 : 1;
  const passes = Math.ceil(k / (longestPass * together));
  const kc = Math.ceil(k / passes / together) * together;
  const most = Math.max(across, Math.floor(blockElements / stepsOf(shape, kc) / across) * across);
  const blocks = Math.ceil(n / most);
  const nc = Math.ceil(n / blocks / across) * across;
  return { kc, passes: Math.ceil(k / kc), nc, columns: Math.ceil(n / nc) };
}

/** What the tiles of a block have in common. */
function tilesOf(
  to: Assembler,
  shape: GemmShape,
  { depth, first }: BlockShape,
): Omit<Tile, "rows" | "vectors" | "masked" | "masksB"> {
  const { m, n, k, transA, adds, scale, bfloat16 = false } = shape;
  const copied = copiesA(to.set, shape);
  return {
    depth: stepsOf(shape, depth),
    multiply: bfloat16 ? "vdpbf16ps" : "vfmadd231ps",
    aBase: bfloat16 || copied ? R15 : R9,
    stepA: bfloat16 ? 4 * PACKED_ROWS : copied ? 4 * to.lanes : transA ? 4 * m : 4,
    strideA: bfloat16 || transA ? 4 : 4 * k,
    readAhead: readAhead(to.set, shape),
    stepB: packsB(to.set, shape) ? 4 * tileOf(to.set).columns : 4 * n,
    strideC: 4 * n,
    scale,
    from: first ? (adds ? "added" : "zero") : "c",
  };
}

/** Emits a function (A, B, C, scratch, added) for one packed block of B and all rows of A. */
export function emitBlock(to: Assembler, shape: GemmShape, block: BlockShape): Label {
  const { m, n, k, transA, bfloat16 = false } = shape;
  const { width, depth } = block;
  const steps = stepsOf(shape, depth);
  const copiesB = packsB(to.set, shape);
  const { rows: tileRows, columns: across, copiedPanels } = tileOf(to.set);
  const panels = Math.floor(width / across);
  const edge = width % across;
  const packedA = 4 * steps * Math.ceil(width / across) * across;
  const order = packedA + 4 * steps * PACKED_ROWS;
  const alike = tilesOf(to, shape, block);
  to.align(16);
  const entry = to.bound();
  if (edge % to.lanes !== 0) to.maskOf(EDGE, edge % to.lanes);
  if (bfloat16) {
    emitInterleaveOrder(to, order);
    emitPackPairsB(to, shape, block, order);
  } else if (copiesB) emitPackB(to, shape, block);
  to.move(R9, RDI);
  if (!copiesB) to.move(R13, RSI);
  to.move(R12, RDX);
  to.move(R14, R8);
  to.sub(R14, RDX);
  /** The tiles of some rows of A. */
  const panel = (count: number): void => {
    to.move(R10, copiesB ? RCX : R13);
    to.move(R11, R12);
    const tile = (vectors: number, masked: boolean): void => {
      emitTile(to, { ...alike, rows: count, vectors, masked, masksB: masked && !copiesB });
      to.addConstant(R10, copiesB ? 4 * steps * across : 4 * across);
      to.addConstant(R11, 4 * across);
    };
    countedLoop(to, RBX, panels, () => tile(2, false));
    if (edge > 0) tile(Math.ceil(edge / to.lanes), edge % to.lanes !== 0);
    to.addConstant(R12, 4 * count * n);
  };
  const rows = (count: number): void => {
    if (bfloat16) {
      to.maskOf(ROWS, count);
      to.loadAddress(R15, at(RCX, packedA));
      emitPackPairsA(to, shape, count, depth, order);
    }
    panel(count);
    to.addConstant(R9, 4 * count * (transA ? 1 : k));
  };
  const copied = (count: number): void => emitCopiedRows(to, m, block, packedA, count, panel);
  if (copiesA(to.set, shape)) overRows(to, m, copiedPanels * tileRows, copied);
  else overRows(to, m, tileRows, rows);
  to.ret();
  return entry;
}

/** The tiles of rows of A whose panels are copied first, to `packedA` bytes behind rcx; `panel` emits those of one panel. */
function emitCopiedRows(
  to: Assembler,
  m: number,
  { depth }: BlockShape,
  packedA: number,
  rows: number,
  panel: (rows: number) => void,
): void {
  to.loadAddress(RDI, at(RCX, packedA));
  emitPackA(to, m, rows, depth);
  to.loadAddress(R15, at(RCX, packedA));
  to.push(RBP);
  overRows(to, rows, tileOf(to.set).rows, (count) => {
    panel(count);
    to.addConstant(R15, 4 * to.lanes * depth);
  });
  to.pop(RBP);
  to.addConstant(R9, 4 * rows);
}

/** Emits `body` for all rows, so many at a time, counting down in rbp. */
function overRows(to: Assembler, rows: number, together: number, body: (count: number) => void): void {
  countedLoop(to, RBP, Math.floor(rows / together), () => body(together));
  if (rows % together > 0) body(rows % together);
}
