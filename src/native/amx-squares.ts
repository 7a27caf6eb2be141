// Float32 become the bfloat16 that AMX multiplies: rounded or split into parts, in rows of 32 neighbours of k or in lines of their pairs.

import { at, R10, R11, RCX, type Assembler, type Mask, type Memory, type Vector } from "./assembler.ts";
import { PART_BYTES, ROW_BYTES } from "./amx-layout.ts";
import { INTERLEAVE } from "./gemm-pairs.ts";
import { AMX_TILE, ROWS } from "./gemm-shape.ts";
import { turnTile } from "./transpose-tile.ts";

/** Elements of k in half a row of a tile: a vector of float32. */
export const HALF = AMX_TILE.depth / 2;
/** Registers of what is left of a vector's and its neighbour's numbers, and of their leading parts. */
const [LOW, HIGH, LEADING_LOW, LEADING_HIGH] = [16, 17, 18, 19];
/** Half of the last bit that a bfloat16 has, and the 16 bits that are one: sign, exponent, and the first 8 of 24 bits. */
const HALF_BIT: Memory = { base: 0, literal: [0x8000] };
const LEADING: Memory = { base: 0, literal: [0xffff0000 | 0] };

/** leading := the nearest bfloat16 of each number, as a float32; rest := what is left of it, exactly. */
function emitCut(to: Assembler, rest: Vector, leading: Vector): void {
  to.vector("vpaddd", leading, rest, HALF_BIT, { broadcast: true });
  to.vector("vpandd", leading, leading, LEADING, { broadcast: true });
  to.vector("vsubps", rest, rest, leading);
}

/** Cuts a part off the numbers in LOW and HIGH. */
function emitCutBoth(to: Assembler): void {
  emitCut(to, LOW, LEADING_LOW);
  emitCut(to, HIGH, LEADING_HIGH);
}

/**
 * dst := one part of the numbers in LOW and HIGH as bfloat16, LOW's first. The nearest bfloat16 is cut off for every part but the
 * last, so three parts sum to the number exactly, and what products of small parts leave out leans to neither side; the last takes
 * what is left, and a single one is the number rounded.
 */
export function emitPart(to: Assembler, dst: Vector, isLast: boolean): void {
  if (!isLast) emitCutBoth(to);
  const [low, high] = isLast ? [LOW, HIGH] : [LEADING_LOW, LEADING_HIGH];
  to.vector("vcvtne2ps2bf16", dst, high, low);
}

/** Up to sixteen rows and 32 of k, and where their copy goes. */
interface Square {
  readonly rows: number;
  /** of k, up to 32 */
  readonly length: number;
  /** bytes from one row of memory to the next */
  readonly stride: number;
  /** bytes from r11 on */
  readonly source: number;
  /** bytes from r10 on, and from one line there to the next */
  readonly target: number;
  readonly line: number;
}

/** Loads LOW and HIGH from two places in memory, zeros where there is none. */
export function emitLoad(to: Assembler, low: Memory | null, high: Memory | null, masks: readonly [Mask, Mask]): void {
  if (low === null) to.zeroVector(LOW);
  else to.loadVector(LOW, low, masks[0]);
  if (high === null) to.zeroVector(HIGH);
  else to.loadVector(HIGH, high, masks[1]);
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

/** Loads 32 elements of k at a place into LOW and HIGH, zeros behind `length`. */
export function emitLoadAlong(to: Assembler, { disp = 0, ...place }: Memory, length: number): void {
  const [first, second] = halvesOf(length);
  const high = second === 0 ? null : { ...place, disp: disp + ROW_BYTES };
  emitLoad(to, { ...place, disp }, high, [first < HALF ? FIRST_HALF : 0, second < HALF ? SECOND_HALF : 0]);
}

/** Rows that are contiguous along k, at r11, become lines of pairs at r10: what B needs where it is stored [n, k]. */
export function emitTurnAlong(to: Assembler, parts: number, square: Square): void {
  const { rows, length, stride, source, target, line } = square;
  for (let part = 0; part < parts; part++) {
    for (let row = 0; row < AMX_TILE.side; row++) {
      if (row >= rows) {
        to.zeroVector(row);
        continue;
      }
      emitLoadAlong(to, at(R11, source + row * stride), length);
      for (let i = 0; i < part; i++) emitCutBoth(to);
      emitPart(to, row, part === parts - 1);
    }
    turnTile(to);
    for (let pair = 0; pair < HALF; pair++) to.storeVector(at(R10, target + part * PART_BYTES + pair * line), pair);
  }
}

/** Lines of k that are contiguous across rows, at r11, become rows of pairs at r10: what A needs where it is stored [k, m]. */
export function emitTurnAcross(to: Assembler, parts: number, order: number, square: Square): void {
  const { rows, length, stride, source, target, line } = square;
  const mask = rows < AMX_TILE.side ? ROWS : 0;
  const place = (l: number): Memory | null => (l < length ? at(R11, source + l * stride) : null);
  for (let part = 0; part < parts; part++) {
    to.loadVector(INTERLEAVE, at(RCX, order));
    for (let pair = 0; pair < HALF; pair++) {
      if (2 * pair >= length) {
        to.zeroVector(pair);
        continue;
      }
      emitLoad(to, place(2 * pair), place(2 * pair + 1), [mask, mask]);
      for (let i = 0; i < part; i++) emitCutBoth(to);
      emitPart(to, pair, part === parts - 1);
      to.vector("vpermw", pair, INTERLEAVE, pair);
    }
    turnTile(to);
    for (let row = 0; row < AMX_TILE.side; row++) {
      to.storeVector(at(R10, target + part * PART_BYTES + row * line), row);
    }
  }
}
