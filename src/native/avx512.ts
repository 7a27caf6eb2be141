// The vector instructions of AVX-512, encoded by EVEX: sixteen float32, 32 registers, masks in registers of their own; and the tile registers of AMX beside them, by VEX.

import { invariant } from "../base/invariant.ts";
import {
  Assembler,
  literal,
  RAX,
  type Gpr,
  type Mask,
  type Memory,
  type Vector,
  type VectorOptions,
} from "./assembler.ts";
import { AVX512 } from "./instruction-set.ts";
import { COMMON, IN_AVX512, type VectorCode, type VectorOp } from "./vector-ops.ts";

const CODES: Readonly<Record<string, VectorCode>> = { ...COMMON, ...IN_AVX512 };
/** The mask register of comparisons. */
const COMPARED = 2;

/** A tile register, 0 to 7: 16 rows of 64 bytes as `gemm-amx.ts` lays them out. */
export type Tile = number;

/** How a comparison of `vcmpps` reads: the first operand stands on the left. */
export const COMPARE = { equal: 0, less: 1, notEqual: 4, greater: 0x1e, greaterOrEqual: 0x1d } as const;

export class Avx512Assembler extends Assembler {
  readonly set = AVX512;

  vector(op: VectorOp, dst: Vector, first: Vector, second: Vector | Memory, options: VectorOptions = {}): void {
    const code = CODES[op];
    invariant(code !== undefined, `AVX-512 has no ${op}`);
    this.#evex(code, dst, first, second, options);
  }

  storeVector(to: Memory, from: Vector, mask: Mask = 0): void {
    this.vector("vmovupsStore", from, 0, to, { mask });
  }

  /** Mask register := the low bits of a general register. */
  setMask(mask: Mask, from: Gpr): void {
    this.byte(0xc5, 0xf8, 0x92, 0xc0 | (mask << 3) | from);
    invariant(from < 8, "masks are set from the first eight registers");
  }

  maskOf(mask: Mask, lanes: number): void {
    this.moveConstant(RAX, 2 ** lanes - 1);
    this.setMask(mask, RAX);
  }

  /** General register, one of the first eight, := the 16 bits of a mask register. */
  readMask(to: Gpr, mask: Mask): void {
    invariant(to < 8, "masks are read into the first eight registers");
    this.byte(0xc5, 0xf8, 0x93, 0xc0 | (to << 3) | mask);
  }

  /** mask := lanes where `left` compares with `right`; see COMPARE. */
  compareVectors(mask: Mask, left: Vector, right: Vector | Memory, how: number): void {
    this.#evex({ map: 1, prefix: 0, w: 0, opcode: 0xc2 }, mask, left, right, { immediate: how });
  }

  oneWhereGreater(result: Vector, left: Vector, right: Vector): void {
    this.compareVectors(COMPARED, left, right, COMPARE.greater);
    this.zeroVector(result);
    this.vector("vblendmps", result, result, literal(1), { mask: COMPARED, broadcast: true });
  }

  lanesWhereEqual(to: Gpr, left: Vector, right: Vector): void {
    this.compareVectors(COMPARED, left, right, COMPARE.equal);
    this.readMask(to, COMPARED);
  }

  /** Lays out the tile registers as 64 bytes of memory say; until `releaseTiles` they are this thread's to use. */
  configureTiles(from: Memory): void {
    this.#tileOp({ prefix: 0, opcode: 0x49 }, 0, from);
  }

  releaseTiles(): void {
    this.#tileOp({ prefix: 0, opcode: 0x49 }, 0, 0);
  }

  zeroTile(tile: Tile): void {
    this.#tileOp({ prefix: 3, opcode: 0x49 }, tile, 0);
  }

  /** Rows of 64 bytes; the index register holds the bytes from one to the next. */
  loadTile(tile: Tile, from: Memory): void {
    invariant(from.index !== undefined, "the rows of a tile are an index apart");
    this.#tileOp({ prefix: 3, opcode: 0x4b }, tile, from);
  }

  storeTile(to: Memory, tile: Tile): void {
    invariant(to.index !== undefined, "the rows of a tile are an index apart");
    this.#tileOp({ prefix: 2, opcode: 0x4b }, tile, to);
  }

  /** sum [16, 16] of float32 += left [16, 32] · right, bfloat16 both; a row of `right` holds pairs of neighbours of k. */
  multiplyTiles(sum: Tile, left: Tile, right: Tile): void {
    this.#tileOp({ prefix: 2, opcode: 0x5c }, sum, left, right);
  }

  #tileOp(
    { prefix, opcode }: { prefix: number; opcode: number },
    register: Tile,
    operand: Tile | Memory,
    third = 0,
  ): void {
    const memory = typeof operand === "number" ? undefined : operand;
    const x = (memory?.index ?? 0) >> 3;
    const b = (memory?.base ?? 0) >> 3;
    this.byte(0xc4, 0x82 | ((x ^ 1) << 6) | ((b ^ 1) << 5), ((~third & 15) << 3) | prefix, opcode);
    if (memory === undefined) this.byte(0xc0 | (register << 3) | (operand as Tile));
    else this.operand(register, memory, 1, 0);
  }

  #evex(code: VectorCode, register: number, first: number, operand: number | Memory, options: VectorOptions): void {
    const { mask = 0, zero = false, broadcast = false, immediate } = options;
    const { map, prefix, w, opcode, bytes = 64, length = 2 } = code;
    const memory = typeof operand === "number" ? undefined : operand;
    const x = memory === undefined ? (operand as number) >> 4 : (memory.index ?? 0) >> 3;
    const b = memory === undefined ? ((operand as number) >> 3) & 1 : memory.base >> 3;
    const inverted = (bit: number, shift: number): number => ((bit & 1) ^ 1) << shift;
    this.byte(
      0x62,
      inverted(register >> 3, 7) | inverted(x, 6) | inverted(b, 5) | inverted(register >> 4, 4) | map,
      (w << 7) | ((~first & 15) << 3) | 4 | prefix,
      (zero ? 0x80 : 0) | (length << 5) | (broadcast ? 0x10 : 0) | inverted(first >> 4, 3) | mask,
      opcode,
    );
    if (memory === undefined) this.byte(0xc0 | ((register & 7) << 3) | ((operand as number) & 7));
    else this.operand(register & 7, memory, broadcast ? 4 << w : bytes, immediate === undefined ? 0 : 1);
    if (immediate !== undefined) this.byte(immediate);
  }
}
