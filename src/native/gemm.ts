// Matrix products: blocks of B packed into panels that stay in the second cache, tiles of C in registers.

import {
  at,
  JUMP,
  R12,
  R13,
  R14,
  R15,
  R8,
  RAX,
  RBP,
  RBX,
  RCX,
  RDI,
  RDX,
  RSI,
  RSP,
  type Assembler,
  type Gpr,
  type Label,
} from "./assembler.ts";
import { amxScratch } from "./gemm-amx.ts";
import { blocksOf, copiedTogether, emitBlock, partOf } from "./gemm-block.ts";
import { PACKED_ROWS, stepsOf, type GemmShape } from "./gemm-shape.ts";
import { productsOf } from "./seven-products.ts";
import type { InstructionSet } from "./instruction-set.ts";
import { countedLoop } from "./loops.ts";

/** Elements of scratch memory that the product needs. */
export function gemmScratch(set: InstructionSet, shape: GemmShape): number {
  const { kc, nc } = blocksOf(set, shape);
  const steps = stepsOf(shape, kc);
  if (shape.amx !== undefined) return amxScratch(shape, { width: nc, depth: kc });
  if (shape.bfloat16 === true) return steps * (nc + PACKED_ROWS) + 2 * set.lanes;
  return steps * (productsOf(shape, true).length * nc + copiedTogether(set, shape) * set.lanes);
}

/**
 * Emits a function (A, B, C, scratch, added): C [m, n] := scale·op(A)·op(B), plus `added` where the shape adds.
 * C and `added` may be the same memory. Sums of a plain product run over k in order, as many at a time as a pass takes, each step a fused multiply-add.
 */
export function emitGemm(to: Assembler, shape: GemmShape): Label {
  const { k, transB } = shape;
  const { n } = partOf(shape);
  const { nc, columns } = blocksOf(to.set, shape);
  const block = emitBlocks(to, shape);
  to.align(16);
  const entry = to.bound();
  for (const saved of SAVED) to.push(saved);
  to.addConstant(RSP, -SLOT.bytes);
  to.store(at(RSP, SLOT.a), RDI);
  to.store(at(RSP, SLOT.b), RSI);
  to.store(at(RSP, SLOT.c), RDX);
  to.store(at(RSP, SLOT.scratch), RCX);
  to.store(at(RSP, SLOT.added), R8);
  repeat(to, SLOT.columns, columns - 1, () => {
    emitPasses(to, shape, (depth, first) => block(nc, depth, first));
    advance(to, SLOT.b, 4 * nc * (transB ? k : 1));
    advance(to, SLOT.c, 4 * nc);
    advance(to, SLOT.added, 4 * nc);
  });
  emitPasses(to, shape, (depth, first) => block(n - (columns - 1) * nc, depth, first));
  to.addConstant(RSP, SLOT.bytes);
  for (const saved of [...SAVED].reverse()) to.pop(saved);
  to.ret();
  return entry;
}

const SAVED: readonly Gpr[] = [RBX, RBP, R12, R13, R14, R15];

/** What the driver of a product keeps on the stack, by byte. */
const SLOT = { a: 0, b: 8, c: 16, scratch: 24, added: 32, columns: 40, passA: 48, passB: 56, passes: 64, bytes: 72 };

/** A slot's pointer or counter moved on; the flags tell of the sum. */
function advance(to: Assembler, slot: number, by: number): void {
  to.load(RAX, at(RSP, slot));
  to.addConstant(RAX, by);
  to.store(at(RSP, slot), RAX);
}

/** A loop that counts in a slot, for bodies that leave no register alone. */
function repeat(to: Assembler, slot: number, count: number, body: () => void): void {
  if (count <= 0) return;
  to.moveConstant(RAX, count);
  to.store(at(RSP, slot), RAX);
  const again = to.bound();
  body();
  advance(to, slot, -1);
  to.jumpIf(JUMP.notZero, again);
}

/** One block of columns, k part after part. */
function emitPasses(to: Assembler, shape: GemmShape, block: (depth: number, first: boolean) => Label): void {
  const { m, n, transA, transB } = shape;
  const { k } = partOf(shape);
  const { kc, passes } = blocksOf(to.set, shape);
  const lastK = k - (passes - 1) * kc;
  const pass = (depth: number, first: boolean): void => {
    to.load(RDI, at(RSP, SLOT.passA));
    to.load(RSI, at(RSP, SLOT.passB));
    to.load(RDX, at(RSP, SLOT.c));
    to.load(RCX, at(RSP, SLOT.scratch));
    to.load(R8, at(RSP, SLOT.added));
    to.call(block(depth, first));
    advance(to, SLOT.passA, 4 * depth * (transA ? m : 1));
    advance(to, SLOT.passB, 4 * depth * (transB ? 1 : n));
  };
  to.load(RAX, at(RSP, SLOT.a));
  to.store(at(RSP, SLOT.passA), RAX);
  to.load(RAX, at(RSP, SLOT.b));
  to.store(at(RSP, SLOT.passB), RAX);
  pass(passes === 1 ? lastK : kc, true);
  repeat(to, SLOT.passes, passes - 2, () => pass(kc, false));
  if (passes > 1) pass(lastK, false);
}

/** Emits every kind of block a product is made of, to be looked up by its columns, its part of k, and whether it is the first. */
function emitBlocks(to: Assembler, shape: GemmShape): (width: number, depth: number, first: boolean) => Label {
  const { m: rows, n, k } = partOf(shape);
  const { kc, passes, nc, columns } = blocksOf(to.set, shape);
  const widths = new Set([...(columns > 1 ? [nc] : []), n - (columns - 1) * nc]);
  const lastK = k - (passes - 1) * kc;
  const made = new Map<string, Label>();
  for (const width of widths) {
    const make = (depth: number, first: boolean): void =>
      void made.set(
        `${width},${depth},${first}`,
        emitBlock(to, shape, { rows, width, depth, products: productsOf(shape, first) }),
      );
    make(passes === 1 ? lastK : kc, true);
    if (passes > 2) make(kc, false);
    if (passes > 1) make(lastK, false);
  }
  return (width, depth, first) => made.get(`${width},${depth},${first}`)!;
}

/**
 * Emits a function (A, B, C, scratch) of `batches` products side by side: C [batches, m, n] := scale·op(A)·op(B).
 */
export function emitBatchedGemm(to: Assembler, shape: GemmShape, batches: number): Label {
  const one = emitGemm(to, shape);
  if (batches === 1) return one;
  const { m, n, k } = shape;
  to.align(16);
  const entry = to.bound();
  const saved = [RBX, RBP, R12, R13, R14];
  for (const register of saved) to.push(register);
  to.move(RBP, RDI);
  to.move(R12, RSI);
  to.move(R13, RDX);
  to.move(R14, RCX);
  countedLoop(to, RBX, batches, () => {
    to.move(RDI, RBP);
    to.move(RSI, R12);
    to.move(RDX, R13);
    to.move(RCX, R14);
    to.call(one);
    to.addConstant(RBP, 4 * m * k);
    to.addConstant(R12, 4 * k * n);
    to.addConstant(R13, 4 * m * n);
  });
  for (const register of saved.reverse()) to.pop(register);
  to.ret();
  return entry;
}
