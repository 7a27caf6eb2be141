// Memory that caches leave to those that follow them: a batch that grows or shrinks would allocate it anew each time.

/** Blocks kept at most: a cache and the one it moves to. */
const KEPT = 2;

export class CacheMemory {
  /** the largest first */
  #free: Float32Array[] = [];

  /** So many zeros. */
  take(size: number): Float32Array {
    const at = this.#free.findLastIndex((block) => block.length >= size);
    if (at === -1) return new Float32Array(size);
    const [block] = this.#free.splice(at, 1);
    return block!.subarray(0, size).fill(0);
  }

  /** Gives back what `take` gave; nobody reads or writes it from now on. */
  give(block: Float32Array): void {
    const whole = new Float32Array(block.buffer);
    this.#free = [...this.#free, whole].sort((a, b) => b.length - a.length).slice(0, KEPT);
  }
}
