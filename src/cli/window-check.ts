// Shows on a checkpoint that its window acts: log-probs with it and with full attention, below the edge and past it.

import { availableParallelism } from "node:os";
import { randomStream } from "../base/seeds.ts";
import { SwarrError } from "../base/errors.ts";
import { loadCheckpoint } from "../checkpoint/load.ts";
import { createEngine } from "../engine/create-engine.ts";
import { createScorer } from "../generate/log-probs.ts";
import type { ModelConfig } from "../model/config.ts";
import { slidingWindow, withWindow } from "../model/window.ts";

export interface WindowCheck {
  readonly figures: {
    readonly window: number;
    readonly tokens: number;
    /** Largest difference at positions whose query sees everything under both; rounding only. */
    readonly largestBefore: number;
    /** Largest and mean difference at positions past the edge. */
    readonly largestPast: number;
    readonly meanPast: number;
  };
  readonly sentence: string;
}

/** Positions looked at past the edge. */
const PAST = 32;

/** Rounding differs a little between two shapes of attention; a window that acts moves log-probs far more. */
const ROUNDING = 1e-3;

/**
 * The number of tokens from which a query sees less than under full attention.
 *
 * @throws `BAD_WINDOW` when no layer slides, or the window ends beyond the model's positions
 */
export function checkableEdge(config: ModelConfig): number {
  const window = slidingWindow(config.windows);
  if (window === null) {
    throw new SwarrError("BAD_WINDOW", {
      what: "Every layer has full attention, so there is no window to check.",
      expected: "at least one layer that slides.",
      fix: "Leave --check out, or choose a window.",
    });
  }
  const edge = window + config.sinkTokens;
  if (edge + PAST <= config.maxPositions) return edge;
  throw new SwarrError("BAD_WINDOW", {
    what: `The check of a window of ${window} needs ${edge + PAST} tokens; the model has ${config.maxPositions} positions.`,
    expected: "a window that acts within the model's positions.",
    fix: "Leave --check out, or choose a smaller window.",
  });
}

/**
 * @param name  what complaints call the folder
 * @throws `BAD_WINDOW` as `checkableEdge`; `PROBE_FAILED` when the numbers are those of full attention
 */
export async function checkWindow(folder: string, name = folder): Promise<WindowCheck> {
  const { config, weights } = await loadCheckpoint(folder);
  const edge = checkableEdge(config);
  const window = edge - config.sinkTokens;
  const stream = randomStream({ root: 0, purpose: "window-check" });
  const ids = Array.from({ length: edge + PAST }, () => stream.integer(config.vocabularySize));
  const engine = createEngine({ threads: availableParallelism() });
  const score = async (one: ModelConfig): Promise<Float32Array> => {
    const scorer = createScorer(engine, one, weights);
    try {
      return await scorer.logProbs(ids);
    } finally {
      await scorer.dispose();
    }
  };
  const [windowed, full] = [await score(config), await score(withWindow(config, null))];
  const differences = Array.from(windowed, (value, i) => Math.abs(value - full[i]!));
  // Entry i is predicted by the query at i - 1, which first loses a key at i - 1 = edge.
  const before = differences.slice(1, edge + 1);
  const past = differences.slice(edge + 1);
  const figures = {
    window,
    tokens: ids.length,
    largestBefore: largest(before),
    largestPast: largest(past),
    meanPast: past.reduce((total, value) => total + value, 0) / past.length,
  };
  if (figures.largestBefore > ROUNDING || figures.largestPast <= 2 * figures.largestBefore)
    throw inactive(name, figures);
  return {
    figures,
    sentence:
      `The window of ${window} acts: up to it log-probs equal full attention's within ${figures.largestBefore.toExponential(1)}, ` +
      `past it they differ by ${figures.meanPast.toPrecision(2)} on average.`,
  };
}

function largest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0);
}

function inactive(name: string, figures: WindowCheck["figures"]): SwarrError {
  return new SwarrError("PROBE_FAILED", {
    what:
      `${name}: against full attention log-probs differ by at most ${figures.largestBefore} up to the window's edge and ` +
      `${figures.largestPast} past it.`,
    expected: "no difference up to the edge, and one past it.",
    fix: "If the model has learnt nothing yet, train it first; otherwise please report this.",
  });
}
