// Compiled programs by shape: the ones in use stay, the longest out of use go when their tensors would take too much memory.

/** What a cache is given to keep. */
export interface Compiled<Made> {
  readonly made: Made;
  /** of all values the program computes; the engine, which reuses what is read no more, holds about a third of it */
  readonly bytes: number;
  dispose(): Promise<void>;
}

/** Enough for the usual shapes of a small model; of a large one the two last used stay. */
const BUDGET_BYTES = 2 ** 29;
const ALWAYS_KEPT = 2;

export class ProgramCache<Made> {
  /** the longest out of use first */
  readonly #compiled = new Map<string, Compiled<Made>>();

  async get(key: string, compile: () => Promise<Compiled<Made>>): Promise<Made> {
    const found = this.#compiled.get(key) ?? (await compile());
    this.#compiled.delete(key);
    this.#compiled.set(key, found);
    await this.#shrink();
    return found.made;
  }

  async #shrink(): Promise<void> {
    let bytes = [...this.#compiled.values()].reduce((total, each) => total + each.bytes, 0);
    for (const [key, each] of [...this.#compiled]) {
      if (bytes <= BUDGET_BYTES || this.#compiled.size <= ALWAYS_KEPT) return;
      this.#compiled.delete(key);
      bytes -= each.bytes;
      await each.dispose();
    }
  }

  async dispose(): Promise<void> {
    for (const each of this.#compiled.values()) await each.dispose();
    this.#compiled.clear();
  }
}
