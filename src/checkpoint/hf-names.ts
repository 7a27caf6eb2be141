// Our parameter names and the Hugging Face tensor names they are made of.

import type { ModelConfig } from "../model/config.ts";
import { parametersOf } from "../model/parameters.ts";
import type { Shape } from "../tensor/tensor.ts";

/** One stored tensor; our fused matrices are several of them, one below the other. */
export interface NamedPart {
  readonly name: string;
  readonly shape: Shape;
}

/** A parameter and the tensors whose rows it stacks, in order. */
export interface NamedParameter {
  readonly parameter: string;
  readonly parts: readonly NamedPart[];
}

export const EMBEDDING_NAME = "embed_tokens.weight";
export const HEAD_NAME = "lm_head.weight";

/** The prefix of all names but the head's; a folder saved from the bare decoder has none. */
export const MODEL_PREFIX = "model.";

/** Every parameter of the model with the tensors it is stored as, in the order of the forward pass. */
export function namedParameters(config: ModelConfig, prefix: string = MODEL_PREFIX): readonly NamedParameter[] {
  return parametersOf(config).map(({ name, shape }) => {
    const [layers, index, leaf] = name.split(".");
    if (leaf === undefined) return { parameter: name, parts: [{ name: rootName(name, prefix), shape }] };
    const rows = rowsOf(leaf, config);
    const parts = layerNames(leaf).map((suffix, part) => ({
      name: `${prefix}${layers}.${index}.${suffix}`,
      shape: rows === null ? shape : [rows[part]!, ...shape.slice(1)],
    }));
    return { parameter: name, parts };
  });
}

function rootName(name: string, prefix: string): string {
  switch (name) {
    case "embedding":
      return `${prefix}${EMBEDDING_NAME}`;
    case "finalNorm":
      return `${prefix}norm.weight`;
    default:
      return HEAD_NAME;
  }
}

const LAYER_NAMES: { readonly [leaf: string]: readonly string[] } = {
  attentionNorm: ["input_layernorm.weight"],
  qkv: ["self_attn.q_proj.weight", "self_attn.k_proj.weight", "self_attn.v_proj.weight"],
  qkvBias: ["self_attn.q_proj.bias", "self_attn.k_proj.bias", "self_attn.v_proj.bias"],
  queryNorm: ["self_attn.q_norm.weight"],
  keyNorm: ["self_attn.k_norm.weight"],
  attentionOut: ["self_attn.o_proj.weight"],
  attentionOutBias: ["self_attn.o_proj.bias"],
  mlpNorm: ["post_attention_layernorm.weight"],
  gateUp: ["mlp.gate_proj.weight", "mlp.up_proj.weight"],
  gateUpBias: ["mlp.gate_proj.bias", "mlp.up_proj.bias"],
  down: ["mlp.down_proj.weight"],
  downBias: ["mlp.down_proj.bias"],
};

function layerNames(leaf: string): readonly string[] {
  return LAYER_NAMES[leaf]!;
}

/** Rows of each part of a fused parameter; null when it is one tensor. */
function rowsOf(leaf: string, config: ModelConfig): readonly number[] | null {
  const { queryHeadCount: H, keyValueHeadCount: G, headWidth: K, feedForwardWidth: F } = config;
  if (leaf === "qkv" || leaf === "qkvBias") return [H * K, G * K, G * K];
  if (leaf === "gateUp" || leaf === "gateUpBias") return [F, F];
  return null;
}

/** Tensors that old checkpoints carry and nobody reads: the rotary tables, which follow from the config. */
export function isInertTensor(name: string): boolean {
  return /^(model\.)?(layers\.\d+\.self_attn\.)?rotary_emb\.(inv_freq|cos_cached|sin_cached)$/.test(name);
}
