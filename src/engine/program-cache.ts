// Compiled programs by shape: the ones in use stay, the longest out of use go when their tensors would take too much memory.

import { bytesOf, type Graph } from "../graph/node.ts";
import type { CompileOptions, Engine, Program } from "./engine.ts";

/** What is compiled when a shape is first met. */
export interface ProgramPlan<Made> {
  readonly graph: Graph;
  /** the program with the arrays it reads and writes */
  made(program: Program): Made;
  readonly options?: CompileOptions;
  /** what the program holds besides the values it computes */
  readonly heldBytes?: number;
}

interface Compiled<Made> {
  readonly made: Made;
  readonly program: Program;
  /** of all values the program computes; the engine, which reuses what is read no more, holds about a third of it */
  readonly bytes: number;
}

/** Enough for the ten usual shapes of a small model; of a large one the two last used stay. */
const BUDGET_BYTES = 2 ** 30;
const ALWAYS_KEPT = 2;

export class ProgramCache<Made> {
  readonly #engine: Engine;
  /** the longest out of use first */
  readonly #compiled = new Map<string, Compiled<Made>>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  async get(key: string, plan: () => ProgramPlan<Made>): Promise<Made> {
    const found = this.#compiled.get(key) ?? (await this.#compile(plan()));
    this.#compiled.delete(key);
    this.#compiled.set(key, found);
    await this.#shrink();
    return found.made;
  }

  async #compile({ graph, options, made, heldBytes = 0 }: ProgramPlan<Made>): Promise<Compiled<Made>> {
    const program = await this.#engine.compile(graph, options);
    return { made: made(program), program, bytes: bytesOf(graph) + heldBytes };
  }

  async #shrink(): Promise<void> {
    let bytes = [...this.#compiled.values()].reduce((total, each) => total + each.bytes, 0);
    for (const [key, each] of [...this.#compiled]) {
      if (bytes <= BUDGET_BYTES || this.#compiled.size <= ALWAYS_KEPT) return;
      this.#compiled.delete(key);
      bytes -= each.bytes;
      await each.program.dispose();
    }
  }

  async dispose(): Promise<void> {
    for (const { program } of this.#compiled.values()) await program.dispose();
    this.#compiled.clear();
  }
}
