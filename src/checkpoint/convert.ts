// Gives a checkpoint a window: a new folder that states it, with every weight file copied byte for byte.

import fs from "node:fs";
import path from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { SwarrError } from "../base/errors.ts";
import type { JsonObject } from "../base/json.ts";
import type { LayerWindow, ModelConfig } from "../model/config.ts";
import { windowPlan } from "../model/window.ts";
import { copyFile, everyFile } from "./carry.ts";
import { CERTIFICATE_NAME } from "./certificate.ts";
import { exportConfig, importConfig } from "./hf-config.ts";
import { loadConfig } from "./load.ts";
import { requireFreePlace, writeFolder, writeJson } from "./save.ts";
import { INDEX_NAME, checkPlannedWeights, planWeights } from "./weight-files.ts";

export interface ConvertOptions {
  readonly source: string;
  readonly out: string;
  /** null gives every layer full attention. */
  readonly window: LayerWindow;
  readonly fullAttentionLayers?: readonly number[] | undefined;
  readonly sinkTokens?: number | undefined;
  /** Text files to put beside the weights, by name; one of the source with that name stays behind. */
  readonly added?: Readonly<Record<string, string>> | undefined;
  /** Looks at the whole folder before it gets its name; what it throws leaves nothing behind. */
  readonly inspect?: ((folder: string) => Promise<void>) | undefined;
  /** Stops between files, with nothing left behind. */
  readonly signal?: AbortSignal | undefined;
}

export interface Converted {
  readonly out: string;
  /** What the new folder says, as it will be read again. */
  readonly config: ModelConfig;
  /** Weight files, copied byte for byte. */
  readonly weightFiles: readonly string[];
  /** Files that did not travel: other forms of the same weights, which would state no window. */
  readonly leftBehind: readonly string[];
}

/** Weights in other layouts, and the config that goes with one of them. */
const OTHER_FORMS = /(\.(bin|pth|pt|ckpt|gguf|onnx|onnx_data|h5|msgpack|safetensors)|\.index\.json|^params\.json)$/i;

/**
 * Copies the folder, its config.json rewritten. All weights are read once and checked before anything is written.
 *
 * @throws as loading does; `BAD_WINDOW` when the plan is impossible or leaves no layer with a window;
 *   `BAD_CONFIG` for sinks out of range; `UNSUPPORTED` when the family cannot state it; `FILE_EXISTS`, `FILE_UNWRITABLE`;
 *   whatever `inspect` throws
 */
export async function convertCheckpoint(options: ConvertOptions): Promise<Converted> {
  const { source, out, added = {}, inspect, signal } = options;
  requireFreePlace(out);
  const { config, rawConfig } = await loadConfig(source);
  // Before anything is written: no folder may be left that cannot be read again.
  const planned = plannedConfig({ config, rawConfig, where: path.join(out, "config.json") }, options);
  const plan = planWeights(source, config);
  await checkPlannedWeights(plan, signal);
  const weightFiles = plan.files.map((file) => path.relative(path.resolve(source), path.resolve(file)));
  // A certificate is for the window it was made with, which may not be this one.
  const travels = (name: string): boolean =>
    !["config.json", CERTIFICATE_NAME, ...Object.keys(added)].includes(name) &&
    !name.startsWith(".") &&
    (name === INDEX_NAME || !OTHER_FORMS.test(name));
  const files = everyFile(source);
  const carried = files.filter(({ name }) => travels(name) || weightFiles.includes(name));
  await writeFolder(out, { signal }, async (folder) => {
    writeJson(folder, "config.json", planned.json);
    for (const file of carried) {
      await nextTurn();
      signal?.throwIfAborted();
      copyFile(file, folder);
    }
    for (const [name, text] of Object.entries(added)) fs.writeFileSync(path.join(folder, name), text);
    await inspect?.(folder);
  });
  return {
    out,
    config: planned.config,
    weightFiles,
    leftBehind: files
      .map(({ name }) => name)
      .filter((name) => !["config.json", CERTIFICATE_NAME].includes(name) && !fs.existsSync(path.join(out, name))),
  };
}

interface ConfigToPlan {
  readonly config: ModelConfig;
  /** The config.json it came with, if any. */
  readonly rawConfig?: JsonObject | undefined;
  /** For messages. */
  readonly where: string;
}

/**
 * What a model will say once it is converted, before anything is written.
 *
 * @returns its config.json, and how that will be read again
 * @throws `BAD_WINDOW` when the plan is impossible or leaves no layer with a window; `UNSUPPORTED` when the family cannot state
 *   it; `BAD_CONFIG` when the file could not be read again
 */
export function plannedConfig(
  { config, rawConfig, where }: ConfigToPlan,
  { window, fullAttentionLayers, sinkTokens }: Pick<ConvertOptions, "window" | "fullAttentionLayers" | "sinkTokens">,
): { readonly json: JsonObject; readonly config: ModelConfig } {
  const windows = windowPlan({ layerCount: config.layerCount, window, fullAttentionLayers });
  if (window !== null && !windows.includes(window)) throw noSlidingLayer(config.layerCount);
  const planned: ModelConfig = { ...config, windows, sinkTokens: sinkTokens ?? config.sinkTokens };
  const json = exportConfig(planned, { rawConfig, weightType: null });
  return { json, config: importConfig(json, where) };
}

function noSlidingLayer(layerCount: number): SwarrError {
  return new SwarrError("BAD_WINDOW", {
    what: `All ${layerCount} layers keep full attention, so the window would act nowhere.`,
    expected: "at least one layer with the window.",
    fix: "Leave a layer out of the full-attention layers, or ask for no window.",
  });
}
