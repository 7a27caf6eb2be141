// What the replicas of a model share: the numbers they train and agree on, the optimizer's moments, their gradients, a barrier.

import { invariant } from "../base/invariant.ts";
import type { TrainedParameter } from "../model/parameters.ts";
import { LINE_BYTES } from "../native/instruction-set.ts";
import { sizeOf, type Shape, type Weights } from "../tensor/tensor.ts";
import { adamwKernel, type AdamwKernel } from "../train/adamw-kernel.ts";
import { gradientKernel, type GradientKernel } from "../train/gradient-kernel.ts";
import { newMemory, type WasmMemory } from "../train/wasm-code.ts";

/** The memory itself, as it travels to other threads. */
export interface SharedMemory {
  readonly members: number;
  /**
   * What is trained, means, mean squares, then one set of gradients a member; float32, in the order of the parameters.
   * Where WebAssembly can reach it, which is below 4 GiB, its code computes in this memory itself; machine code does so everywhere.
   */
  readonly numbers: WasmMemory | SharedArrayBuffer;
  /** squared norm of each member's part, float64 */
  readonly norms: SharedArrayBuffer;
  /** arrivals at the barrier, and its round */
  readonly barrier: SharedArrayBuffer;
}

export interface SharedState {
  /** what the update moves: the weights, or an adapter */
  readonly trained: Weights;
  readonly mean: Weights;
  readonly meanSquare: Weights;
  /** by member */
  readonly gradients: readonly Weights[];
  readonly norms: Float64Array;
  /** the update's arithmetic over these arrays */
  readonly adamw: AdamwKernel;
  /** adding up and forgetting, the same */
  readonly kernel: GradientKernel;
  /** Blocks until every member has arrived. */
  arrive(): void;
}

/** From here on 32 bits cannot address the end of the memory. */
const BEYOND_WASM = 2 ** 32;
/** A member that never arrives has died; nobody waits for it forever. */
const LONGEST_WAIT_MS = 120_000;

/** @param parameters  those that are trained */
export function newSharedMemory(parameters: readonly TrainedParameter[], members: number): SharedMemory {
  const bytes = setBytes(parameters) * (3 + members);
  return {
    members,
    numbers: bytes < BEYOND_WASM ? newMemory(bytes, { shared: true }) : new SharedArrayBuffer(bytes),
    norms: new SharedArrayBuffer(8 * members),
    barrier: new SharedArrayBuffer(8),
  };
}

/** One set of the parameters in memory of this thread alone, all zero. */
export function newNumbers(parameters: readonly TrainedParameter[]): Weights {
  return new Map(parameters.map(({ name, shape }) => [name, new Float32Array(sizeOf(shape))]));
}

/** Memory for one set of the parameters. */
export function sharedNumbers(parameters: readonly TrainedParameter[]): SharedArrayBuffer {
  return new SharedArrayBuffer(setBytes(parameters));
}

/** Bytes of the memory at whose multiples tensors begin, so that kernels may write whole vectors of them. */
const TENSOR_ALIGNMENT = LINE_BYTES;

/** Of one set. */
function setBytes(parameters: readonly TrainedParameter[]): number {
  return parameters.reduce((total, { shape }) => total + tensorBytes(shape), 0);
}

function tensorBytes(shape: Shape): number {
  return Math.ceil((4 * sizeOf(shape)) / TENSOR_ALIGNMENT) * TENSOR_ALIGNMENT;
}

/** The first set of the parameters that starts at `byte`. */
export function openNumbers(
  parameters: readonly TrainedParameter[],
  numbers: ArrayBuffer | SharedArrayBuffer,
  byte = 0,
): Weights {
  let at = byte;
  return new Map(
    parameters.map(({ name, shape }) => {
      const part = new Float32Array(numbers, at, sizeOf(shape));
      at += tensorBytes(shape);
      return [name, part];
    }),
  );
}

/** @param adamw  the update's arithmetic; compiled WebAssembly where there is nothing better */
export function openSharedState(
  parameters: readonly TrainedParameter[],
  memory: SharedMemory,
  adamw: AdamwKernel | null = null,
): SharedState {
  const wasm = memory.numbers instanceof SharedArrayBuffer ? null : memory.numbers;
  const numbers = memory.numbers instanceof SharedArrayBuffer ? memory.numbers : memory.numbers.buffer;
  let sets = 0;
  const next = (): Weights => openNumbers(parameters, numbers, setBytes(parameters) * sets++);
  const barrier = new Int32Array(memory.barrier);
  return {
    trained: next(),
    mean: next(),
    meanSquare: next(),
    gradients: Array.from({ length: memory.members }, next),
    norms: new Float64Array(memory.norms),
    adamw: adamw ?? adamwKernel(wasm),
    kernel: gradientKernel(wasm),
    arrive: () => arriveAt(barrier, memory.members),
  };
}

function arriveAt(barrier: Int32Array, members: number): void {
  const round = Atomics.load(barrier, 1);
  if (Atomics.add(barrier, 0, 1) === members - 1) {
    Atomics.store(barrier, 0, 0);
    Atomics.add(barrier, 1, 1);
    Atomics.notify(barrier, 1);
    return;
  }
  while (Atomics.load(barrier, 1) === round) {
    const waited = Atomics.wait(barrier, 1, round, LONGEST_WAIT_MS);
    invariant(waited !== "timed-out", `every one of ${members} replicas arrives within ${LONGEST_WAIT_MS / 1000} s`);
  }
}

/** Which parameters each member updates: the largest first, each to the member with the least so far. */
export function shareOut(
  parameters: readonly TrainedParameter[],
  members: number,
): readonly (readonly TrainedParameter[])[] {
  const shares = Array.from({ length: members }, () => ({ size: 0, parameters: [] as TrainedParameter[] }));
  const bySize = [...parameters].sort((a, b) => sizeOf(b.shape) - sizeOf(a.shape));
  for (const parameter of bySize) {
    const least = shares.reduce((best, share) => (share.size < best.size ? share : best));
    least.size += sizeOf(parameter.shape);
    least.parameters.push(parameter);
  }
  return shares.map(({ parameters }) => parameters);
}

/** Copies every tensor of `from` into `to`. */
export function copyWeights(to: Weights, from: Weights): void {
  for (const [name, data] of to) {
    const source = from.get(name);
    invariant(source?.length === data.length, `both sides have "${name}" with ${data.length} numbers`);
    data.set(source);
  }
}
