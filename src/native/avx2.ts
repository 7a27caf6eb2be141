// The vector instructions of AVX2, encoded by VEX: eight float32, sixteen registers, masks as numbers behind the code.

import { invariant } from "../base/invariant.ts";
import { Assembler, literal, type Gpr, type Mask, type Memory, type Vector, type VectorOptions } from "./assembler.ts";
import { AVX2 } from "./instruction-set.ts";
import { COMMON, IN_AVX2, type VectorCode, type VectorOp } from "./vector-ops.ts";

const CODES: Readonly<Record<string, VectorCode>> = { ...COMMON, ...IN_AVX2 };
/** The register that stands in for what AVX-512 does by masks and broadcast operands. */
export const SPARE: Vector = 15;
const [EQUAL, GREATER] = [0, 0x1e];
const MOVE = "vmovups";

export class Avx2Assembler extends Assembler {
  readonly set = AVX2;
  /** how many lanes each mask stands for */
  readonly #lanes = new Map<Mask, number>();

  /** Masks and broadcast operands are put together out of several instructions and SPARE. */
  vector(op: VectorOp, dst: Vector, first: Vector, second: Vector | Memory, options: VectorOptions = {}): void {
    const { mask = 0, zero = false, broadcast = false, immediate } = options;
    invariant(
      first !== SPARE || (mask === 0 && !broadcast),
      `the operands of ${op} are put together in another register`,
    );
    let operand = second;
    if (broadcast) operand = this.#everywhere(second as Memory);
    if (mask === 0) {
      this.plain(op, dst, first, operand, immediate);
      return;
    }
    const lanes = this.#lanesOf(mask);
    if (op === MOVE && zero && typeof operand !== "number") {
      this.#maskedLoad(dst, operand, lanes);
      return;
    }
    if (typeof operand !== "number" && operand.literal === undefined) {
      this.#maskedLoad(SPARE, operand, lanes);
      operand = SPARE;
    }
    if (op !== MOVE) {
      invariant(!op.startsWith("vfm") && !op.startsWith("vfnm"), `AVX2 has no ${op} under a mask`);
      this.plain(op, SPARE, first, operand, immediate);
      operand = SPARE;
    }
    if (zero) this.plain("vpandd", dst, operand as Vector, onFirst(lanes));
    else this.plain("vblendps", dst, dst, operand, 2 ** lanes - 1);
  }

  storeVector(to: Memory, from: Vector, mask: Mask = 0): void {
    if (mask === 0) {
      this.plain("vmovupsStore", from, 0, to);
      return;
    }
    invariant(from !== SPARE, "what is stored under a mask is not in the register of the mask");
    this.plain(MOVE, SPARE, 0, onFirst(this.#lanesOf(mask)));
    this.plain("vmaskmovpsStore", from, SPARE, to);
  }

  maskOf(mask: Mask, lanes: number): void {
    invariant(lanes > 0 && lanes <= AVX2.lanes, `a mask of ${lanes} lanes`);
    this.#lanes.set(mask, lanes);
  }

  oneWhereGreater(result: Vector, left: Vector, right: Vector): void {
    this.plain("vcmpps", result, left, right, GREATER);
    this.vector("vpandd", result, result, literal(1), { broadcast: true });
  }

  lanesWhereEqual(to: Gpr, left: Vector, right: Vector): void {
    invariant(to < 8, "lanes are read into the first eight registers");
    this.plain("vcmpps", SPARE, left, right, EQUAL);
    this.plain("vmovmskps", to, 0, SPARE);
  }

  /** A memory operand that is one element for all lanes, as one that AVX2 can read. */
  #everywhere(operand: Memory): Vector | Memory {
    if (operand.literal !== undefined) return alike(operand.literal[0]!);
    this.plain("vbroadcastss", SPARE, 0, operand);
    return SPARE;
  }

  #lanesOf(mask: Mask): number {
    const lanes = this.#lanes.get(mask);
    invariant(lanes !== undefined, `mask ${mask} is set before it is used`);
    return lanes;
  }

  /** Looks only at memory that the mask lets through, so that nothing behind an array is touched. */
  #maskedLoad(dst: Vector, from: Memory, lanes: number): void {
    this.plain(MOVE, dst, 0, onFirst(lanes));
    this.plain("vmaskmovps", dst, dst, from);
  }

  /** One instruction as it is; a shorter encoding where there is one. */
  plain(op: VectorOp, register: number, first: Vector, operand: Vector | Memory, immediate?: number): void {
    const code = CODES[op];
    invariant(code !== undefined, `AVX2 has no ${op}`);
    const highest = Math.max(register, first, typeof operand === "number" ? operand : 0);
    invariant(highest <= SPARE, `AVX2 has no register ${highest}`);
    const { map, prefix, opcode, length = 1 } = code;
    const memory = typeof operand === "number" ? undefined : operand;
    const x = memory === undefined ? 0 : (memory.index ?? 0) >> 3;
    const b = memory === undefined ? (operand as number) >> 3 : memory.base >> 3;
    const inverted = (bit: number, shift: number): number => ((bit & 1) ^ 1) << shift;
    const rest = ((~first & 15) << 3) | (length << 2) | prefix;
    if (map === 1 && x === 0 && b === 0) this.byte(0xc5, inverted(register >> 3, 7) | rest);
    else this.byte(0xc4, inverted(register >> 3, 7) | inverted(x, 6) | inverted(b, 5) | map, rest);
    this.byte(opcode);
    if (memory === undefined) this.byte(0xc0 | ((register & 7) << 3) | ((operand as number) & 7));
    else this.operand(register & 7, memory, 1, immediate === undefined ? 0 : 1);
    if (immediate !== undefined) this.byte(immediate);
  }
}

/** 32 bits in all lanes. */
function alike(bits: number): Memory {
  return { base: 0, literal: new Array<number>(AVX2.lanes).fill(bits) };
}

/** All bits set in the first lanes, none in the others. */
function onFirst(lanes: number): Memory {
  return { base: 0, literal: Array.from({ length: AVX2.lanes }, (_, lane) => (lane < lanes ? -1 : 0)) };
}
