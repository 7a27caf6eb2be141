// Machine code of x86-64: general instructions as bytes, and what every set of vector instructions offers kernels.

import { invariant } from "../base/invariant.ts";
import type { InstructionSet } from "./instruction-set.ts";
import type { VectorOp } from "./vector-ops.ts";

/** A general register by its number in the encoding. */
export type Gpr = number;
export const RAX = 0;
export const RCX = 1;
export const RDX = 2;
export const RBX = 3;
export const RSP = 4;
export const RBP = 5;
export const RSI = 6;
export const RDI = 7;
export const R8 = 8;
export const R9 = 9;
export const R10 = 10;
export const R11 = 11;
export const R12 = 12;
export const R13 = 13;
export const R14 = 14;
export const R15 = 15;

/** A vector register, by number; see InstructionSet for how many there are and what one holds. */
export type Vector = number;
/** A mask register, 1 to 7; 0 stands for no mask. */
export type Mask = number;

/** A place in memory: base + index·scale + disp, in bytes; or a float32 that stands behind the code. */
export interface Memory {
  readonly base: Gpr;
  readonly index?: Gpr;
  readonly scale?: 1 | 2 | 4 | 8;
  readonly disp?: number;
  /** numbers behind the code, 32 bits each; base is 0 then, and says nothing */
  readonly literal?: readonly number[];
}

/** A float32 that stands behind the code, to be read by all lanes (`broadcast`) or one. */
export function literal(value: number): Memory {
  return { base: 0, literal: [new Uint32Array(Float32Array.of(value).buffer)[0]!] };
}

export function at(base: Gpr, disp = 0): Memory {
  return { base, disp };
}

export function indexed(base: Gpr, index: Gpr, scale: 1 | 2 | 4 | 8, disp = 0): Memory {
  return { base, index, scale, disp };
}

/** A place in the code that jumps may name before it is known. */
export interface Label {
  position: number;
  readonly uses: number[];
}

export interface VectorOptions {
  readonly mask?: Mask;
  /** lanes outside the mask become 0 instead of staying as they are */
  readonly zero?: boolean;
  /** the memory operand is one element for all lanes */
  readonly broadcast?: boolean;
  readonly immediate?: number;
}

/** Conditions of jumps, by their opcodes. */
export const JUMP = { less: 0x8c, notZero: 0x85, zero: 0x84, greaterOrEqual: 0x8d, below: 0x82, aboveOrEqual: 0x83 };

/** Numbers behind the code, and where they are read: the displacement's place, and the bytes of the instruction after it. */
interface Literal {
  readonly words: readonly number[];
  readonly uses: { readonly use: number; readonly after: number }[];
}

export abstract class Assembler {
  abstract readonly set: InstructionSet;
  #bytes = new Uint8Array(1 << 14);
  #size = 0;
  /** numbers behind the code, by their bits */
  readonly #literals = new Map<string, Literal>();

  /** float32 of a vector register */
  get lanes(): number {
    return this.set.lanes;
  }

  get size(): number {
    return this.#size;
  }

  /** The finished code, its numbers behind it; every label that was used must be bound by now. */
  code(): Uint8Array {
    for (const { words, uses } of [...this.#literals.values()].sort((a, b) => b.words.length - a.words.length)) {
      this.align(4 * words.length);
      for (const { use, after } of uses) this.#patch(use, this.#size - after);
      for (const word of words) this.int32(word);
    }
    this.align(4);
    this.#literals.clear();
    return this.#bytes.slice(0, this.#size);
  }

  byte(...values: readonly number[]): void {
    if (this.#size + values.length > this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#bytes.length);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    for (const value of values) this.#bytes[this.#size++] = value & 0xff;
  }

  int32(value: number): void {
    this.byte(value, value >> 8, value >> 16, value >> 24);
  }

  align(to: number): void {
    while (this.#size % to !== 0) this.byte(0x90);
  }

  // Places and jumps.

  label(): Label {
    return { position: -1, uses: [] };
  }

  bind(label: Label): void {
    invariant(label.position < 0, "a label is bound once");
    label.position = this.#size;
    for (const use of label.uses) this.#patch(use, this.#size);
  }

  bound(): Label {
    return { position: this.#size, uses: [] };
  }

  jump(to: Label): void {
    this.byte(0xe9);
    this.#relative(to);
  }

  jumpIf(condition: number, to: Label): void {
    this.byte(0x0f, condition);
    this.#relative(to);
  }

  call(to: Label): void {
    this.byte(0xe8);
    this.#relative(to);
  }

  /** rip-relative address of a label */
  addressOf(to: Gpr, label: Label): void {
    this.byte(0x48 | ((to >> 3) << 2), 0x8d, ((to & 7) << 3) | 5);
    this.#relative(label);
  }

  #relative(label: Label): void {
    const use = this.#size;
    this.int32(0);
    if (label.position >= 0) this.#patch(use, label.position);
    else label.uses.push(use);
  }

  #patch(use: number, target: number): void {
    const distance = target - (use + 4);
    for (let i = 0; i < 4; i++) this.#bytes[use + i] = distance >> (8 * i);
  }

  // General registers, 64 bits.

  ret(): void {
    this.byte(0xc3);
  }

  push(register: Gpr): void {
    if (register >= 8) this.byte(0x41);
    this.byte(0x50 | (register & 7));
  }

  pop(register: Gpr): void {
    if (register >= 8) this.byte(0x41);
    this.byte(0x58 | (register & 7));
  }

  move(to: Gpr, from: Gpr): void {
    this.byte(0x48 | ((from >> 3) << 2) | (to >> 3), 0x89, 0xc0 | ((from & 7) << 3) | (to & 7));
  }

  /** A constant of up to 53 bits. */
  moveConstant(to: Gpr, value: number): void {
    if (value >= 0 && value < 2 ** 31) {
      if (to >= 8) this.byte(0x41);
      this.byte(0xb8 | (to & 7));
      this.int32(value);
      return;
    }
    this.byte(0x48 | (to >> 3), 0xb8 | (to & 7));
    const wide = BigInt.asUintN(64, BigInt(value));
    this.int32(Number(wide & 0xffffffffn) | 0);
    this.int32(Number(wide >> 32n) | 0);
  }

  load(to: Gpr, from: Memory): void {
    this.#general(0x8b, to, from, 1);
  }

  store(to: Memory, from: Gpr): void {
    this.#general(0x89, from, to, 1);
  }

  /** 32 bits from memory, sign-extended to 64. */
  loadInt32(to: Gpr, from: Memory): void {
    this.#general(0x63, to, from, 1);
  }

  storeInt32(to: Memory, from: Gpr): void {
    this.#general(0x89, from, to, 0);
  }

  loadAddress(to: Gpr, from: Memory): void {
    this.#general(0x8d, to, from, 1);
  }

  /** Asks for a place's line in the first or second cache; any address is allowed. */
  prefetch(from: Memory, cache: 1 | 2): void {
    const rex = 0x40 | (((from.index ?? 0) >> 3) << 1) | (from.base >> 3);
    if (rex !== 0x40) this.byte(rex);
    this.byte(0x0f, 0x18);
    this.operand(cache, from, 1, 0);
  }

  add(to: Gpr, from: Gpr): void {
    this.byte(0x48 | ((from >> 3) << 2) | (to >> 3), 0x01, 0xc0 | ((from & 7) << 3) | (to & 7));
  }

  sub(to: Gpr, from: Gpr): void {
    this.byte(0x48 | ((from >> 3) << 2) | (to >> 3), 0x29, 0xc0 | ((from & 7) << 3) | (to & 7));
  }

  addConstant(to: Gpr, value: number): void {
    if (value !== 0) this.#arithmetic(0, to, value);
  }

  compareConstant(register: Gpr, value: number): void {
    this.#arithmetic(7, register, value);
  }

  compare(left: Gpr, right: Gpr): void {
    this.byte(0x48 | ((right >> 3) << 2) | (left >> 3), 0x39, 0xc0 | ((right & 7) << 3) | (left & 7));
  }

  /** register := register·value */
  multiplyConstant(register: Gpr, value: number): void {
    this.byte(0x48 | ((register >> 3) << 2) | (register >> 3), 0x69, 0xc0 | ((register & 7) << 3) | (register & 7));
    this.int32(value);
  }

  #arithmetic(operation: number, register: Gpr, value: number): void {
    invariant(Number.isInteger(value) && Math.abs(value) < 2 ** 31, `${value} fits an instruction`);
    const short = value >= -128 && value < 128;
    this.byte(0x48 | (register >> 3), short ? 0x83 : 0x81, 0xc0 | (operation << 3) | (register & 7));
    if (short) this.byte(value);
    else this.int32(value);
  }

  #general(opcode: number, register: Gpr, memory: Memory, w: 0 | 1): void {
    const rex = 0x40 | (w << 3) | ((register >> 3) << 2) | (((memory.index ?? 0) >> 3) << 1) | (memory.base >> 3);
    if (rex !== 0x40) this.byte(rex);
    this.byte(opcode);
    this.operand(register & 7, memory, 1, 0);
  }

  /** The bytes that name a place in memory; short displacements count in steps of `unit` bytes; `after` bytes follow. */
  protected operand(register: number, memory: Memory, unit: number, after: number): void {
    const { base, index, scale = 1, disp = 0, literal: words } = memory;
    if (words !== undefined) {
      this.byte((register << 3) | 5);
      const known = this.#literals.get(words.join(" ")) ?? { words, uses: [] };
      known.uses.push({ use: this.#size, after });
      this.#literals.set(words.join(" "), known);
      this.int32(0);
      return;
    }
    invariant(Number.isInteger(disp) && Math.abs(disp) < 2 ** 31, `a displacement of ${disp} fits an instruction`);
    const steps = disp / unit;
    const short = Number.isInteger(steps) && steps >= -128 && steps < 128;
    const mode = disp === 0 && (base & 7) !== RBP ? 0 : short ? 1 : 2;
    if (index === undefined && (base & 7) !== RSP) this.byte((mode << 6) | (register << 3) | (base & 7));
    else {
      invariant(index !== RSP, "the stack pointer is no index");
      this.byte((mode << 6) | (register << 3) | 4);
      this.byte((Math.log2(scale) << 6) | (((index ?? 4) & 7) << 3) | (base & 7));
    }
    if (mode === 1) this.byte(steps);
    if (mode === 2) this.int32(disp);
  }

  /** register, one of the first eight, := the position of its lowest bit that is 1; there must be one. */
  lowestBit(register: Gpr): void {
    invariant(register < 8, "bits are sought in the first eight registers");
    this.byte(0x0f, 0xbc, 0xc0 | (register << 3) | register);
  }

  // Vectors.

  /** Leaves the vector registers as code without vectors wants to find them: the upper parts zero. */
  leaveVectors(): void {
    this.byte(0xc5, 0xf8, 0x77);
  }

  /** dst := op(first, second); `first` is 0 where the instruction has only one source. */
  abstract vector(op: VectorOp, dst: Vector, first: Vector, second: Vector | Memory, options?: VectorOptions): void;

  /** From here on a mask stands for the first `lanes` lanes; may overwrite rax. */
  abstract maskOf(mask: Mask, lanes: number): void;

  /** result := 1 in lanes where `left` is greater than `right`, else 0; both sources stay. */
  abstract oneWhereGreater(result: Vector, left: Vector, right: Vector): void;

  /** General register, one of the first eight, := a bit for every lane, set where both are equal. */
  abstract lanesWhereEqual(to: Gpr, left: Vector, right: Vector): void;

  /** Lanes outside the mask become 0. */
  loadVector(dst: Vector, from: Memory, mask: Mask = 0): void {
    this.vector("vmovups", dst, 0, from, { mask, zero: mask !== 0 });
  }

  abstract storeVector(to: Memory, from: Vector, mask?: Mask): void;

  /** Stores the first half of a vector. */
  storeHalf(to: Memory, from: Vector): void {
    this.vector("vmovupsHalfStore", from, 0, to);
  }

  copyVector(dst: Vector, from: Vector): void {
    this.vector("vmovups", dst, 0, from);
  }

  broadcast(dst: Vector, from: Memory): void {
    this.vector("vbroadcastss", dst, 0, from);
  }

  /** All lanes := the first lane of `from`. */
  broadcastLane(dst: Vector, from: Vector): void {
    this.vector("vbroadcastss", dst, 0, from);
  }

  zeroVector(dst: Vector): void {
    this.vector("vpxord", dst, dst, dst);
  }

  loadScalar(dst: Vector, from: Memory): void {
    this.vector("vmovss", dst, 0, from);
  }

  storeScalar(to: Memory, from: Vector): void {
    this.vector("vmovssStore", from, 0, to);
  }
}
