// The compiled decoding step of each batch size and cache shape, with the arrays it reads and writes.

import type { Engine, Program } from "../engine/engine.ts";
import { ProgramCache } from "../engine/program-cache.ts";
import { graphOf } from "../graph/check.ts";
import type { ModelConfig } from "../model/config.ts";
import { decodeStep } from "../model/decode-step.ts";
import { ropeTables } from "../model/rope.ts";
import { viewArrays, viewsOf, weightConstants, weightInputs } from "../model/views.ts";
import type { Weights } from "../tensor/tensor.ts";
import type { Row } from "./batch.ts";
import type { RingCache } from "./cache.ts";
import type { SampleRequest } from "./sampler.ts";
import { rungAbove } from "../tensor/ladder.ts";

export interface StepOutputs {
  readonly sampled: Int32Array;
  readonly greedy: Int32Array;
  readonly sampledLogProb: Float32Array;
  readonly greedyLogProb: Float32Array;
  /** [B, V]; fresh only when a row needs its distribution */
  readonly logProbs: Float32Array;
}

/** Whether the whole distribution has to leave the graph: the nucleus is cut on the host, or the caller asks to see it. */
export function needsDistribution({ temperature, topP, distribution = false }: SampleRequest): boolean {
  return distribution || (temperature > 0 && topP < 1);
}

export class StepProgram {
  readonly #program: Program;
  readonly #config: ModelConfig;
  readonly #weights: Record<string, Float32Array>;
  readonly #inputs: {
    readonly ids: Int32Array;
    readonly positions: Int32Array;
    readonly inverseTemperature: Float32Array;
    readonly uniform: Float32Array;
    readonly cos: Float32Array;
    readonly sin: Float32Array;
  };
  readonly #outputs: StepOutputs;
  readonly #newKeys: readonly Float32Array[];
  readonly #newValues: readonly Float32Array[];
  readonly #cacheOutputs: Record<string, Float32Array>;

  constructor(
    program: Program,
    config: ModelConfig,
    weights: Record<string, Float32Array>,
    sequences: number,
    tables: { readonly cos: Float32Array; readonly sin: Float32Array },
  ) {
    this.#program = program;
    this.#config = config;
    this.#weights = weights;
    const width = config.keyValueHeadCount * config.headWidth;
    const perLayer = (): Float32Array[] => config.windows.map(() => new Float32Array(sequences * width));
    this.#newKeys = perLayer();
    this.#newValues = perLayer();
    this.#cacheOutputs = Object.fromEntries([
      ...this.#newKeys.map((data, layer) => [`newKey.${layer}`, data] as const),
      ...this.#newValues.map((data, layer) => [`newValue.${layer}`, data] as const),
    ]);
    this.#inputs = {
      ids: new Int32Array(sequences),
      positions: new Int32Array(sequences),
      inverseTemperature: new Float32Array(sequences),
      uniform: new Float32Array(sequences),
      ...tables,
    };
    this.#outputs = {
      sampled: new Int32Array(sequences),
      greedy: new Int32Array(sequences),
      sampledLogProb: new Float32Array(sequences),
      greedyLogProb: new Float32Array(sequences),
      logProbs: new Float32Array(0),
    };
  }

  /** One step for every row; empty rows compute on a dummy token that nothing reads. */
  async run(rows: readonly (Row | null)[], uniforms: readonly number[], cache: RingCache): Promise<StepOutputs> {
    const { ids, positions, inverseTemperature, uniform } = this.#inputs;
    for (const [index, row] of rows.entries()) {
      ids[index] = row?.nextId ?? 0;
      positions[index] = row?.position ?? 0;
      const temperature = row?.request.temperature ?? 1;
      inverseTemperature[index] = temperature === 0 ? 1 : 1 / temperature;
      uniform[index] = uniforms[index]!;
    }
    const wanted: Record<string, Float32Array | Int32Array> = { ...this.#cacheOutputs };
    const active = rows.filter((row) => row !== null);
    if (active.some(({ request }) => request.temperature === 0)) {
      wanted["greedy"] = this.#outputs.greedy;
      wanted["greedyLogProb"] = this.#outputs.greedyLogProb;
    }
    if (active.some(({ request }) => request.temperature > 0)) {
      wanted["sampled"] = this.#outputs.sampled;
      wanted["sampledLogProb"] = this.#outputs.sampledLogProb;
    }
    const whole = active.some(({ request }) => needsDistribution(request));
    const logProbs = whole ? new Float32Array(ids.length * this.#config.vocabularySize) : this.#outputs.logProbs;
    if (whole) wanted["logProbs"] = logProbs;
    await this.#program.run({ ...this.#inputs, ...cache.arrays, ...this.#weights }, wanted);
    return { ...this.#outputs, logProbs };
  }

  /** Copies the step's new keys and values of one row into the cache. */
  store(cache: RingCache, row: number, position: number): void {
    const from = row * this.#config.keyValueHeadCount * this.#config.headWidth;
    for (const [layer, data] of this.#newKeys.entries()) {
      cache.write(row, layer, position, { data, from }, { data: this.#newValues[layer]!, from });
    }
  }

  dispose(): Promise<void> {
    return this.#program.dispose();
  }
}

/** Weights of more bytes are never compiled in: every program holds them twice, as they are and packed for the product. */
const FIXED_AT_MOST = 2 ** 27;

/** Compiles each shape once. The weights are read in place at every step, or compiled in where they are fixed. */
export class StepPrograms {
  readonly #config: ModelConfig;
  readonly #weights: Record<string, Float32Array>;
  /** held by every program; 0 where the weights are read in place */
  readonly #fixedBytes: number;
  readonly #compiled: ProgramCache<StepProgram>;

  constructor(engine: Engine, config: ModelConfig, weights: Weights, fixedWeights: boolean) {
    this.#compiled = new ProgramCache(engine);
    this.#config = config;
    this.#weights = viewArrays(viewsOf(config), weights);
    const bytes = Object.values(this.#weights).reduce((total, { byteLength }) => total + byteLength, 0);
    this.#fixedBytes = fixedWeights && bytes <= FIXED_AT_MOST ? 2 * bytes : 0;
  }

  /** @param longest  no position reaches it */
  async get(cache: RingCache, longest: number): Promise<StepProgram> {
    const positions = rungAbove(Math.max(256, longest));
    const key = `${cache.sequences} ${cache.slots.join()} ${positions}`;
    return this.#compiled.get(key, () => {
      const shape = { sequences: cache.sequences, slots: cache.slots, positions };
      const views = viewsOf(this.#config);
      const fixed = this.#fixedBytes > 0;
      const nodes = fixed ? weightConstants(views, this.#weights) : weightInputs(views).nodes;
      const graph = graphOf(decodeStep(this.#config, nodes, shape));
      const tables = ropeTables(this.#config, positions);
      const given = fixed ? {} : this.#weights;
      const made = (program: Program): StepProgram =>
        new StepProgram(program, this.#config, given, cache.sequences, tables);
      return { graph, made, heldBytes: this.#fixedBytes };
    });
  }

  dispose(): Promise<void> {
    return this.#compiled.dispose();
  }
}
