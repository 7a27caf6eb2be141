// Which file holds which weight: finds the shards, matches every tensor with the model, and reads them.

import fs from "node:fs";
import path from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { SwarrError } from "../base/errors.ts";
import { insideFolder } from "../base/files.ts";
import { asObject, quote } from "../base/json.ts";
import {
  checkWeights,
  readSafetensorsHeader,
  readWeights,
  type SafetensorsFile,
  type StoredTensor,
} from "../formats/safetensors.ts";
import type { ModelConfig } from "../model/config.ts";
import { isWeightType, type WeightType } from "../tensor/dtype.ts";
import { sizeOf, type Weights } from "../tensor/tensor.ts";
import { badFile, checkpointFile, optionalObject } from "./folder-files.ts";
import { EMBEDDING_NAME, HEAD_NAME, MODEL_PREFIX, isInertTensor, namedParameters, type NamedPart } from "./hf-names.ts";

export const WEIGHTS_NAME = "model.safetensors";
export const INDEX_NAME = "model.safetensors.index.json";

/** A parameter with the stored tensors whose rows it stacks. */
interface PlannedParameter {
  readonly parameter: string;
  readonly parts: readonly StoredTensor[];
}

/** Every weight of a model, located and checked but not read. */
export interface WeightPlan {
  readonly parameters: readonly PlannedParameter[];
  /** A head that is stored although it is tied; it must repeat the embedding. */
  readonly tiedHead: { readonly head: StoredTensor; readonly embedding: StoredTensor } | null;
  /** The type that most numbers are stored in. */
  readonly weightType: WeightType;
  readonly files: readonly string[];
}

/**
 * Locates every weight of the model; headers are read, data is not.
 *
 * @throws `TENSOR_MISSING`, `TENSOR_UNKNOWN`, `BAD_CHECKPOINT` (shape, index), `BAD_SAFETENSORS`, each naming file and fault
 */
export function planWeights(folder: string, config: ModelConfig): WeightPlan {
  const files = openShards(folder);
  const stored = new Map<string, StoredTensor>();
  for (const { tensors } of files) for (const tensor of tensors.values()) addOnce(stored, tensor);
  const prefix = [...stored.keys()].some((name) => name.startsWith(MODEL_PREFIX)) ? MODEL_PREFIX : "";
  const embeddingName = prefix + EMBEDDING_NAME;
  const head = stored.get(HEAD_NAME);
  // Some writers of shared tensors keep the alphabetically first name, which is the head's.
  if (config.tiedHead && head !== undefined && !stored.has(embeddingName)) {
    stored.set(embeddingName, head);
    stored.delete(HEAD_NAME);
  }
  const used = new Set<string>();
  const take = (part: NamedPart): StoredTensor => {
    used.add(part.name);
    return requireTensor(folder, stored, part);
  };
  const parameters = namedParameters(config, prefix).map(({ parameter, parts }) => ({
    parameter,
    parts: parts.map(take),
  }));
  const shape = [config.vocabularySize, config.width];
  const tiedHead =
    config.tiedHead && stored.has(HEAD_NAME)
      ? { head: take({ name: HEAD_NAME, shape }), embedding: take({ name: embeddingName, shape }) }
      : null;
  refuseUnknown([...stored].flatMap(([name, tensor]) => (used.has(name) ? [] : [tensor])));
  return { parameters, tiedHead, weightType: commonType(parameters), files: files.map(({ file }) => file) };
}

/** Reads all weights as float32. Peak memory is the result and one chunk. */
export function readPlannedWeights(plan: WeightPlan): Weights {
  const weights: Weights = new Map();
  for (const { parameter, parts } of plan.parameters) {
    const data = new Float32Array(parts.reduce((total, part) => total + sizeOf(part.shape), 0));
    let row = 0;
    for (const part of parts) {
      const size = sizeOf(part.shape);
      readWeights(part, data.subarray(row, row + size));
      row += size;
    }
    weights.set(parameter, data);
  }
  if (plan.tiedHead !== null) checkTiedHead(plan.tiedHead, weights.get("embedding")!);
  return weights;
}

/** Reads everything once, for the faults that only the data shows, and keeps nothing. */
export async function checkPlannedWeights(plan: WeightPlan, signal?: AbortSignal): Promise<void> {
  for (const { parts } of plan.parameters) {
    // Signals of the operating system wait for work that never pauses.
    await nextTurn();
    signal?.throwIfAborted();
    parts.forEach(checkWeights);
  }
  if (plan.tiedHead === null) return;
  const embedding = new Float32Array(sizeOf(plan.tiedHead.embedding.shape));
  readWeights(plan.tiedHead.embedding, embedding);
  checkTiedHead(plan.tiedHead, embedding);
}

function checkTiedHead(tied: NonNullable<WeightPlan["tiedHead"]>, embedding: Float32Array): void {
  const head = new Float32Array(embedding.length);
  readWeights(tied.head, head);
  const index = head.findIndex((value, i) => value !== embedding[i]);
  if (index < 0) return;
  throw new SwarrError("BAD_CHECKPOINT", {
    what: `${tied.head.file}: tensor "${HEAD_NAME}" differs from "${tied.embedding.name}" at index ${index}, though tie_word_embeddings is true.`,
    expected: "the two to be equal, as the head is tied to the embedding.",
    fix: "Set tie_word_embeddings to false if the head was trained apart, or remove the stored head if it is stale.",
  });
}

function addOnce(stored: Map<string, StoredTensor>, tensor: StoredTensor): void {
  const first = stored.get(tensor.name);
  if (first !== undefined) {
    throw badFile(
      tensor.file,
      `its tensor ${quote(tensor.name)} is also in ${first.file}`,
      "every tensor in one file.",
    );
  }
  stored.set(tensor.name, tensor);
}

function requireTensor(folder: string, stored: ReadonlyMap<string, StoredTensor>, part: NamedPart): StoredTensor {
  const tensor = stored.get(part.name);
  if (tensor === undefined) {
    throw new SwarrError("TENSOR_MISSING", {
      what: `${folder} has no tensor "${part.name}"; its weights files hold ${stored.size} tensors.`,
      expected: `one of shape [${part.shape.join(", ")}], as config.json says.`,
      fix: "Download the folder again, or correct config.json if it belongs to another model.",
    });
  }
  if (tensor.shape.join() !== part.shape.join()) {
    throw badFile(
      tensor.file,
      `tensor "${part.name}" has the shape [${tensor.shape.join(", ")}]`,
      `[${part.shape.join(", ")}], as config.json says.`,
    );
  }
  if (isWeightType(tensor.type)) return tensor;
  throw new SwarrError("UNSUPPORTED", {
    what: `${tensor.file}: tensor "${part.name}" is stored as ${tensor.type}.`,
    expected: "weights in F32, F16 or BF16.",
    fix: "Use the unquantized checkpoint, or convert the tensor first.",
  });
}

function refuseUnknown(rest: readonly StoredTensor[]): void {
  const unknown = rest.find((tensor) => !isInertTensor(tensor.name));
  if (unknown === undefined) return;
  throw new SwarrError("TENSOR_UNKNOWN", {
    what: `${unknown.file} has the tensor "${unknown.name}" [${unknown.shape.join(", ")}], which this model does not use.`,
    expected: "exactly the tensors that config.json calls for: an ignored weight would make another model.",
    fix: "Correct config.json (family, layers, biases, tied head), or use the checkpoint it belongs to.",
  });
}

function commonType(parameters: readonly PlannedParameter[]): WeightType {
  const numbers = new Map<WeightType, number>();
  for (const { type, shape } of parameters.flatMap(({ parts }) => parts)) {
    if (isWeightType(type)) numbers.set(type, (numbers.get(type) ?? 0) + sizeOf(shape));
  }
  return [...numbers].reduce((most, entry) => (entry[1] > most[1] ? entry : most))[0];
}

/** The whole file, or the shards that the index names; the index and the shards must agree. */
function openShards(folder: string): readonly SafetensorsFile[] {
  const whole = checkpointFile(folder, WEIGHTS_NAME);
  const index = optionalObject(folder, INDEX_NAME);
  if (index === null) {
    if (whole === null) throw noWeights(folder);
    return [readSafetensorsHeader(whole)];
  }
  const indexFile = path.join(folder, INDEX_NAME);
  const map = asObject(index.weight_map, `${indexFile} weight_map`);
  const names = [...new Set(Object.values(map))].map((name) => shardName(name, indexFile));
  if (names.length === 0) throw badFile(indexFile, "its weight_map is empty", "the file of every tensor.");
  if (whole !== null && !names.includes(WEIGHTS_NAME)) {
    throw badFile(folder, `it has both ${WEIGHTS_NAME} and an index of other files`, "one set of weights.");
  }
  const files = names.map((name) => openShard(folder, name, indexFile));
  for (const [i, shard] of files.entries()) {
    const listed = Object.keys(map).filter((tensor) => map[tensor] === names[i]);
    const absent = listed.find((tensor) => !shard.tensors.has(tensor));
    if (absent !== undefined)
      throw badFile(indexFile, `it places ${quote(absent)} in ${names[i]}, which lacks it`, "the two to agree.");
    const unlisted = [...shard.tensors.keys()].find((tensor) => map[tensor] !== names[i]);
    if (unlisted !== undefined) {
      throw badFile(
        indexFile,
        `it does not place ${quote(unlisted)} in ${names[i]}, which holds it`,
        "the two to agree.",
      );
    }
  }
  return files;
}

function shardName(name: unknown, indexFile: string): string {
  if (typeof name === "string" && name.endsWith(".safetensors") && !name.includes("\0")) return name;
  throw badFile(indexFile, `its weight_map names the file ${quote(name)}`, "a .safetensors file of this folder.");
}

function openShard(folder: string, name: string, indexFile: string): SafetensorsFile {
  insideFolder(folder, name, indexFile);
  const file = checkpointFile(folder, name);
  if (file !== null) return readSafetensorsHeader(file);
  throw new SwarrError("FILE_MISSING", {
    what: `${folder} has no file ${name}, which ${INDEX_NAME} names.`,
    expected: "every shard of the index.",
    fix: "Download the missing file.",
  });
}

function noWeights(folder: string): SwarrError {
  const pickles = fs.readdirSync(folder).filter((name) => /\.(bin|pth|pt|ckpt)$/.test(name));
  return new SwarrError("FILE_MISSING", {
    what: `${folder} has neither ${WEIGHTS_NAME} nor ${INDEX_NAME}${pickles.length > 0 ? `, only ${pickles[0]}` : ""}.`,
    expected: "weights in safetensors.",
    fix:
      pickles.length > 0
        ? "Convert the pickle to safetensors: reading a pickle runs code."
        : "Download the weights too.",
  });
}
