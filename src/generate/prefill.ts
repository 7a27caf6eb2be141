// The keys and values of prompts, computed for many prompts at once and once for equal ones.

import type { Engine, Program } from "../engine/engine.ts";
import { ProgramCache } from "../engine/program-cache.ts";
import { graphOf } from "../graph/check.ts";
import type { ModelConfig } from "../model/config.ts";
import { SequenceInputs, sequenceModel, type SequenceShape } from "../model/sequence.ts";
import { viewArrays, viewsOf, weightInputs } from "../model/views.ts";
import type { Weights } from "../tensor/tensor.ts";
import type { RingCache } from "./cache.ts";
import { rungAbove } from "../tensor/ladder.ts";

/** Prompt tokens that go through the model together, about. */
const TOKENS_AT_ONCE = 2048;

interface CompiledPrefill {
  readonly program: Program;
  readonly inputs: SequenceInputs;
  /** keys.i and values.i, [rows·T, G·K] */
  readonly outputs: Record<string, Float32Array>;
}

/** A prefilled prompt: where its keys and values are. */
export interface Prefilled {
  /** tokens whose keys and values are known */
  readonly length: number;
  readonly keys: readonly Float32Array[];
  readonly values: readonly Float32Array[];
}

export class Prefill {
  readonly #config: ModelConfig;
  readonly #weights: Record<string, Float32Array>;
  readonly #compiled: ProgramCache<CompiledPrefill>;

  constructor(engine: Engine, config: ModelConfig, weights: Weights) {
    this.#compiled = new ProgramCache(engine);
    this.#config = config;
    this.#weights = viewArrays(viewsOf(config), weights);
  }

  /** How many prompts of at most `tokens` tokens are best run together. */
  static rowsFor(tokens: number): number {
    return Math.max(1, Math.floor(TOKENS_AT_ONCE / rungAbove(tokens)));
  }

  /** @param prompts  each of at least one token; at most `rowsFor(longest)` of them */
  async run(prompts: readonly (readonly number[])[]): Promise<readonly Prefilled[]> {
    const tokens = rungAbove(Math.max(8, ...prompts.map((ids) => ids.length)));
    const rows = rungAbove(prompts.length);
    const { program, inputs, outputs } = await this.#program({ rows, tokens });
    const batch = {
      ids: new Int32Array(rows * tokens),
      positions: Int32Array.from({ length: rows * tokens }, (_, i) => i % tokens),
      segmentStart: new Int32Array(rows * tokens),
      targets: new Int32Array(rows * tokens),
    };
    for (const [row, ids] of prompts.entries()) batch.ids.set(ids, row * tokens);
    inputs.fill(batch);
    await program.run({ ...inputs.arrays, ...this.#weights }, outputs);
    const width = this.#config.keyValueHeadCount * this.#config.headWidth;
    return prompts.map((ids, row) => {
      const part = (name: string) => (_: unknown, layer: number) =>
        outputs[`${name}.${layer}`]!.slice(row * tokens * width, (row * tokens + ids.length) * width);
      return {
        length: ids.length,
        keys: this.#config.windows.map(part("keys")),
        values: this.#config.windows.map(part("values")),
      };
    });
  }

  #program(shape: SequenceShape): Promise<CompiledPrefill> {
    return this.#compiled.get(`${shape.rows}x${shape.tokens}`, () => {
      const config = this.#config;
      const { keys, values } = sequenceModel(config, weightInputs(viewsOf(config)).nodes, shape);
      const nodes = Object.fromEntries([
        ...keys.map((node, layer) => [`keys.${layer}`, node] as const),
        ...values.map((node, layer) => [`values.${layer}`, node] as const),
      ]);
      const size = shape.rows * shape.tokens * config.keyValueHeadCount * config.headWidth;
      const inputs = new SequenceInputs(config, shape);
      const outputs = Object.fromEntries(Object.keys(nodes).map((name) => [name, new Float32Array(size)]));
      return { graph: graphOf(nodes), made: (program) => ({ program, inputs, outputs }) };
    });
  }

  dispose(): Promise<void> {
    return this.#compiled.dispose();
  }
}

/** Puts a prefilled prompt into an empty row; what no layer can see any more is left out. */
export function storePrompt(cache: RingCache, row: number, prompt: Prefilled, config: ModelConfig): void {
  const width = config.keyValueHeadCount * config.headWidth;
  cache.clear(row);
  for (let position = 0; position < prompt.length; position++) {
    for (let layer = 0; layer < config.layerCount; layer++) {
      const entry = (data: Float32Array): { data: Float32Array; from: number } => ({ data, from: position * width });
      cache.write(row, layer, position, entry(prompt.keys[layer]!), entry(prompt.values[layer]!));
    }
    cache.advance(row, position);
  }
}
