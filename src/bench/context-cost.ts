// What a token costs at a given context length, training and decoding, windowed and full; run in a process of its own.

import { createEngine } from "../engine/onnx-engine.ts";
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

/** @returns milliseconds a token */
export async function contextCost(cell: ContextCell): Promise<number> {
  return cell.mode === "train" ? trainCost(cell) : decodeCost(cell);
}

/** One sequence is one microbatch, so one thread works on it; so too in decoding, where its products are too small to share. */
async function trainCost({ attention, tokens }: ContextCell): Promise<number> {
  const { config } = benchShape("S", attention === "windowed");
  const bench = openTrainBench({ config, tokens, batch: 1 }, 1);
  await bench.step();
  const rounds: number[] = [];
  for (let i = 0; i < (tokens > 8192 ? 3 : 5); i++) rounds.push(await timed(() => bench.step()));
  await bench.dispose();
  return median(rounds) / tokens;
}

const DECODED = 256;

async function decodeCost({ attention, tokens }: ContextCell): Promise<number> {
  const { config } = benchShape("S", attention === "windowed");
  const cache = new RingCache(config, 1, attention === "windowed" ? Number.MAX_SAFE_INTEGER : tokens + DECODED + 1);
  for (let position = 0; position < tokens; position++) cache.advance(0, position);
  const programs = new StepPrograms(createEngine({ threads: 1 }), config, initialWeights(config, 1), true);
  const row = openRow({ promptIds: [1], maxNewTokens: DECODED, temperature: 1, topP: 1, seed: 1 }, 0);
  row.position = tokens;
  const program = await programs.get(cache, tokens + DECODED + 1);
  const rounds: number[] = [];
  for (let i = 0; i < DECODED; i++) {
    rounds.push(
      await timed(async () => {
        await program.run([row], [0.5], cache);
        program.store(cache, 0, row.position);
        cache.advance(0, row.position);
        row.position += 1;
      }),
    );
  }
  await programs.dispose();
  return median(rounds);
}
