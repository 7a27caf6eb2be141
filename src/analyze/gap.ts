// What a window costs each token of a text: its log-prob under full attention minus that under the window.

import type { Engine } from "../engine/engine.ts";
import { createScorer } from "../generate/log-probs.ts";
import type { ModelConfig } from "../model/config.ts";
import { withWindow } from "../model/window.ts";
import type { Weights } from "../tensor/tensor.ts";

/** A text to measure: a prompt and a response, as token ids. */
export interface MeasuredText {
  readonly ids: readonly number[];
  readonly promptLength: number;
  /** of the response tokens, which count (1) and which do not (0), such as another's turn in a chat; absent: all do */
  readonly counted?: readonly number[];
  /** of every token, how far back it looks; 0 where it looks nowhere */
  readonly distances: Int32Array;
}

/** The tokens of one text that the window could cost anything: response tokens at positions >= W. */
export interface TextGaps {
  /** from 0, in prompt and response together */
  readonly positions: Int32Array;
  /** how far back each looks; 0 where it looks nowhere */
  readonly distances: Int32Array;
  /** nats: ln p(token) under full attention */
  readonly full: Float32Array;
  /** nats: the same minus ln p(token) under the window; above 0 the window loses something */
  readonly gaps: Float32Array;
}

export interface GapMeter {
  measure(text: MeasuredText): Promise<TextGaps>;
  dispose(): Promise<void>;
}

/** A model as it reads. */
export interface Reader {
  readonly config: ModelConfig;
  readonly weights: Weights;
}

export interface GapMeterOptions {
  readonly engine: Engine;
  /** reads with full attention in every layer, whatever its checkpoint says */
  readonly reader: Reader;
  /** reads with the window in every layer; normally the same model */
  readonly windowedReader?: Reader;
  readonly window: number;
}

export function createGapMeter({ engine, reader, windowedReader = reader, window }: GapMeterOptions): GapMeter {
  const full = createScorer(engine, withWindow(reader.config, null), reader.weights);
  const windowed = createScorer(engine, withWindow(windowedReader.config, window), windowedReader.weights);
  return {
    measure: async (text) => {
      const positions = countedPositions(text, window);
      const distances = positions.map((position) => text.distances[position]!);
      if (positions.length === 0) return { positions, distances, full: new Float32Array(), gaps: new Float32Array() };
      const seen = await full.logProbs(text.ids);
      const hidden = await windowed.logProbs(text.ids);
      const own = Float32Array.from(positions, (position) => seen[position]!);
      return { positions, distances, full: own, gaps: own.map((value, i) => value - hidden[positions[i]!]!) };
    },
    dispose: async () => {
      await full.dispose();
      await windowed.dispose();
    },
  };
}

/** Response tokens at positions >= W: what stands before them fits the window, so the window takes nothing from it. */
export function countedPositions({ ids, promptLength, counted }: MeasuredText, window: number): Int32Array {
  const first = Math.max(promptLength, window, 1);
  const positions = Array.from({ length: Math.max(0, ids.length - first) }, (_, i) => first + i);
  return Int32Array.from(positions.filter((position) => counted?.[position - promptLength] !== 0));
}
