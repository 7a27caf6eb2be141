// Adapters on disk, in PEFT's folder layout: adapter_config.json and adapter_model.safetensors.

import path from "node:path";
import { SwarrError } from "../base/errors.ts";
import { isObject, quote, type JsonObject } from "../base/json.ts";
import { readSafetensorsHeader, readWeights } from "../formats/safetensors.ts";
import { writeSafetensors } from "../formats/safetensors-write.ts";
import type { ModelConfig } from "../model/config.ts";
import {
  LORA_TARGETS,
  loraSites,
  type LoraAdapter,
  type LoraConfig,
  type LoraSite,
  type LoraTarget,
} from "../model/lora.ts";
import { invariant } from "../base/invariant.ts";
import { isWeightType, type WeightType } from "../tensor/dtype.ts";
import type { Weights } from "../tensor/tensor.ts";
import { badFile, checkFolder, checkpointFile, optionalObject } from "./folder-files.ts";
import { writeFolder, writeJson } from "./save.ts";

const CONFIG_NAME = "adapter_config.json";
const WEIGHTS_NAME = "adapter_model.safetensors";

/** The tensor of A or B, as PEFT names it. */
function storedName({ layer, target }: LoraSite, matrix: "A" | "B"): string {
  const block = ["gate_proj", "up_proj", "down_proj"].includes(target) ? "mlp" : "self_attn";
  return `base_model.model.model.layers.${layer}.${block}.${target}.lora_${matrix}.weight`;
}

export interface SaveLoraOptions extends LoraAdapter {
  readonly folder: string;
  readonly config: ModelConfig;
  /** The model the adapter belongs to: a folder or a hub name. */
  readonly base: string;
  readonly weightType?: WeightType;
  readonly replace?: boolean;
}

/** @throws `FILE_EXISTS`; `NOT_FINITE` with tensor and index */
export async function saveLora(options: SaveLoraOptions): Promise<void> {
  const { config, lora, adapter, weightType = "F32" } = options;
  const tensors = loraSites(config, lora).flatMap((site) => {
    const outgoing = (matrix: "A" | "B", key: string, shape: readonly number[]) => {
      const data = adapter.get(key);
      invariant(data !== undefined, `the adapter has ${key}`);
      return { name: storedName(site, matrix), type: weightType, shape, data: () => data };
    };
    return [outgoing("A", site.a, [lora.rank, site.inner]), outgoing("B", site.b, [site.out, lora.rank])];
  });
  await writeFolder(options.folder, options, (folder) => {
    writeJson(folder, CONFIG_NAME, adapterConfig(lora, options.base));
    writeSafetensors(path.join(folder, WEIGHTS_NAME), tensors);
  });
}

function adapterConfig(lora: LoraConfig, base: string): JsonObject {
  return {
    peft_type: "LORA",
    task_type: "CAUSAL_LM",
    base_model_name_or_path: base,
    r: lora.rank,
    lora_alpha: lora.alpha,
    lora_dropout: 0,
    target_modules: lora.targets,
    use_rslora: lora.rankStabilised === true,
    bias: "none",
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    modules_to_save: null,
  };
}

/**
 * Opens an adapter for a model.
 *
 * @throws `FILE_MISSING`, `BAD_CHECKPOINT`, `BAD_CONFIG`, `UNSUPPORTED`, `TENSOR_MISSING`, `TENSOR_UNKNOWN`, `NOT_FINITE`
 */
export function loadLora(folder: string, config: ModelConfig): LoraAdapter {
  checkFolder(folder);
  const raw = optionalObject(folder, CONFIG_NAME);
  const file = checkpointFile(folder, WEIGHTS_NAME);
  if (raw === null || file === null) {
    throw new SwarrError("FILE_MISSING", {
      what: `${folder} has no ${raw === null ? CONFIG_NAME : WEIGHTS_NAME}.`,
      expected: "an adapter folder as PEFT writes it.",
      fix: "Check the path; a pickled adapter_model.bin is not read.",
    });
  }
  const lora = readConfig(raw, path.join(folder, CONFIG_NAME));
  const { tensors } = readSafetensorsHeader(file);
  const adapter: Weights = new Map();
  const used = new Set<string>();
  const take = (key: string, name: string, shape: readonly number[]): void => {
    const tensor = tensors.get(name);
    if (tensor === undefined) throw tensorFault("TENSOR_MISSING", `${file} has no tensor "${name}".`, lora);
    if (tensor.shape.join() !== shape.join() || !isWeightType(tensor.type)) {
      throw badFile(
        file,
        `tensor "${name}" is ${tensor.type} [${tensor.shape.join(", ")}]`,
        `a float type and [${shape.join(", ")}].`,
      );
    }
    const data = new Float32Array(shape[0]! * shape[1]!);
    readWeights(tensor, data);
    adapter.set(key, data);
    used.add(name);
  };
  for (const site of loraSites(config, lora)) {
    take(site.a, storedName(site, "A"), [lora.rank, site.inner]);
    take(site.b, storedName(site, "B"), [site.out, lora.rank]);
  }
  const unknown = [...tensors.keys()].find((name) => !used.has(name));
  if (unknown !== undefined) throw tensorFault("TENSOR_UNKNOWN", `${file} has the tensor "${unknown}".`, lora);
  return { lora, adapter };
}

function tensorFault(code: "TENSOR_MISSING" | "TENSOR_UNKNOWN", what: string, lora: LoraConfig): SwarrError {
  return new SwarrError(code, {
    what,
    expected: `lora_A and lora_B of ${lora.targets.join(", ")} in every layer, and nothing else.`,
    fix: "Use the adapter with the model that it was trained on.",
  });
}

const INERT_KEYS = [
  "base_model_name_or_path",
  "inference_mode",
  "lora_dropout",
  "megatron_core",
  "peft_version",
  "qalora_group_size",
  "revision",
  "task_type",
];

/** Starts of an adapter that take nothing out of the base; of others (pissa, olora, corda, loftq) the base alone is not the base. */
const KEEPS_BASE = ["gaussian", "orthogonal", "eva"];

/** Options that are off leave the product as it is; PEFT writes all that its version knows. */
function isOff(value: unknown): boolean {
  return (
    value === null ||
    value === false ||
    (Array.isArray(value) && value.length === 0) ||
    (isObject(value) && Object.keys(value).length === 0)
  );
}

function readConfig(raw: JsonObject, where: string): LoraConfig {
  const { peft_type, r, lora_alpha, target_modules, use_rslora, bias, init_lora_weights: start, ...rest } = raw;
  const bad = (key: string, expected: string, code: "BAD_CONFIG" | "UNSUPPORTED" = "BAD_CONFIG"): SwarrError =>
    new SwarrError(code, {
      what: `${where}: "${key}" is ${quote(raw[key])}.`,
      expected,
      fix: "Use a plain LoRA adapter of the attention and MLP matrices.",
    });
  if (peft_type !== "LORA") throw bad("peft_type", '"LORA".', "UNSUPPORTED");
  if (typeof r !== "number" || !Number.isInteger(r) || r < 1 || r > 65536) throw bad("r", "a positive integer.");
  if (typeof lora_alpha !== "number" || !Number.isFinite(lora_alpha)) throw bad("lora_alpha", "a number.");
  if (bias !== undefined && bias !== "none") throw bad("bias", '"none".', "UNSUPPORTED");
  if (use_rslora !== undefined && typeof use_rslora !== "boolean") throw bad("use_rslora", "true or false.");
  if (typeof start === "string" && !KEEPS_BASE.includes(start)) {
    throw bad("init_lora_weights", "a start that leaves the base weights as they are.", "UNSUPPORTED");
  }
  const unknown = Object.keys(rest).find((key) => !INERT_KEYS.includes(key) && !isOff(rest[key]));
  if (unknown !== undefined) throw bad(unknown, "an option that is off: it would make another product.", "UNSUPPORTED");
  const names: unknown = target_modules;
  if (!Array.isArray(names) || names.length === 0) throw bad("target_modules", "a list of module names.");
  const other = (names as readonly unknown[]).find((name) => !LORA_TARGETS.includes(name as LoraTarget));
  if (other !== undefined) throw bad("target_modules", `some of ${LORA_TARGETS.join(", ")}.`, "UNSUPPORTED");
  const targets = LORA_TARGETS.filter((target) => (names as readonly unknown[]).includes(target));
  return { rank: r, alpha: lora_alpha, targets, ...(use_rslora === true ? { rankStabilised: true } : {}) };
}
