// A checkpoint folder to one that states a window, its weights byte-equal.

import { convertCheckpoint, type Converted } from "../checkpoint/convert.ts";
import { openModel } from "../checkpoint/open-model.ts";
import type { Window } from "./model.ts";

export interface ConvertModelOptions {
  /** a Hugging Face folder */
  readonly model: string;
  /** W, which counts the query itself; or full attention in every layer */
  readonly window: Window;
  /** where the new folder goes; must not exist */
  readonly out: string;
  /** layers, from 0, that keep full attention */
  readonly fullAttentionLayers?: readonly number[];
  /** the first so many tokens that stay visible; no other program has a key for it */
  readonly sinkTokens?: number;
}

/**
 * Copies the folder with the window stated in every way its family reads it.
 *
 * @throws as `loadModel`; `BAD_WINDOW` for a plan that is impossible or leaves no layer with a window, `FILE_EXISTS`
 */
export async function convert(options: ConvertModelOptions): Promise<Converted> {
  const { model, window, out, fullAttentionLayers, sinkTokens } = options;
  const source = await openModel(model, () => {});
  return convertCheckpoint({ source, out, window: window === "full" ? null : window, fullAttentionLayers, sinkTokens });
}
