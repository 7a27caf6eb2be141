// Batched decoding over ring caches: ragged rows, finished ones refilled, the batch halved as the queue runs dry.

import { SwarrError } from "../base/errors.ts";
import type { Engine } from "../engine/engine.ts";
import type { ModelConfig } from "../model/config.ts";
import type { Weights } from "../tensor/tensor.ts";
import { appendToken, drawUniform, openRow, type Row } from "./batch.ts";
import { CacheMemory } from "./cache-memory.ts";
import { RingCache } from "./cache.ts";
import { drawNucleus } from "./draw.ts";
import { rungAbove } from "../tensor/ladder.ts";
import { Prefill, storePrompt, type Prefilled } from "./prefill.ts";
import {
  isTemperature,
  LEAST_TEMPERATURE,
  MOST_NEW_TOKENS,
  type SampledResponse,
  type SampleOptions,
  type Sampler,
  type SampleRequest,
} from "./sampler.ts";
import { needsDistribution, StepPrograms, type StepProgram } from "./step-program.ts";

export interface SamplerOptions {
  readonly engine: Engine;
  readonly config: ModelConfig;
  /** read at every step: updates between two calls of `sample` count */
  readonly weights: Weights;
  /** promises that the weights stay as they are: compiled into the programs, they make a step about a fifth faster */
  readonly fixedWeights?: boolean;
  /** sequences decoded together at most; default 128 */
  readonly batch?: number;
}

export function createSampler(options: SamplerOptions): Sampler {
  const { engine, config, weights, fixedWeights = false } = options;
  const programs = new StepPrograms(engine, config, weights, fixedWeights);
  const prefill = new Prefill(engine, config, weights);
  const memory = new CacheMemory();
  return {
    sample: (requests, sampleOptions) => {
      for (const [index, request] of requests.entries()) checkRequest(request, index, config);
      return new Decoding(options, programs, prefill, memory, requests, sampleOptions).run();
    },
    dispose: async () => {
      await programs.dispose();
      await prefill.dispose();
    },
  };
}

/** One call of `sample`: the rows of the batch, the queue behind them, and the cache. */
class Decoding {
  readonly #config: ModelConfig;
  readonly #programs: StepPrograms;
  readonly #prefill: Prefill;
  readonly #requests: SampleRequest[];
  readonly #options: SampleOptions;
  readonly #responses: SampledResponse[] = [];
  readonly #batch: number;
  readonly #memory: CacheMemory;
  /** prompts prefilled and still wanted, by their ids */
  readonly #prompts = new Map<string, Prefilled>();
  #next = 0;
  #rows: (Row | null)[];
  #cache: RingCache;
  /** no token of this call stands at this position or beyond */
  #positions: number;

  constructor(
    { config, batch = 128 }: SamplerOptions,
    programs: StepPrograms,
    prefill: Prefill,
    memory: CacheMemory,
    requests: readonly SampleRequest[],
    options: SampleOptions,
  ) {
    this.#config = config;
    this.#programs = programs;
    this.#prefill = prefill;
    this.#requests = [...requests];
    this.#options = options;
    this.#positions = longestOf(requests);
    this.#batch = rungAbove(batch);
    const rows = Math.min(this.#batch, rungAbove(requests.length));
    this.#rows = new Array<Row | null>(rows).fill(null);
    this.#memory = memory;
    this.#cache = new RingCache(config, rows, capacityFor(config, 1), memory);
  }

  async run(): Promise<readonly SampledResponse[]> {
    let tokens = 0;
    for (;;) {
      this.#options.signal?.throwIfAborted();
      this.#join(this.#options.more?.() ?? []);
      await this.#refill();
      const active = this.#rows.filter((row) => row !== null).length;
      if (active === 0) {
        this.#cache.release(this.#memory);
        return this.#responses;
      }
      this.#resize(active);
      const program = await this.#programs.get(this.#cache, this.#tablePositions());
      await this.#step(program);
      tokens += active;
      this.#options.onStep?.(tokens);
    }
  }

  /** Takes requests that came while others were decoded, and widens the batch for them. */
  #join(requests: readonly SampleRequest[]): void {
    if (requests.length === 0) return;
    const known = this.#requests.length;
    for (const [index, request] of requests.entries()) checkRequest(request, known + index, this.#config);
    this.#requests.push(...requests);
    this.#positions = Math.max(this.#positions, longestOf(requests));
    const active = this.#rows.filter((row) => row !== null).length;
    const rows = Math.min(this.#batch, rungAbove(active + this.#requests.length - this.#next));
    if (rows > this.#rows.length) this.#move(rows, this.#cache.capacity);
  }

  /** Gives every empty row the next request, its prompt already in the cache. */
  async #refill(): Promise<void> {
    for (let index = 0; index < this.#rows.length && this.#next < this.#requests.length; index++) {
      if (this.#rows[index] !== null) continue;
      const request = this.#requests[this.#next]!;
      const row = openRow(request, this.#next);
      this.#grow(row.position + 1);
      const prompt = await this.#prefilled(request.promptIds.slice(0, -1));
      if (prompt === null) this.#cache.clear(index);
      else storePrompt(this.#cache, index, prompt, this.#config);
      this.#rows[index] = row;
      this.#next += 1;
    }
  }

  /** The prompt's keys and values; runs it together with the prompts that come next. */
  async #prefilled(ids: readonly number[]): Promise<Prefilled | null> {
    if (ids.length === 0) return null;
    const known = this.#prompts.get(ids.join());
    if (known !== undefined) return known;
    this.#prompts.clear();
    const group = new Map<string, readonly number[]>();
    let longest = 0;
    for (let i = this.#next; i < this.#requests.length; i++) {
      const prompt = this.#requests[i]!.promptIds.slice(0, -1);
      longest = Math.max(longest, prompt.length);
      if (prompt.length === 0 || group.has(prompt.join())) continue;
      if (group.size + 1 > Prefill.rowsFor(longest) && group.size > 0) break;
      group.set(prompt.join(), prompt);
    }
    const done = await this.#prefill.run([...group.values()]);
    for (const [i, key] of [...group.keys()].entries()) this.#prompts.set(key, done[i]!);
    return this.#prompts.get(ids.join())!;
  }

  /** Makes room for positions below `length` where full layers need it. */
  #grow(length: number): void {
    const capacity = capacityFor(this.#config, length);
    if (capacity > this.#cache.capacity) this.#move(this.#rows.length, capacity);
  }

  /** Halves the batch while what is left fits in half of it, and grows the cache to the longest row. */
  #resize(active: number): void {
    let count = this.#rows.length;
    while (this.#next >= this.#requests.length && rungAbove(Math.max(active, 1)) < count) {
      count = rungAbove(Math.max(active, 1));
    }
    const longest = Math.max(...this.#rows.map((row) => (row === null ? 0 : row.position + 1)));
    const capacity = Math.max(this.#cache.capacity, capacityFor(this.#config, longest + 1));
    if (count !== this.#rows.length || capacity !== this.#cache.capacity) this.#move(count, capacity);
  }

  #tablePositions(): number {
    if (this.#positions <= TABLE_AT_ONCE) return this.#positions;
    return Math.max(TABLE_AT_ONCE, ...this.#rows.map((row) => (row === null ? 0 : row.position + 1)));
  }

  #move(count: number, capacity: number): void {
    const cache = new RingCache(this.#config, count, capacity, this.#memory);
    const rows = new Array<Row | null>(count).fill(null);
    let next = 0;
    for (const [from, row] of this.#rows.entries()) {
      if (row === null) continue;
      const to = count === this.#rows.length ? from : next++;
      cache.takeRow(to, this.#cache, from);
      rows[to] = row;
    }
    this.#cache.release(this.#memory);
    this.#cache = cache;
    this.#rows = rows;
  }

  async #step(program: StepProgram): Promise<void> {
    const uniforms = this.#rows.map((row) => (row === null ? 0 : drawUniform(row.stream)));
    const outputs = await program.run(this.#rows, uniforms, this.#cache);
    for (const [index, row] of this.#rows.entries()) {
      if (row === null) continue;
      program.store(this.#cache, index, row.position);
      this.#cache.advance(index, row.position);
      const { temperature, topP, distribution = false } = row.request;
      const width = this.#config.vocabularySize;
      const all = needsDistribution(row.request) ? outputs.logProbs.subarray(index * width, (index + 1) * width) : null;
      let id = temperature === 0 ? outputs.greedy[index]! : outputs.sampled[index]!;
      let logProb = temperature === 0 ? outputs.greedyLogProb[index]! : outputs.sampledLogProb[index]!;
      if (all !== null && temperature > 0 && topP < 1) {
        id = drawNucleus(all, temperature, topP, uniforms[index]!);
        logProb = all[id]!;
      }
      const ended = this.#options.endIds.includes(id);
      const stopped = this.#options.onToken?.(row.index, { id, logProb, logProbs: distribution ? all : null }) ?? false;
      const response = appendToken(row, id, logProb, ended || stopped);
      if (response === null) continue;
      this.#responses[row.index] = response;
      this.#rows[index] = null;
      this.#cache.clear(index);
      this.#options.onFinished?.(row.index, response);
    }
  }
}

/** Prompt and response of the longest request, in tokens. */
function longestOf(requests: readonly SampleRequest[]): number {
  return requests.reduce((most, request) => Math.max(most, request.promptIds.length + request.maxNewTokens), 1);
}

function isTokenCount(count: number): boolean {
  return Number.isSafeInteger(count) && count >= 1 && count <= MOST_NEW_TOKENS;
}

/** Rotary tables are made for all positions that may come, but beyond this many only as far as a sequence has come. */
const TABLE_AT_ONCE = 2 ** 15;

/** Rings of at most this many slots are made whole at once: growing them would cost more sessions than it saves memory. */
const SMALL_RING = 256;

/** The least capacity for `length` tokens; where every layer slides it never grows past the widest ring. */
function capacityFor(config: ModelConfig, length: number): number {
  const rings = config.windows.map((window) => (window === null ? Infinity : window + config.sinkTokens));
  const wanted = rungAbove(Math.max(length, 32));
  return rings.every((ring) => ring <= Math.max(wanted, SMALL_RING)) ? Number.MAX_SAFE_INTEGER : wanted;
}

function checkRequest(request: SampleRequest, index: number, config: ModelConfig): void {
  const bad = request.promptIds.find((id) => !Number.isSafeInteger(id) || id < 0 || id >= config.vocabularySize);
  const fault =
    request.promptIds.length === 0
      ? "has an empty prompt"
      : bad !== undefined
        ? `has the token id ${bad}, outside 0 to ${config.vocabularySize - 1}`
        : !isTokenCount(request.maxNewTokens)
          ? `asks for ${request.maxNewTokens} new tokens`
          : !isTemperature(request.temperature)
            ? `has the temperature ${request.temperature}`
            : !(request.topP > 0 && request.topP <= 1)
              ? `has the top-p ${request.topP}`
              : null;
  if (fault === null) return;
  throw new SwarrError("BAD_ARGUMENT", {
    what: `Request ${index} ${fault}.`,
    expected: `a prompt of known tokens, 1 to ${MOST_NEW_TOKENS} new tokens, a temperature of 0 or from ${LEAST_TEMPERATURE} on, a top-p above 0 and at most 1.`,
    fix: "Correct the request.",
  });
}
