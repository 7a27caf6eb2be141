// What a token costs at a given context length, training and decoding, windowed and full.

import { createEngine } from "../engine/create-engine.ts";
import { openRow } from "../generate/batch.ts";
import { RingCache } from "../generate/cache.ts";
import { StepPrograms } from "../generate/step-program.ts";
import { initialWeights } from "../model/parameters.ts";
import { benchShape } from "./configs.ts";
import { median, timed } from "./median.ts";
import { openTrainBench } from "./train-speed.ts";

export interface ContextCell {
  readonly mode: "train" | "decode";
  readonly attention: "windowed" | "full";
  /** at least 1,024 */
  readonly tokens: number;
}

/** Full attention over T tokens holds the scores of all heads about this many times at once, and one mask. */
const SCORE_COPIES = 4;
const MOST_BYTES = 8e9;

/** Why a cell is not run; null when it is. */
export function tooLarge({ mode, attention, tokens }: ContextCell): string | null {
  if (mode === "decode" || attention === "windowed") return null;
  const heads = benchShape("S").config.queryHeadCount;
  const bytes = 4 * tokens * tokens * (heads * SCORE_COPIES + 1);
  if (bytes <= MOST_BYTES) return null;
  return `the scores of ${tokens} tokens would take about ${Math.round(bytes / 1e9)} GB`;
}

/**
 * The cells are measured by turns, so that what else the machine does falls on all of them alike; a turn before the first warms up.
 * @param turns  0 only warms up
 * @returns milliseconds a token, by cell; medians over the turns, NaN for none
 */
export async function contextCosts(cells: readonly ContextCell[], turns: number): Promise<readonly number[]> {
  const benches: ContextBench[] = [];
  for (const cell of cells) benches.push(await (cell.mode === "train" ? openTraining(cell) : openDecoding(cell)));
  for (const bench of benches) await bench.turn();
  const reached = cells.map((): number[] => []);
  for (let turn = 0; turn < turns; turn++) {
    for (const [i, bench] of benches.entries()) reached[i]!.push(await bench.turn());
  }
  for (const bench of benches) await bench.dispose();
  return reached.map(median);
}

interface ContextBench {
  /** @returns milliseconds a token, the median of the turn's */
  turn(): Promise<number>;
  dispose(): Promise<void>;
}

/** Of training in a turn, about; one step at least. */
const TRAINED_TOKENS = 8192;

/** One sequence is one microbatch, so one thread works on it. */
async function openTraining({ attention, tokens }: ContextCell): Promise<ContextBench> {
  const { config } = benchShape("S", attention === "windowed");
  const bench = await openTrainBench({ config, tokens, batch: 1 }, 1);
  return {
    turn: async () => {
      const times: number[] = [];
      for (let done = 0; done < TRAINED_TOKENS; done += tokens) times.push(await timed(() => bench.step()));
      return median(times) / tokens;
    },
    dispose: () => bench.dispose(),
  };
}

/** Of decoding in a turn. */
const DECODED_TOKENS = 32;

/** A turn decodes the last tokens of a sequence of `cell.tokens`. One thread: the products of one sequence are too small to share. */
async function openDecoding({ attention, tokens }: ContextCell): Promise<ContextBench> {
  const { config } = benchShape("S", attention === "windowed");
  const cache = new RingCache(config, 1, attention === "windowed" ? Number.MAX_SAFE_INTEGER : tokens);
  for (let position = 0; position < tokens; position++) cache.advance(0, position);
  const programs = new StepPrograms(createEngine({ threads: 1 }), config, initialWeights(config, 1), true);
  const row = openRow({ promptIds: [1], maxNewTokens: DECODED_TOKENS, temperature: 1, topP: 1, seed: 1 }, 0);
  const program = await programs.get(cache, tokens);
  const token = async (): Promise<void> => {
    await program.run([row], [0.5], cache);
    program.store(cache, 0, row.position);
    cache.advance(0, row.position);
    row.position += 1;
  };
  return {
    turn: async () => {
      row.position = tokens - DECODED_TOKENS;
      const times: number[] = [];
      for (let i = 0; i < DECODED_TOKENS; i++) times.push(await timed(token));
      return median(times);
    },
    dispose: () => programs.dispose(),
  };
}
