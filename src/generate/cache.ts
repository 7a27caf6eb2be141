// The keys and values of the tokens each sequence can still see: a ring of W slots a windowed layer, all positions a full one.

import { invariant } from "../base/invariant.ts";
import { HIDDEN } from "../model/attention.ts";
import type { LayerWindow, ModelConfig } from "../model/config.ts";
import { CacheMemory } from "./cache-memory.ts";
import type { TensorData } from "../tensor/tensor.ts";

/**
 * Slots of every layer for sequences of up to `capacity` tokens. A ring of W slots holds the W positions before the query;
 * the oldest of them is just past the window and stays hidden until it is overwritten.
 */
export function cacheSlots(config: ModelConfig, capacity: number): readonly number[] {
  return config.windows.map((window) => (window === null ? capacity : Math.min(capacity, window + config.sinkTokens)));
}

/** One layer's keys or values at one position, [G·K] at `from` of `data`. */
export interface CacheEntry {
  readonly data: Float32Array;
  readonly from: number;
}

export class RingCache {
  readonly sequences: number;
  /** tokens a sequence may have */
  readonly capacity: number;
  readonly slots: readonly number[];
  /** graph inputs by name: keys.i, values.i [B, G, slots, K], slots.N [B, N] */
  readonly arrays: Record<string, TensorData>;
  readonly #keys: Float32Array[];
  readonly #values: Float32Array[];
  readonly #masks: Map<number, Float32Array>;
  readonly #windows: readonly LayerWindow[];
  readonly #sinks: number;
  readonly #heads: number;
  readonly #headWidth: number;
  /** all keys and values */
  readonly #block: Float32Array;

  /** @param memory  to take the keys and values from; see `release` */
  constructor(config: ModelConfig, sequences: number, capacity: number, memory = new CacheMemory()) {
    const { keyValueHeadCount: G, headWidth: K } = config;
    this.sequences = sequences;
    this.capacity = capacity;
    this.slots = cacheSlots(config, capacity);
    this.#windows = config.windows;
    this.#sinks = config.sinkTokens;
    this.#heads = G;
    this.#headWidth = K;
    const sizes = this.slots.map((count) => sequences * G * count * K);
    this.#block = memory.take(2 * sizes.reduce((total, size) => total + size, 0));
    let at = 0;
    const part = (size: number): Float32Array => this.#block.subarray(at, (at += size));
    this.#keys = sizes.map(part);
    this.#values = sizes.map(part);
    this.#masks = new Map(this.slots.map((count) => [count, new Float32Array(sequences * count).fill(HIDDEN)]));
    this.arrays = {
      ...Object.fromEntries(this.#keys.map((data, layer) => [`keys.${layer}`, data])),
      ...Object.fromEntries(this.#values.map((data, layer) => [`values.${layer}`, data])),
      ...Object.fromEntries([...this.#masks].map(([count, data]) => [`slots.${count}`, data])),
    };
  }

  /** Gives the memory back; this cache is not used any more. */
  release(memory: CacheMemory): void {
    memory.give(this.#block);
  }

  /** Forgets a sequence: its row is empty again. */
  clear(row: number): void {
    for (const [count, mask] of this.#masks) mask.fill(HIDDEN, row * count, (row + 1) * count);
  }

  /** The slot a position lives in: sinks first, then the ring. */
  #slotOf(layer: number, position: number): number {
    const count = this.slots[layer]!;
    const window = this.#windows[layer] ?? null;
    if (window === null || count < window + this.#sinks || position < this.#sinks) return position;
    return this.#sinks + ((position - this.#sinks) % window);
  }

  /** Stores one layer's key and value of the token at `position`. */
  write(row: number, layer: number, position: number, key: CacheEntry, value: CacheEntry): void {
    const [G, K, count] = [this.#heads, this.#headWidth, this.slots[layer]!];
    const slot = this.#slotOf(layer, position);
    const keys = this.#keys[layer]!;
    const values = this.#values[layer]!;
    for (let head = 0; head < G; head++) {
      const to = ((row * G + head) * count + slot) * K;
      const fromKey = key.from + head * K;
      const fromValue = value.from + head * K;
      for (let i = 0; i < K; i++) {
        keys[to + i] = key.data[fromKey + i]!;
        values[to + i] = value.data[fromValue + i]!;
      }
    }
  }

  /** Shows a row's next query, at `position + 1`, the token at `position`, and hides what has just left the window. */
  advance(row: number, position: number): void {
    invariant(position < this.capacity, `position ${position} lies within the capacity ${this.capacity}`);
    const done = new Set<number>();
    for (const [layer, count] of this.slots.entries()) {
      if (done.has(count)) continue;
      done.add(count);
      const mask = this.#masks.get(count)!;
      mask[row * count + this.#slotOf(layer, position)] = 0;
      const next = this.#slotOf(layer, position + 1);
      if (next < count) mask[row * count + next] = HIDDEN;
    }
  }

  /** Takes over row `from` of another cache of the same model and at most this capacity. */
  takeRow(row: number, other: RingCache, from: number): void {
    const [G, K] = [this.#heads, this.#headWidth];
    for (const [layer, count] of this.slots.entries()) {
      const their = other.slots[layer]!;
      const kept = Math.min(count, their);
      for (let head = 0; head < G; head++) {
        const to = (row * G + head) * count * K;
        const start = (from * G + head) * their * K;
        this.#keys[layer]!.set(other.#keys[layer]!.subarray(start, start + kept * K), to);
        this.#values[layer]!.set(other.#values[layer]!.subarray(start, start + kept * K), to);
      }
      const mask = this.#masks.get(count)!;
      mask.fill(HIDDEN, row * count, (row + 1) * count);
      mask.set(other.#masks.get(their)!.subarray(from * their, from * their + kept), row * count);
    }
  }
}
