// The one definition of the window: who sees whom, and which layers slide.

import { SwarrError } from "../base/errors.ts";
import { MOST_TOKENS, type LayerWindow, type ModelConfig } from "./config.ts";

/**
 * Whether a query sees a key under causal attention with a window.
 *
 * The window counts the query itself: query q sees key k exactly when 0 <= q - k < window; null is full causal
 * attention. The first `sinkTokens` positions stay visible to every later query.
 *
 * @source Hugging Face `sliding_window` (visible when `kv > q - sliding_window`);
 *   left-context kernels exclude the query, so they take `window - 1`.
 */
export function visible(query: number, key: number, window: LayerWindow, sinkTokens = 0): boolean {
  const distance = query - key;
  return distance >= 0 && (window === null || distance < window || key < sinkTokens);
}

/**
 * The mask of a whole sequence.
 *
 * @param tokens  sequence length T (>= 1)
 * @param window  keys visible to one query, itself counted (>= 1); null is full attention
 * @returns row-major `[T, T]`, 1 = visible, 0 = hidden
 * @throws `BAD_WINDOW` when `window` is not a positive integer
 */
export function windowMask(tokens: number, window: LayerWindow, sinkTokens = 0): Uint8Array {
  const width = checkWindow(window) ?? tokens;
  const mask_TT = new Uint8Array(tokens * tokens);
  for (let query = 0; query < tokens; query++) {
    const oldest = Math.max(0, query - width + 1);
    mask_TT.fill(1, query * tokens + oldest, query * tokens + query + 1);
    mask_TT.fill(1, query * tokens, query * tokens + Math.min(sinkTokens, query + 1));
  }
  return mask_TT;
}

/** @throws `BAD_WINDOW` unless the window is a positive integer of 32 bits or null */
export function checkWindow(window: LayerWindow): LayerWindow {
  if (window === null || (Number.isSafeInteger(window) && window >= 1 && window <= MOST_TOKENS)) return window;
  throw new SwarrError("BAD_WINDOW", {
    what: `The window is ${String(window)}.`,
    expected: `an integer from 1 to ${MOST_TOKENS}, the query itself counted, or full attention.`,
    fix: "Choose a window in that range, or full attention for one that hides nothing.",
  });
}

export interface WindowPlanOptions {
  readonly layerCount: number;
  readonly window: LayerWindow;
  /** Layers, from 0, that keep full attention. */
  readonly fullAttentionLayers?: readonly number[] | undefined;
}

/**
 * The window of every layer.
 *
 * @throws `BAD_WINDOW` when the window is not a positive integer, or a layer does not exist or is named twice
 */
export function windowPlan(options: WindowPlanOptions): readonly LayerWindow[] {
  const { layerCount, fullAttentionLayers = [] } = options;
  const window = checkWindow(options.window);
  for (const [i, layer] of fullAttentionLayers.entries()) {
    const twice = fullAttentionLayers.indexOf(layer) !== i;
    if (Number.isSafeInteger(layer) && layer >= 0 && layer < layerCount && !twice) continue;
    throw new SwarrError("BAD_WINDOW", {
      what: `The full-attention layers name ${String(layer)}${twice ? " twice" : ""}; the model has ${layerCount} layers.`,
      expected: `each of the layers 0 to ${layerCount - 1} at most once.`,
      fix: "Correct the list.",
    });
  }
  return Array.from({ length: layerCount }, (_, layer) => (fullAttentionLayers.includes(layer) ? null : window));
}

/**
 * Every n-th layer full, the last of each n, as published mixtures of the two kinds have it: with n = 4 layers 3, 7, 11, ...
 *
 * @throws `BAD_WINDOW` when `every` is not an integer of at least 2
 */
export function everyNthLayer(layerCount: number, every: number): readonly number[] {
  if (!Number.isSafeInteger(every) || every < 2) {
    throw new SwarrError("BAD_WINDOW", {
      what: `Every ${String(every)}th layer is to keep full attention.`,
      expected: "an integer of at least 2.",
      fix: "Use 2 for every other layer, 4 for one in four, and so on.",
    });
  }
  return Array.from({ length: layerCount }, (_, layer) => layer).filter((layer) => layer % every === every - 1);
}

/**
 * The same model with the window of *every* layer replaced, also of those the config leaves full.
 *
 * @throws `BAD_WINDOW` as `windowPlan`
 */
export function withWindow(
  config: ModelConfig,
  window: LayerWindow,
  fullAttentionLayers: readonly number[] = [],
): ModelConfig {
  return { ...config, windows: windowPlan({ layerCount: config.layerCount, window, fullAttentionLayers }) };
}

/** One window for all sliding layers, or null when no layer slides; most files can state no more than that. */
export function slidingWindow(windows: readonly LayerWindow[]): LayerWindow {
  const widths = new Set(windows.filter((window) => window !== null));
  if (widths.size <= 1) return [...widths][0] ?? null;
  throw new SwarrError("BAD_WINDOW", {
    what: `The layers have different windows (${[...widths].join(", ")}).`,
    expected: "one window for all layers that slide.",
    fix: "Give every sliding layer the same window.",
  });
}
