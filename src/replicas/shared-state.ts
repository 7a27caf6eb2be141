// What the replicas of a model share: the weights they agree on, the optimizer's moments, their gradients, a barrier.

import { invariant } from "../base/invariant.ts";
import type { ModelConfig } from "../model/config.ts";
import { parametersOf, type Parameter } from "../model/parameters.ts";
import { sizeOf, type Weights } from "../tensor/tensor.ts";

/** The memory itself, as it travels to other threads. The engine refuses shared memory, so each replica computes on copies. */
export interface SharedMemory {
  readonly members: number;
  /** weights, means, mean squares, then one set of gradients a member; float32, in the order of the parameters */
  readonly numbers: SharedArrayBuffer;
  /** squared norm of each member's part, float64 */
  readonly norms: SharedArrayBuffer;
  /** arrivals at the barrier, and its round */
  readonly barrier: SharedArrayBuffer;
}

export interface SharedState {
  readonly weights: Weights;
  readonly mean: Weights;
  readonly meanSquare: Weights;
  /** by member */
  readonly gradients: readonly Weights[];
  readonly norms: Float64Array;
  /** Blocks until every member has arrived. */
  arrive(): void;
}

const BYTES = 4;
/** A member that never arrives has died; nobody waits for it forever. */
const LONGEST_WAIT_MS = 120_000;

export function newSharedMemory(config: ModelConfig, members: number): SharedMemory {
  const count = parametersOf(config).reduce((total, { shape }) => total + sizeOf(shape), 0);
  return {
    members,
    numbers: new SharedArrayBuffer(count * BYTES * (3 + members)),
    norms: new SharedArrayBuffer(8 * members),
    barrier: new SharedArrayBuffer(8),
  };
}

export function openSharedState(config: ModelConfig, memory: SharedMemory): SharedState {
  let at = 0;
  const next = (): Weights =>
    new Map(
      parametersOf(config).map(({ name, shape }) => {
        const part = new Float32Array(memory.numbers, at * BYTES, sizeOf(shape));
        at += part.length;
        return [name, part];
      }),
    );
  const barrier = new Int32Array(memory.barrier);
  return {
    weights: next(),
    mean: next(),
    meanSquare: next(),
    gradients: Array.from({ length: memory.members }, next),
    norms: new Float64Array(memory.norms),
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
export function shareOut(config: ModelConfig, members: number): readonly (readonly Parameter[])[] {
  const shares = Array.from({ length: members }, () => ({ size: 0, parameters: [] as Parameter[] }));
  const bySize = [...parametersOf(config)].sort((a, b) => sizeOf(b.shape) - sizeOf(a.shape));
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
