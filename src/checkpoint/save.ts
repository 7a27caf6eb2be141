// A model to a Hugging Face folder, whole or not at all.

import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { SwarrError } from "../base/errors.ts";
import { requireWritableParent, unwritable, writingTo } from "../base/files.ts";
import { invariant } from "../base/invariant.ts";
import type { JsonObject } from "../base/json.ts";
import { storedBytes, writeSafetensors, type OutgoingTensor } from "../formats/safetensors-write.ts";
import type { ModelConfig } from "../model/config.ts";
import type { WeightType } from "../tensor/dtype.ts";
import { sizeOf, type Weights } from "../tensor/tensor.ts";
import type { TokenizerFiles } from "../tokens/byte-tokenizer.ts";
import { carriedFiles, copyFile } from "./carry.ts";
import { exportConfig } from "./hf-config.ts";
import { namedParameters } from "./hf-names.ts";
import { INDEX_NAME, WEIGHTS_NAME } from "./weight-files.ts";

/** A file of this size is started anew, as the reference does. */
const MAX_SHARD_BYTES = 5_000_000_000;

export interface SaveOptions {
  readonly folder: string;
  readonly config: ModelConfig;
  readonly weights: Weights;
  /** The type weights are rounded to; default F32. */
  readonly weightType?: WeightType | undefined;
  /** The checkpoint folder whose tokenizer, chat template and generation_config.json are carried over. */
  readonly source?: string | undefined;
  /** A tokenizer made by swarr, where there is no source. */
  readonly tokenizer?: TokenizerFiles | undefined;
  /** The config.json the model came with: kept as it is but for the window and the type. */
  readonly rawConfig?: JsonObject | undefined;
  /** Replace a folder that exists; otherwise it is refused. */
  readonly replace?: boolean | undefined;
  readonly maxShardBytes?: number | undefined;
  /** Stops before the folder gets its name, with nothing left behind. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes the folder beside its place and renames it: a reader sees the old folder or the new one.
 *
 * @throws `FILE_EXISTS`, `FILE_UNWRITABLE`, `NOT_FINITE` with tensor and index, `UNSUPPORTED` when the family cannot state the windows
 */
export async function saveCheckpoint(options: SaveOptions): Promise<void> {
  const { config, weights, weightType = "F32", tokenizer } = options;
  const json = exportConfig(config, { rawConfig: options.rawConfig, weightType, endIds: tokenizer?.endIds });
  await writeFolder(options.folder, options, (folder) => {
    writeJson(folder, "config.json", json);
    if (options.source !== undefined) for (const file of carriedFiles(options.source)) copyFile(file, folder);
    if (tokenizer !== undefined) writeTokenizer(folder, tokenizer);
    writeShards(folder, outgoingTensors(config, weights, weightType), options.maxShardBytes ?? MAX_SHARD_BYTES);
  });
}

/**
 * Fills a new folder and puts it in place when it is whole.
 *
 * @param settings.replace  puts it in the place of a folder that is there; without it, nothing that is there is ever removed
 * @param settings.signal  stops before the folder gets its name
 * @throws `FILE_EXISTS` when the place is taken and `replace` is not set, also when it was taken meanwhile; `FILE_UNWRITABLE`;
 *   whatever `fill` throws, with nothing left behind
 */
export async function writeFolder(
  folder: string,
  settings: { readonly replace?: boolean | undefined; readonly signal?: AbortSignal | undefined },
  fill: (folder: string) => void | Promise<void>,
): Promise<void> {
  const { replace = false, signal } = settings;
  if (!replace) requireFreePlace(folder);
  try {
    const place = placeOf(folder);
    fs.mkdirSync(path.dirname(place), { recursive: true });
    const suffix = randomBytes(4).toString("hex");
    const partial = `${place}.${suffix}.partial`;
    fs.mkdirSync(partial);
    try {
      await fill(partial);
      // Signals of the operating system wait for work that never pauses.
      await nextTurn();
      signal?.throwIfAborted();
      if (replace) exchange(partial, place, `${place}.${suffix}.old`);
      else settle(partial, place, folder);
    } catch (error) {
      fs.rmSync(partial, { recursive: true, force: true });
      throw error;
    }
  } catch (cause) {
    throw unwritable(folder, cause);
  }
}

/** The folder itself where the path is a link to one, because a rename would replace the link. */
function placeOf(folder: string): string {
  if (folder === "") {
    // It would resolve to the working directory, which nobody means by it.
    throw new SwarrError("BAD_ARGUMENT", {
      what: "The folder to write is the empty path.",
      expected: "the path of a new folder.",
      fix: "Name a folder; a shell variable may be unset.",
    });
  }
  const place = path.resolve(folder);
  return fs.lstatSync(place, { throwIfNoEntry: false }) === undefined ? place : fs.realpathSync(place);
}

function exchange(partial: string, place: string, old: string): void {
  if (!fs.existsSync(place)) return fs.renameSync(partial, place);
  fs.renameSync(place, old);
  try {
    fs.renameSync(partial, place);
  } catch (error) {
    fs.renameSync(old, place);
    throw error;
  }
  fs.rmSync(old, { recursive: true, force: true });
}

/** Both calls fail on a folder with something in it, so that of two writers the second is told and removes nothing. */
function settle(partial: string, place: string, folder: string): void {
  try {
    if (fs.existsSync(place)) fs.rmdirSync(place);
    fs.renameSync(partial, place);
  } catch (cause) {
    if (fs.existsSync(place)) throw placeTaken(folder, cause);
    throw cause;
  }
}

/**
 * Refuses, before long work, a place where no folder can be put after it.
 *
 * @throws `FILE_EXISTS` when there is something else than an empty folder; `FILE_UNWRITABLE`; `BAD_ARGUMENT` for the empty path
 */
export function requireFreePlace(folder: string): void {
  const free = writingTo(folder, () => {
    const place = placeOf(folder);
    requireWritableParent(place);
    const found = fs.statSync(place, { throwIfNoEntry: false });
    return found === undefined || (found.isDirectory() && fs.readdirSync(place).length === 0);
  });
  if (!free) throw placeTaken(folder);
}

function placeTaken(folder: string, cause?: unknown): SwarrError {
  return new SwarrError(
    "FILE_EXISTS",
    {
      what: `${folder} exists already.`,
      expected: "a new or an empty folder.",
      fix: "Choose another place, or remove the folder first.",
    },
    { cause },
  );
}

/** The tensors of a model under their Hugging Face names; views of the weights, not copies. */
export function outgoingTensors(config: ModelConfig, weights: Weights, type: WeightType): readonly OutgoingTensor[] {
  return namedParameters(config).flatMap(({ parameter, parts }) => {
    const data = weights.get(parameter);
    const size = parts.reduce((total, part) => total + sizeOf(part.shape), 0);
    invariant(
      data?.length === size,
      `the weights have ${size} numbers for ${parameter}, not ${data?.length ?? "none"}`,
    );
    let row = 0;
    return parts.map(({ name, shape }) => {
      const from = row;
      row += sizeOf(shape);
      const to = row;
      return { name, type, shape, data: () => data.subarray(from, to) };
    });
  });
}

function writeShards(folder: string, tensors: readonly OutgoingTensor[], maxBytes: number): void {
  const shards: OutgoingTensor[][] = [[]];
  let filled = 0;
  for (const tensor of tensors) {
    const bytes = storedBytes(tensor);
    if (filled > 0 && filled + bytes > maxBytes) {
      shards.push([]);
      filled = 0;
    }
    shards.at(-1)!.push(tensor);
    filled += bytes;
  }
  if (shards.length === 1) return writeSafetensors(path.join(folder, WEIGHTS_NAME), tensors);
  const five = (count: number): string => String(count).padStart(5, "0");
  const weightMap: Record<string, string> = {};
  for (const [i, shard] of shards.entries()) {
    const name = `model-${five(i + 1)}-of-${five(shards.length)}.safetensors`;
    for (const tensor of shard) weightMap[tensor.name] = name;
    writeSafetensors(path.join(folder, name), shard);
  }
  const totalBytes = tensors.reduce((total, tensor) => total + storedBytes(tensor), 0);
  writeJson(folder, INDEX_NAME, { metadata: { total_size: totalBytes }, weight_map: weightMap });
}

function writeTokenizer(folder: string, files: TokenizerFiles): void {
  writeJson(folder, "tokenizer.json", files.tokenizer);
  writeJson(folder, "tokenizer_config.json", files.settings);
  writeJson(folder, "generation_config.json", { eos_token_id: files.endIds });
  if (files.chatTemplate !== null) fs.writeFileSync(path.join(folder, "chat_template.jinja"), files.chatTemplate);
}

export function writeJson(folder: string, name: string, value: JsonObject): void {
  fs.writeFileSync(path.join(folder, name), `${JSON.stringify(value, null, 2)}\n`);
}
