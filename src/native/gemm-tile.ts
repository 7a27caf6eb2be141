// The innermost part of a matrix product: a tile of C in registers.

import {
  at,
  indexed,
  literal,
  R10,
  R11,
  R14,
  R9,
  RAX,
  RDI,
  RDX,
  RSI,
  type Assembler,
  type Gpr,
  type Mask,
  type Memory,
  type Vector,
} from "./assembler.ts";
import { EDGE, tileOf, type Target } from "./gemm-shape.ts";
import { countedLoop } from "./loops.ts";

const UNROLL = 4;

export interface Tile {
  readonly rows: number;
  readonly vectors: number;
  readonly masked: boolean;
  /** steps: elements of k, or pairs of them */
  readonly depth: number;
  readonly multiply: "vfmadd231ps" | "vdpbf16ps";
  readonly aBase: Gpr;
  readonly stepA: number;
  readonly strideA: number;
  readonly stepB: number;
  readonly masksB: boolean;
  readonly strideC: number;
  readonly scale: number;
  readonly into: readonly Target[];
  /** asks for the rows of A a few steps before they are read, or for those of the next panel */
  readonly readAhead: "no" | "steps" | "panel";
}

/** Steps between asking for a row of A and reading it. */
const AHEAD_STEPS = 4;

/** One tile of C at r11 from rows of A and the panel of B at r10; `added` lies r14 bytes further than C. */
export function emitTile(to: Assembler, tile: Tile): void {
  const { rows, vectors, masked, masksB, depth, stepA, strideA, stepB, strideC } = tile;
  const sum = (row: number, v: number): number => row * vectors + v;
  const registers = tileOf(to.set);
  const b = (v: number): Vector => registers.b + v;
  const a = (row: number): Vector => registers.a[row % registers.a.length]!;
  // From the first to the last row of a panel, which may lie on the next line.
  const lastRow = 4 * (registers.rows - 1);
  for (let i = 0; i < rows * vectors; i++) to.zeroVector(i);
  to.move(RDI, tile.aBase);
  to.move(RSI, R10);
  for (const target of tile.into) {
    if (target.from === "zero") continue;
    for (let row = 0; row < rows; row++) {
      for (let v = 0; v < vectors; v++) to.prefetch(startOf(target, row * strideC + 4 * to.lanes * v), 1);
    }
  }
  const nextPanel = tile.readAhead === "panel";
  if (nextPanel) to.loadAddress(RDX, at(R9, 4 * registers.rows + lastRow));
  const step = (l: number): void => {
    if (nextPanel) to.prefetch(at(RDX, l * stepA), 2);
    if (tile.readAhead === "steps") {
      to.prefetch(at(RDI, (l + AHEAD_STEPS) * stepA), 1);
      to.prefetch(at(RDI, (l + AHEAD_STEPS) * stepA + lastRow), 1);
    }
    for (let v = 0; v < vectors; v++) {
      to.loadVector(b(v), at(RSI, l * stepB + 4 * v * to.lanes), masksB && v === vectors - 1 ? EDGE : 0);
    }
    for (let row = 0; row < rows; row++) {
      to.broadcast(a(row), at(RDI, row * strideA + l * stepA));
      for (let v = 0; v < vectors; v++) to.vector(tile.multiply, sum(row, v), a(row), b(v));
    }
  };
  countedLoop(to, RAX, Math.floor(depth / UNROLL), () => {
    for (let l = 0; l < UNROLL; l++) step(l);
    if (nextPanel) to.addConstant(RDX, UNROLL * stepA);
    to.addConstant(RDI, UNROLL * stepA);
    to.addConstant(RSI, UNROLL * stepB);
  });
  for (let l = 0; l < depth % UNROLL; l++) step(l);
  if (tile.scale !== 1) to.broadcast(registers.scale, literal(tile.scale));
  for (let row = 0; row < rows; row++) {
    for (let v = 0; v < vectors; v++) {
      const mask = masked && v === vectors - 1 ? EDGE : 0;
      const disp = row * strideC + 4 * to.lanes * v;
      const register = sum(row, v);
      if (tile.scale !== 1) to.vector("vmulps", register, register, registers.scale);
      tile.into.forEach((target, i) => {
        const last = i === tile.into.length - 1 && !target.minus;
        emitInto(to, target, { register, disp, mask, spare: last ? register : b(v) });
      });
    }
  }
}

/** Where an element of C starts from. */
function startOf({ from, disp }: Target, beyond: number): Memory {
  return from === "added" ? indexed(R11, R14, 1, disp + beyond) : at(R11, disp + beyond);
}

interface Result {
  readonly register: Vector;
  readonly disp: number;
  readonly mask: Mask;
  /** takes what is stored, where `register` is still needed */
  readonly spare: Vector;
}

function emitInto(to: Assembler, target: Target, { register, disp, mask, spare }: Result): void {
  const place = at(R11, target.disp + disp);
  if (target.from === "zero") {
    to.storeVector(place, register, mask);
    return;
  }
  if (target.minus) {
    to.loadVector(spare, startOf(target, disp), mask);
    to.vector("vsubps", spare, spare, register);
  } else to.vector("vaddps", spare, register, startOf(target, disp), { mask });
  to.storeVector(place, spare, mask);
}
