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
  type Gpr,
  type Label,
} from "./assembler.ts";
import { amxBlocks, type Blocks } from "./amx-layout.ts";
import { emitAmxBlock } from "./gemm-amx.ts";
import { emitInterleaveOrder, emitPackPairsA, emitPackPairsB } from "./gemm-pairs.ts";
import { emitPackA, emitPackB, emitSumRowsA } from "./gemm-pack.ts";
import {
  EDGE,
  PACKED_ROWS,
  ROWS,
  stepsOf,
  tileOf,
  type BlockShape,
  type GemmShape,
  type Product,
  type Term,
} from "./gemm-shape.ts";
import { emitTile, type Tile } from "./gemm-tile.ts";
import type { InstructionSet } from "./instruction-set.ts";
import { countedLoop, overRows } from "./loops.ts";

/** A factor of at most so many elements stays in the first cache, and is read where it lies. */
const READ_IN_PLACE = 2 ** 12;

/** Panels of B over which reading a panel of A from memory is not hidden, so that it is asked for a whole panel ahead. */
const FEW_PANELS = 4;

/** How early a tile asks for A: a tile's rows that lie a long way from each other are no stream to the processor. */
function readAhead(set: InstructionSet, shape: GemmShape): Tile["readAhead"] {
  const { m, k, transA, bfloat16 = false } = shape;
  if (bfloat16 || !transA || m * k <= READ_IN_PLACE || copiesA(set, shape)) return "no";
  return partOf(shape).n <= FEW_PANELS * tileOf(set).columns ? "panel" : "steps";
}

/** Whether the panels of A go through a copy, several at a time: those whose rows lie a long way from each other. */
function copiesA(set: InstructionSet, shape: GemmShape): boolean {
  const { m, k, transA, bfloat16 = false } = shape;
  return !bfloat16 && transA && secondCacheOf(set, shape) >= tileOf(set).copiesFrom && m * k > READ_IN_PLACE;
}

function secondCacheOf(set: InstructionSet, { secondCache }: GemmShape): number {
  return secondCache ?? tileOf(set).secondCache;
}

/** Elements of a packed block of B: half of the second cache. */
function blockElements(set: InstructionSet, shape: GemmShape): number {
  return secondCacheOf(set, shape) / 8;
}

/** Panels of A, or of sums of its parts, that are copied at a time; 0 where tiles read it as it lies, or a panel's pairs. */
export function copiedTogether(set: InstructionSet, shape: GemmShape): number {
  const { copiedPanels, summedPanels } = tileOf(set);
  if (shape.seven === true) return summedPanels;
  return copiesA(set, shape) ? copiedPanels : 0;
}

/** Whether B goes through a copy in panels of a tile's columns: always when it has to be turned. */
function packsB(set: InstructionSet, { m, n, k, transB, bfloat16 = false, seven = false }: GemmShape): boolean {
  return bfloat16 || seven || transB || (n * k > READ_IN_PLACE && m > tileOf(set).rows);
}

/** What of m, n and k the terms of a product have. */
export function partOf({ m, n, k, seven = false }: GemmShape): { m: number; n: number; k: number } {
  return seven ? { m: m / 2, n: n / 2, k: k / 2 } : { m, n, k };
}

export function blocksOf(set: InstructionSet, shape: GemmShape): Blocks {
  const { columns: across, longestPass } = tileOf(set);
  const { bfloat16 = false, amx } = shape;
  if (amx !== undefined) return amxBlocks(shape, 4 * blockElements(set, shape));
  const { n, k } = partOf(shape);
  const together = bfloat16 ? 2 : 1;
  const passes = Math.ceil(k / (longestPass * together));
  const kc = Math.ceil(k / passes / together) * together;
  const most = Math.max(across, Math.floor(blockElements(set, shape) / stepsOf(shape, kc) / across) * across);
  const blocks = Math.ceil(n / most);
  const nc = Math.ceil(n / blocks / across) * across;
  return { kc, passes: Math.ceil(k / kc), nc, columns: Math.ceil(n / nc) };
}

/** Whether a product goes through a copy of its A. */
function copiesRows(set: InstructionSet, shape: GemmShape, a: readonly Term[]): boolean {
  return a.length > 1 || copiesA(set, shape);
}

/** What the tiles of a product have in common. */
function tilesOf(
  to: Assembler,
  shape: GemmShape,
  depth: number,
  product: Product,
): Omit<Tile, "rows" | "vectors" | "masked" | "masksB" | "aBase"> {
  const { m, n, k, transA, scale, bfloat16 = false } = shape;
  const copied = copiesRows(to.set, shape, product.a);
  return {
    depth: stepsOf(shape, depth),
    multiply: bfloat16 ? "vdpbf16ps" : "vfmadd231ps",
    stepA: bfloat16 ? 4 * PACKED_ROWS : !transA ? 4 : copied ? 4 * to.lanes : 4 * m,
    strideA: bfloat16 || transA ? 4 : 4 * (copied ? depth : k),
    readAhead: copied ? "no" : readAhead(to.set, shape),
    stepB: packsB(to.set, shape) ? 4 * tileOf(to.set).columns : 4 * n,
    strideC: 4 * n,
    scale,
    into: product.into,
  };
}

/** Emits a function (A, B, C, scratch, added) for the products of one block of B and all rows of A. */
export function emitBlock(to: Assembler, shape: GemmShape, block: BlockShape): Label {
  const { width } = block;
  const { lanes } = to;
  to.align(16);
  const entry = to.bound();
  if (width % lanes !== 0) to.maskOf(EDGE, width % lanes);
  if (shape.amx !== undefined) {
    emitAmxBlock(to, shape, block);
    to.ret();
    return entry;
  }
  const packed = packsB(to.set, shape);
  if (packed) emitPackedB(to, shape, block);
  to.move(R9, RDI);
  if (!packed) to.move(R13, RSI);
  to.move(R12, RDX);
  to.move(R14, R8);
  to.sub(R14, RDX);
  if (copiedTogether(to.set, shape) > 0) emitChunks(to, shape, block);
  else emitRows(to, shape, block);
  to.ret();
  return entry;
}

/** Where the copies of a block lie, in bytes of scratch memory: B's for each product, then A's. */
function placesOf(set: InstructionSet, shape: GemmShape, { width, depth, products }: BlockShape) {
  const { columns: across } = tileOf(set);
  const steps = stepsOf(shape, depth);
  const packedB = 4 * steps * Math.ceil(width / across) * across;
  const packedA = products.length * packedB;
  return { packedB, packedA, order: packedA + 4 * steps * PACKED_ROWS };
}

/** Copies the block of B at rsi, for each product its own sum. With several, r13 is overwritten. */
function emitPackedB(to: Assembler, shape: GemmShape, block: BlockShape): void {
  const { width, depth, products } = block;
  const { packedB, packedA, order } = placesOf(to.set, shape, block);
  if (shape.bfloat16 === true) {
    emitInterleaveOrder(to, order);
    emitPackPairsB(to, shape, block, order);
    return;
  }
  if (products.length === 1) {
    emitPackB(to, shape, { width, depth, terms: products[0]!.b });
    return;
  }
  to.move(R13, RSI);
  for (const { b } of products) {
    to.move(RSI, R13);
    emitPackB(to, shape, { width, depth, terms: b });
    to.addConstant(RCX, packedB);
  }
  to.addConstant(RCX, -packedA);
}

/** The tiles of one product, panel after panel of A as it lies, or of its pairs. */
function emitRows(to: Assembler, shape: GemmShape, block: BlockShape): void {
  const { k, transA, bfloat16 = false } = shape;
  const { packedA, order } = placesOf(to.set, shape, block);
  overRows(to, block.rows, tileOf(to.set).rows, (rows) => {
    if (bfloat16) {
      to.maskOf(ROWS, rows);
      to.loadAddress(R15, at(RCX, packedA));
      emitPackPairsA(to, shape, rows, block.depth, order);
    }
    emitPanel(to, shape, block, { product: 0, aBase: bfloat16 ? R15 : R9, rows });
    to.addConstant(R9, 4 * rows * (transA ? 1 : k));
  });
}

/** The tiles of every product, so many rows at a time that their copy and their part of C stay in the second cache meanwhile. */
function emitChunks(to: Assembler, shape: GemmShape, block: BlockShape): void {
  const { m, n, k, transA } = shape;
  const { depth, products } = block;
  const { packedA } = placesOf(to.set, shape, block);
  const { rows: tileRows } = tileOf(to.set);
  overRows(to, block.rows, copiedTogether(to.set, shape) * tileRows, (rows) => {
    to.push(RBP);
    for (const [product, { a }] of products.entries()) {
      const copied = copiesRows(to.set, shape, a);
      if (copied) {
        to.loadAddress(RDI, at(RCX, packedA));
        if (transA) emitPackA(to, m, rows, { depth, terms: a });
        else emitSumRowsA(to, k, rows, { depth, terms: a });
        to.loadAddress(R15, at(RCX, packedA));
      } else to.loadAddress(R15, at(R9, a[0]!.disp));
      overRows(to, rows, tileRows, (count) => {
        emitPanel(to, shape, block, { product, aBase: R15, rows: count });
        to.addConstant(R15, panelBytes(to.set, shape, copied ? depth : null, count));
      });
      if (product < products.length - 1) to.addConstant(R12, -4 * rows * n);
    }
    to.pop(RBP);
    to.addConstant(R9, 4 * rows * (transA ? 1 : k));
  });
}

/** From a panel of A to the next, where copies have `copied` elements of k, or A is read as it lies. */
function panelBytes({ lanes }: InstructionSet, { k, transA }: GemmShape, copied: number | null, rows: number): number {
  if (transA) return 4 * (copied === null ? rows : lanes * copied);
  return 4 * rows * (copied ?? k);
}

interface Panel {
  /** of the block's products, by number */
  readonly product: number;
  /** holds the address of the panel of A */
  readonly aBase: Gpr;
  readonly rows: number;
}

/** The tiles of some rows of A: one to a panel of B. Moves r12 on to the rows of C behind them. */
function emitPanel(to: Assembler, shape: GemmShape, block: BlockShape, { product, aBase, rows }: Panel): void {
  const { width, depth, products } = block;
  const { columns: across } = tileOf(to.set);
  const edge = width % across;
  const packed = packsB(to.set, shape);
  const alike = { ...tilesOf(to, shape, depth, products[product]!), aBase, rows };
  to.move(R10, packed ? RCX : R13);
  to.addConstant(R10, product * placesOf(to.set, shape, block).packedB);
  to.move(R11, R12);
  const tile = (vectors: number, masked: boolean): void => {
    emitTile(to, { ...alike, vectors, masked, masksB: masked && !packed });
    to.addConstant(R10, packed ? 4 * stepsOf(shape, depth) * across : 4 * across);
    to.addConstant(R11, 4 * across);
  };
  countedLoop(to, RBX, Math.floor(width / across), () => tile(2, false));
  if (edge > 0) tile(Math.ceil(edge / to.lanes), edge % to.lanes !== 0);
  to.addConstant(R12, 4 * rows * shape.n);
}
