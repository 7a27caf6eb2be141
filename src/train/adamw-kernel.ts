// The arithmetic of AdamW over one tensor, two float64 at a time.

import { add, advance, both, div, firstTwo, four, functionOf, lastTwo, load, moduleOf, mul } from "./wasm-code.ts";
import { newMemory, sqrt, store, sub, Variables, whileBelow, type Code, type WasmMemory } from "./wasm-code.ts";

/** The four arrays of one tensor, equally long; all but the gradients are changed. */
export interface AdamwArrays {
  readonly p: Float32Array;
  readonly g: Float32Array;
  readonly m: Float32Array;
  readonly v: Float32Array;
}

export interface AdamwFactors {
  readonly gradientScale: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** lr / (1 - β1^t) */
  readonly meanScale: number;
  /** 1 / √(1 - β2^t) */
  readonly rootScale: number;
  /** 1 - lr·weightDecay */
  readonly keep: number;
}

/** Bytes the code reads and writes at once; arrays in a kernel's memory begin at a multiple and may be overwritten up to one. */
export const VECTOR_BYTES = 16;

/** Elements that arrays of elsewhere are copied in at a time: four times as many bytes stay in the nearest cache but one. */
const STAGED = 4096;

export type AdamwKernel = (arrays: AdamwArrays, factors: AdamwFactors) => void;

/**
 * For every element, in float64, stored as float32:
 *
 *     g = g·gradientScale     m = β1·m + (1-β1)·g     v = β2·v + (1-β2)·g²     p = keep·p - meanScale·m / (√v·rootScale + ε)
 *
 * @param memory  arrays in it are worked on where they are; arrays of elsewhere are copied in and out
 */
export function adamwKernel(memory: WasmMemory | null): AdamwKernel {
  const inPlace = memory === null ? null : addressed(memory);
  const stage = newMemory(4 * STAGED * ARRAYS.length, { shared: false });
  const staged = addressed(stage);
  const [p, g, m, v] = ARRAYS.map((_, i) => new Float32Array(stage.buffer, 4 * STAGED * i, STAGED));
  return (arrays, factors) => {
    const count = arrays.p.length;
    if (inPlace !== null && ARRAYS.every((name) => arrays[name].buffer === memory!.buffer)) {
      inPlace(arrays, count, factors);
      return;
    }
    for (let start = 0; start < count; start += STAGED) {
      const end = Math.min(count, start + STAGED);
      p!.set(arrays.p.subarray(start, end));
      g!.set(arrays.g.subarray(start, end));
      m!.set(arrays.m.subarray(start, end));
      v!.set(arrays.v.subarray(start, end));
      staged({ p: p!, g: g!, m: m!, v: v! }, end - start, factors);
      arrays.p.set(p!.subarray(0, end - start), start);
      arrays.m.set(m!.subarray(0, end - start), start);
      arrays.v.set(v!.subarray(0, end - start), start);
    }
  };
}

const ARRAYS = ["p", "g", "m", "v"] as const;

function addressed(memory: WasmMemory): (arrays: AdamwArrays, count: number, factors: AdamwFactors) => void {
  const run = functionOf(memory.buffer instanceof ArrayBuffer ? MODULE : SHARED_MODULE, memory);
  return ({ p, g, m, v }, count, { gradientScale, beta1, beta2, epsilon, meanScale, rootScale, keep }) => {
    if (count === 0) return;
    const addresses = [p.byteOffset, g.byteOffset, m.byteOffset, v.byteOffset, p.byteOffset + 4 * count];
    run(...addresses, gradientScale, beta1, 1 - beta1, beta2, 1 - beta2, epsilon, meanScale, rootScale, keep);
  };
}

const MODULE = adamwModule({ shared: false });
const SHARED_MODULE = adamwModule({ shared: true });

function adamwModule(memory: { readonly shared: boolean }): Uint8Array<ArrayBuffer> {
  const variables = new Variables();
  const address = (): ReturnType<typeof variables.next> => variables.next("i32");
  const factor = (): Code => both(variables.next("f64").get);
  const [p, g, m, v, end] = [address(), address(), address(), address(), address()];
  const [gradientScale, beta1, rest1, beta2, rest2] = [factor(), factor(), factor(), factor(), factor()];
  const [epsilon, meanScale, rootScale, keep] = [factor(), factor(), factor(), factor()];
  const parameters = variables.types.length;

  const pair = (half: (fourNumbers: Code) => Code): { mean: Code; meanSquare: Code; updated: Code; body: Code } => {
    const [gradient, mean, meanSquare] = [variables.next("v128"), variables.next("v128"), variables.next("v128")];
    const body = [
      ...gradient.set(mul(half(load(g.get)), gradientScale)),
      ...mean.set(add(mul(beta1, half(load(m.get))), mul(rest1, gradient.get))),
      ...meanSquare.set(add(mul(beta2, half(load(v.get))), mul(mul(rest2, gradient.get), gradient.get))),
    ];
    const root = add(mul(sqrt(meanSquare.get), rootScale), epsilon);
    const updated = sub(mul(keep, half(load(p.get))), div(mul(meanScale, mean.get), root));
    return { mean: mean.get, meanSquare: meanSquare.get, updated, body };
  };
  const [low, high] = [pair(firstTwo), pair(lastTwo)];
  const loop = whileBelow(p, end, [
    ...low.body,
    ...high.body,
    ...store(m.get, four(low.mean, high.mean)),
    ...store(v.get, four(low.meanSquare, high.meanSquare)),
    ...store(p.get, four(low.updated, high.updated)),
    ...[p, g, m, v].flatMap((each) => advance(each, VECTOR_BYTES)),
  ]);
  return moduleOf(variables, parameters, loop, memory);
}
