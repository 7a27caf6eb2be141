// Float32 become the bfloat16 that AMX multiplies: rounded or split into parts, in pairs of numbers half a step of k apart.

import { at, R10, R11, RCX, type Assembler, type Mask, type Memory, type Vector } from "./assembler.ts";
import { PART_BYTES, ROW_BYTES } from "./amx-layout.ts";
import { INTERLEAVE } from "./gemm-pairs.ts";
import { AMX_TILE, ROWS } from "./gemm-shape.ts";
import { turnTile } from "./transpose-tile.ts";

/** Elements of k in half a step, and between the two of a pair: a vector of float32. */
export const HALF = AMX_TILE.depth / 2;
/** Registers of the first numbers of pairs and of the second ones, and of the leading parts of both. */
const [LOW, HIGH, LEADING_LOW, LEADING_HIGH] = [16, 17, 18, 19];
/** Half of the last bit that a bfloat16 has, and the 16 bits that are one: sign, exponent, and the first 8 of 24 bits. */
const HALF_BIT: Memory = { base: 0, literal: [0x8000] };
const LEADING: Memory = { base: 0, literal: [0xffff0000 | 0] };
/** What stands where a register would in the encoding of a shift to the right. */
const SHIFT_RIGHT = 2;

/** How a pair of vectors becomes bfloat16: rounded, or split into three; and where the order that interleaves rounded ones lies behind rcx. */
export interface Pairing {
  readonly parts: number;
  readonly order: number;
}

/** Loads the order that interleaves, where it is needed. */
export function emitOrder(to: Assembler, { parts, order }: Pairing): void {
  if (parts === 1) to.loadVector(INTERLEAVE, at(RCX, order));
}

/** leading := the nearest bfloat16 of each number, as a float32; rest := what is left of it, exactly. */
function emitCut(to: Assembler, rest: Vector, leading: Vector): void {
  to.vector("vpaddd", leading, rest, HALF_BIT, { broadcast: true });
  to.vector("vpandd", leading, leading, LEADING, { broadcast: true });
  to.vector("vsubps", rest, rest, leading);
}

/**
 * Stores the pairs of LOW's numbers and those of `high` as bfloat16 at a place, part after part; overwrites both. The nearest bfloat16
 * is cut off for every part but the last, so three parts sum to the number exactly, and what products of small parts leave out leans
 * to neither side; the last takes what is left, which is a bfloat16, and a single one is the number rounded.
 */
export function emitPairs(
  to: Assembler,
  { parts }: Pairing,
  place: (part: number) => Memory,
  high: Vector = HIGH,
): void {
  if (parts === 1) {
    emitRounded(to, LOW, high);
    to.storeVector(place(0), LOW);
    return;
  }
  for (let part = 0; part < parts - 1; part++) {
    emitCut(to, LOW, LEADING_LOW);
    emitCut(to, high, LEADING_HIGH);
    emitJoined(to, LEADING_LOW, LEADING_HIGH);
    to.storeVector(place(part), LEADING_LOW);
  }
  to.vector("vpandd", high, high, LEADING, { broadcast: true });
  emitJoined(to, LOW, high);
  to.storeVector(place(parts - 1), LOW);
}

/** dst := the pairs of LOW's numbers and those of `high`, rounded. */
function emitRounded(to: Assembler, dst: Vector, high: Vector): void {
  to.vector("vcvtne2ps2bf16", dst, high, LOW);
  to.vector("vpermw", dst, INTERLEAVE, dst);
}

/** low := the leading 16 bits of both, low's in the lower half; high has no others. */
function emitJoined(to: Assembler, low: Vector, high: Vector): void {
  to.vector("vpsrld", SHIFT_RIGHT, low, low, { immediate: 16 });
  to.vector("vpord", low, low, high);
}

/** Loads the pairs' numbers from two places in memory, zeros where there is none. */
export function emitLoad(to: Assembler, low: Memory | null, high: Memory | null, masks: readonly [Mask, Mask]): void {
  emitLoadOr0(to, LOW, low, masks[0]);
  emitLoadOr0(to, HIGH, high, masks[1]);
}

function emitLoadOr0(to: Assembler, register: Vector, place: Memory | null, mask: Mask): void {
  if (place === null) to.zeroVector(register);
  else to.loadVector(register, place, mask);
}

/** Masks of the halves of a row's end. */
const [FIRST_HALF, SECOND_HALF] = [3, 4];

function halvesOf(length: number): readonly [number, number] {
  return [Math.min(HALF, length), Math.max(0, length - HALF)];
}

/** Sets the masks of a row of so many elements of k; overwrites rax. */
export function emitHalves(to: Assembler, length: number): void {
  const [first, second] = halvesOf(length);
  if (first < HALF) to.maskOf(FIRST_HALF, first);
  if (second > 0 && second < HALF) to.maskOf(SECOND_HALF, second);
}

/** The halves of a row of up to 32 elements of k at a place, and the masks of what they have. */
function halvesAt({ disp = 0, ...place }: Memory, length: number): readonly (readonly [Memory | null, Mask])[] {
  const [first, second] = halvesOf(length);
  return [
    [{ ...place, disp }, first < HALF ? FIRST_HALF : 0],
    [second === 0 ? null : { ...place, disp: disp + ROW_BYTES }, second < HALF ? SECOND_HALF : 0],
  ];
}

/** Loads 32 elements of k at a place, zeros behind `length`. */
export function emitLoadAlong(to: Assembler, place: Memory, length: number): void {
  const [[low, first], [high, second]] = halvesAt(place, length) as [[Memory, Mask], [Memory | null, Mask]];
  emitLoad(to, low, high, [first, second]);
}

/** Sixteen rows, or fewer, and 32 of k, or fewer, that lie across the lines of their copy. */
interface Square {
  readonly rows: number;
  readonly length: number;
  /** whether k runs along the lines of memory, or from one to the next */
  readonly along: boolean;
  /** bytes from one line of memory to the next */
  readonly stride: number;
  /** bytes from r11 on */
  readonly source: number;
  /** bytes from r10 on, and from one line there to the next */
  readonly target: number;
  readonly line: number;
  /** where half a square lies meanwhile, in bytes behind rcx */
  readonly turned: number;
}

/**
 * The square at r11 turned and copied to r10: rows become lines of pairs, what B needs where it is stored [n, k], and lines of k
 * become rows of pairs, what A needs where it is stored [k, m]. What is split is turned before, as float32, which takes two turns and
 * not three; what is rounded is turned after, once.
 */
export function emitTurn(to: Assembler, pairing: Pairing, square: Square): void {
  const { rows, length, along, stride, source, target, line, turned } = square;
  const mask = rows < AMX_TILE.side ? ROWS : 0;
  const from = (half: number, i: number): readonly [Memory | null, Mask] => {
    if (along) return i < rows ? halvesAt(at(R11, source + i * stride), length)[half]! : [null, 0];
    const l = half * HALF + i;
    return [l < length ? at(R11, source + l * stride) : null, mask];
  };
  if (pairing.parts === 1) {
    emitOrder(to, pairing);
    for (let i = 0; i < AMX_TILE.side; i++) {
      const [[low, first], [high, second]] = [from(0, i), from(1, i)];
      emitLoad(to, low, high, [first, second]);
      emitRounded(to, i, HIGH);
    }
    turnTile(to);
    for (let i = 0; i < AMX_TILE.side; i++) to.storeVector(at(R10, target + i * line), i);
    return;
  }
  for (const half of [0, 1]) {
    for (let i = 0; i < AMX_TILE.side; i++) emitLoadOr0(to, i, ...from(half, i));
    turnTile(to);
    if (half === 0) for (let i = 0; i < AMX_TILE.side; i++) to.storeVector(at(RCX, turned + i * ROW_BYTES), i);
  }
  for (let i = 0; i < AMX_TILE.side; i++) {
    to.loadVector(LOW, at(RCX, turned + i * ROW_BYTES));
    emitPairs(to, pairing, (part) => at(R10, target + part * PART_BYTES + i * line), i);
  }
}
