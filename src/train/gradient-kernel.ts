// Adding up the gradients of several members, with the sum of squares that the norm is made of.

import type { Weights } from "../tensor/tensor.ts";
import { VECTOR_BYTES } from "./adamw-kernel.ts";
import {
  add,
  addFour,
  addNumbers,
  advance,
  clear,
  firstTwo,
  functionOf,
  lastTwo,
  load,
  moduleOf,
} from "./wasm-code.ts";
import { mul, store, sumOfBoth, Variables, whileBelow, type WasmMemory } from "./wasm-code.ts";

export interface GradientKernel {
  /**
   * Adds the others to `total`, in their order, in float32.
   *
   * @returns the sum of the squares of what `total` then holds, in float64
   */
  addUp(total: Float32Array, others: readonly Float32Array[]): number;
  /** Sets every number to zero. */
  clear(tensors: Weights): void;
}

/** @param memory  arrays in it, each at a multiple of `VECTOR_BYTES` and filled up to one with zeros, are worked on by compiled code */
export function gradientKernel(memory: WasmMemory | null): GradientKernel {
  if (memory === null) return PLAIN;
  const shared = !(memory.buffer instanceof ArrayBuffer);
  const sum = functionOf(sumModule({ shared }), memory);
  const squares = functionOf(squaresModule({ shared }), memory);
  const zero = functionOf(clearModule({ shared }), memory);
  const inside = (data: Float32Array): boolean => data.buffer === memory.buffer && data.length > 0;
  return {
    addUp: (total, others) => {
      if (![total, ...others].every(inside)) return PLAIN.addUp(total, others);
      const [start, end] = [total.byteOffset, total.byteOffset + total.byteLength];
      if (others.length === 0) return squares(start, end);
      return others.reduce((_, { byteOffset }) => sum(start, byteOffset, end), 0);
    },
    clear: (tensors) => {
      for (const data of tensors.values()) {
        if (inside(data)) zero(data.byteOffset, data.byteLength);
        else data.fill(0);
      }
    },
  };
}

const PLAIN: GradientKernel = {
  addUp: (total, others) => {
    for (const other of others) for (let i = 0; i < total.length; i++) total[i]! += other[i]!;
    return sumOfSquares(total);
  },
  clear: (tensors) => {
    for (const data of tensors.values()) data.fill(0);
  },
};

/** Four sums side by side, as the compiled code has them. */
function sumOfSquares(data: Float32Array): number {
  let [a, b, c, d] = [0, 0, 0, 0];
  const whole = data.length - (data.length % 4);
  for (let i = 0; i < whole; i += 4) {
    a += data[i]! * data[i]!;
    b += data[i + 1]! * data[i + 1]!;
    c += data[i + 2]! * data[i + 2]!;
    d += data[i + 3]! * data[i + 3]!;
  }
  const [x = 0, y = 0, z = 0] = data.subarray(whole);
  return a + x * x + (b + y * y) + (c + z * z + d);
}

interface Kind {
  readonly shared: boolean;
}

/** (total, other, end of total) -> sum of squares */
function sumModule(kind: Kind): Uint8Array<ArrayBuffer> {
  const variables = new Variables();
  const [total, other, end] = [variables.next("i32"), variables.next("i32"), variables.next("i32")];
  const parameters = variables.types.length;
  const sum = variables.next("v128");
  const { body, result } = squaring(variables, sum.get);
  const loop = whileBelow(total, end, [
    ...sum.set(addFour(load(total.get), load(other.get))),
    ...store(total.get, sum.get),
    ...body,
    ...advance(total, VECTOR_BYTES),
    ...advance(other, VECTOR_BYTES),
  ]);
  return moduleOf(variables, parameters, [...loop, ...result], { ...kind, returns: true });
}

/** (total, end of total) -> sum of squares */
function squaresModule(kind: Kind): Uint8Array<ArrayBuffer> {
  const variables = new Variables();
  const [total, end] = [variables.next("i32"), variables.next("i32")];
  const parameters = variables.types.length;
  const four = variables.next("v128");
  const { body, result } = squaring(variables, four.get);
  const loop = whileBelow(total, end, [...four.set(load(total.get)), ...body, ...advance(total, VECTOR_BYTES)]);
  return moduleOf(variables, parameters, [...loop, ...result], { ...kind, returns: true });
}

/** Adds the squares of four float32 to two pairs of sums. */
function squaring(variables: Variables, four: readonly number[]): { body: number[]; result: readonly number[] } {
  const halves = [firstTwo, lastTwo].map((half) => {
    const [sums, pair] = [variables.next("v128"), variables.next("v128")];
    return {
      sums: sums.get,
      body: [...pair.set(half(four)), ...sums.set(add(sums.get, mul(pair.get, pair.get)))],
    };
  });
  const [low, high] = halves.map(({ sums }) => sumOfBoth(sums));
  return { body: halves.flatMap(({ body }) => body), result: addNumbers(low!, high!) };
}

/** (start, bytes) */
function clearModule(kind: Kind): Uint8Array<ArrayBuffer> {
  const variables = new Variables();
  const [start, bytes] = [variables.next("i32"), variables.next("i32")];
  return moduleOf(variables, 2, clear(start.get, bytes.get), kind);
}
