// The arithmetic of AdamW over one tensor, a vector of float64 at a time.

import { invariant } from "../base/invariant.ts";
import {
  at,
  JUMP,
  R8,
  R9,
  RCX,
  RDI,
  RDX,
  RSI,
  type Assembler,
  type Gpr,
  type Memory,
  type Vector,
} from "./assembler.ts";
import { addressOf, MachineCode } from "./executable.ts";
import { LINE_BYTES, type InstructionSet } from "./instruction-set.ts";
import { newAssembler } from "./new-assembler.ts";

/** What the formula multiplies by and adds; the table holds them in this order. */
const FACTORS = [
  "gradientScale",
  "beta1",
  "rest1",
  "beta2",
  "rest2",
  "epsilon",
  "meanScale",
  "rootScale",
  "keep",
] as const;
export type AdamwTable = Readonly<Record<(typeof FACTORS)[number], number>>;

/** The table the code is handed: addresses of p, g, m and v, how many times to go round, the factors as float64. */
const ADDRESSES: readonly Gpr[] = [RSI, RDX, RCX, R8];
const ROUNDS = ADDRESSES.length;
const FIRST_FACTOR = ROUNDS + 1;

/**
 * Code that sets, for every element of p, g, m and v, in float64, each operation rounded as it stands:
 *
 *     g = g·gradientScale     m = beta1·m + rest1·g     v = beta2·v + (rest2·g)·g     p = keep·p - (meanScale·m) / (√v·rootScale + epsilon)
 *
 * Only p, m and v are written, and what follows them up to a multiple of LINE_BYTES. All four are float32 of one length, each at such a
 * multiple of its buffer.
 */
export class AdamwCode {
  readonly #code: MachineCode;
  readonly #elements: number;
  readonly #table = new BigUint64Array(FIRST_FACTOR + FACTORS.length);
  readonly #factors = new Float64Array(this.#table.buffer, 8 * FIRST_FACTOR);
  readonly #tableAddress = addressOf(this.#table);

  constructor(set: InstructionSet) {
    const to = newAssembler(set);
    emitAdamw(to);
    this.#elements = set.lanes / 2;
    this.#code = new MachineCode(to.code());
  }

  run(arrays: readonly Float32Array[], factors: AdamwTable): void {
    const [{ length }] = arrays as [Float32Array];
    if (length === 0) return;
    const room = LINE_BYTES * Math.ceil((4 * length) / LINE_BYTES);
    for (const [i, array] of arrays.entries()) {
      invariant(array.length === length, `arrays of ${length} numbers, not one of ${array.length}`);
      invariant(array.byteOffset % LINE_BYTES === 0, `an array begins at a multiple of ${LINE_BYTES} bytes`);
      invariant(
        array.byteOffset + room <= array.buffer.byteLength,
        `an array has its last ${LINE_BYTES} bytes to itself`,
      );
      this.#table[i] = addressOf(array);
    }
    this.#table[ROUNDS] = BigInt(Math.ceil(length / this.#elements));
    for (const [i, name] of FACTORS.entries()) this.#factors[i] = factors[name];
    this.#code.call(this.#tableAddress);
  }
}

function emitAdamw(to: Assembler): void {
  const [p, g, m, v] = ADDRESSES.map((register) => at(register)) as [Memory, Memory, Memory, Memory];
  const [gradient, mean, meanSquare, root, step] = [0, 1, 2, 3, 4];
  const factor = (name: (typeof FACTORS)[number]): Vector => 5 + FACTORS.indexOf(name);
  for (const [i, register] of ADDRESSES.entries()) to.load(register, at(RDI, 8 * i));
  to.load(R9, at(RDI, 8 * ROUNDS));
  for (const [i, name] of FACTORS.entries())
    to.vector("vbroadcastsd", factor(name), 0, at(RDI, 8 * (FIRST_FACTOR + i)));
  to.align(16);
  const again = to.bound();
  to.vector("vcvtps2pd", gradient, 0, g);
  to.vector("vmulpd", gradient, gradient, factor("gradientScale"));
  to.vector("vcvtps2pd", mean, 0, m);
  to.vector("vmulpd", mean, mean, factor("beta1"));
  to.vector("vmulpd", step, gradient, factor("rest1"));
  to.vector("vaddpd", mean, mean, step);
  to.vector("vcvtps2pd", meanSquare, 0, v);
  to.vector("vmulpd", meanSquare, meanSquare, factor("beta2"));
  to.vector("vmulpd", step, gradient, factor("rest2"));
  to.vector("vmulpd", step, step, gradient);
  to.vector("vaddpd", meanSquare, meanSquare, step);
  to.vector("vsqrtpd", root, 0, meanSquare);
  to.vector("vmulpd", root, root, factor("rootScale"));
  to.vector("vaddpd", root, root, factor("epsilon"));
  to.vector("vmulpd", step, mean, factor("meanScale"));
  to.vector("vdivpd", step, step, root);
  to.vector("vcvtps2pd", root, 0, p);
  to.vector("vmulpd", root, root, factor("keep"));
  to.vector("vsubpd", root, root, step);
  for (const [place, value] of [
    [m, mean],
    [v, meanSquare],
    [p, root],
  ] as const) {
    to.vector("vcvtpd2ps", value, 0, value);
    to.storeHalf(place, value);
  }
  for (const register of ADDRESSES) to.addConstant(register, 2 * to.lanes);
  to.addConstant(R9, -1);
  to.jumpIf(JUMP.notZero, again);
  to.leaveVectors();
  to.ret();
}
