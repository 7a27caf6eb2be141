// Memory for values that live for part of a run: the same bytes serve one value after another.

import { invariant } from "../base/invariant.ts";

/** Bytes to which places are aligned: a cache line, and a whole vector. */
const ALIGNMENT = 64;

interface Taken {
  readonly start: number;
  readonly end: number;
}

/** Hands out places of one block, lowest first, before the block exists: all sizes are known while compiling. */
export class Arena {
  /** in order */
  readonly #taken: Taken[] = [];
  #bytes = 0;

  /** the size the block needs to have */
  get bytes(): number {
    return this.#bytes;
  }

  /** @returns the first byte of a place of that size */
  take(bytes: number): number {
    const size = Math.max(ALIGNMENT, Math.ceil(bytes / ALIGNMENT) * ALIGNMENT);
    let start = 0;
    let index = 0;
    for (; index < this.#taken.length; index++) {
      const next = this.#taken[index]!;
      if (next.start - start >= size) break;
      start = next.end;
    }
    this.#taken.splice(index, 0, { start, end: start + size });
    this.#bytes = Math.max(this.#bytes, start + size);
    return start;
  }

  giveBack(start: number): void {
    const index = this.#taken.findIndex((place) => place.start === start);
    invariant(index >= 0, "a place is given back once");
    this.#taken.splice(index, 1);
  }
}
