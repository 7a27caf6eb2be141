// The keys of config.json: which are inert and why, which must have one value, and a reader that refuses all others.

import { SwarrError } from "../base/errors.ts";
import { quote, type JsonObject } from "../base/json.ts";

const BOOKKEEPING = "bookkeeping of the program that wrote the file";
const TRAINING = "acts in training only";
const GENERATION = "a default of text generation; swarr takes these from its own options";
const OUTPUT = "chooses what a Python call returns";
const TASK = "belongs to classification heads or other tasks";

/** Keys that change nothing about the model's numbers, each with its reason. */
export const INERT_KEYS: { readonly [key: string]: string } = {
  transformers_version: BOOKKEEPING,
  _name_or_path: BOOKKEEPING,
  name_or_path: BOOKKEEPING,
  _commit_hash: BOOKKEEPING,
  _attn_implementation: BOOKKEEPING,
  _attn_implementation_autoset: BOOKKEEPING,
  attn_implementation: BOOKKEEPING,
  unsloth_version: BOOKKEEPING,
  unsloth_fixed: BOOKKEEPING,
  is_llama_config: BOOKKEEPING,
  "transformers.js_config": BOOKKEEPING,
  tokenizer_class: BOOKKEEPING,
  torchscript: BOOKKEEPING,
  use_bfloat16: BOOKKEEPING,
  tf_legacy_loss: BOOKKEEPING,
  prefix: BOOKKEEPING,
  dtype: "the type the weights were saved in; the weights file states its own",
  torch_dtype: "the type the weights were saved in; the weights file states its own",
  attention_dropout: TRAINING,
  hidden_dropout: TRAINING,
  initializer_range: TRAINING,
  gradient_checkpointing: TRAINING,
  router_aux_loss_coef: TRAINING,
  pretraining_tp: "splits products over devices without changing them",
  use_cache: "keeps keys and values while decoding, or not; the same numbers",
  cache_implementation: "how keys and values are kept while decoding; the same numbers",
  chunk_size_feed_forward: "splits the MLP over positions without changing it",
  output_attentions: OUTPUT,
  output_hidden_states: OUTPUT,
  return_dict: OUTPUT,
  use_return_dict: OUTPUT,
  output_scores: OUTPUT,
  return_dict_in_generate: OUTPUT,
  id2label: TASK,
  label2id: TASK,
  num_labels: TASK,
  problem_type: TASK,
  finetuning_task: TASK,
  task_specific_params: TASK,
  decoder_start_token_id: TASK,
  sep_token_id: TASK,
  cls_token_id: TASK,
  bos_token_id: "swarr adds no token that it is not given",
  pad_token_id: "padding is masked whatever its id",
  max_length: GENERATION,
  max_new_tokens: GENERATION,
  min_length: GENERATION,
  do_sample: GENERATION,
  early_stopping: GENERATION,
  num_beams: GENERATION,
  num_beam_groups: GENERATION,
  diversity_penalty: GENERATION,
  temperature: GENERATION,
  top_k: GENERATION,
  top_p: GENERATION,
  min_p: GENERATION,
  typical_p: GENERATION,
  repetition_penalty: GENERATION,
  length_penalty: GENERATION,
  no_repeat_ngram_size: GENERATION,
  encoder_no_repeat_ngram_size: GENERATION,
  bad_words_ids: GENERATION,
  num_return_sequences: GENERATION,
  forced_bos_token_id: GENERATION,
  forced_eos_token_id: GENERATION,
  remove_invalid_values: GENERATION,
  exponential_decay_length_penalty: GENERATION,
  suppress_tokens: GENERATION,
  begin_suppress_tokens: GENERATION,
};

/** Keys whose other values would make another model; null counts as absent. */
export const FIXED_KEYS: { readonly [key: string]: readonly unknown[] } = {
  is_decoder: [false, true],
  is_encoder_decoder: [false],
  add_cross_attention: [false],
  tie_encoder_decoder: [false],
  cross_attention_hidden_size: [],
  pruned_heads: [{}],
  quantization_config: [],
  compression_config: [],
  per_layer_config: [],
  auto_map: [],
  partial_rotary_factor: [1],
  use_mrope: [false],
  rope_interleaved: [false],
  hidden_act: ["silu", "swish"],
  tie_last_hidden_states: [true, false],
};

/** One config.json while it is read: every look-up is recorded, so that what nobody asked for can be refused. */
export class ConfigKeys {
  readonly raw: JsonObject;
  /** The file, for messages. */
  readonly where: string;
  readonly #asked = new Set<string>();

  constructor(raw: JsonObject, where: string) {
    this.raw = raw;
    this.where = where;
  }

  /** The value, or undefined when the key is absent; null stays null. */
  get(key: string): unknown {
    this.#asked.add(key);
    return Object.hasOwn(this.raw, key) ? this.raw[key] : undefined;
  }

  has(key: string): boolean {
    return Object.hasOwn(this.raw, key);
  }

  /** @throws `BAD_CONFIG` when absent, or not an integer from `least` to 2^31-1 */
  count(key: string, fallback?: number, least = 1): number {
    const value = this.get(key) ?? fallback;
    if (typeof value === "number" && Number.isInteger(value) && value >= least && value < 2 ** 31) return value;
    throw this.bad(key, `an integer from ${least} to ${2 ** 31 - 1}.`);
  }

  /** @throws `BAD_CONFIG` when not a positive number */
  positive(key: string, fallback?: number): number {
    const value = this.get(key) ?? fallback;
    if (typeof value === "number" && Number.isFinite(value) && value > 0) return value;
    throw this.bad(key, "a positive number.");
  }

  /** @throws `BAD_CONFIG` when neither true nor false */
  flag(key: string, fallback: boolean): boolean {
    const value = this.get(key) ?? fallback;
    if (typeof value === "boolean") return value;
    throw this.bad(key, "true or false.");
  }

  /** @throws `UNSUPPORTED` when the key has a value that is none of `allowed`; null and absent are fine */
  fixed(key: string, allowed: readonly unknown[], why: string): void {
    const value = this.get(key) ?? null;
    if (value === null || allowed.some((one) => quote(one, Infinity) === quote(value, Infinity))) return;
    throw new SwarrError("UNSUPPORTED", {
      what: `${this.where}: "${key}" is ${quote(value)}.`,
      expected: why,
      fix: "Use a checkpoint of a plain decoder of one of the supported families.",
    });
  }

  /** @throws `UNSUPPORTED` naming the first key that nothing read and no list knows */
  refuseUnknown(
    inert: { readonly [key: string]: string },
    fixed: { readonly [key: string]: readonly unknown[] },
  ): void {
    for (const [key, allowed] of Object.entries(fixed)) {
      if (this.#asked.has(key)) continue;
      const values = allowed.length === 0 ? "no such key." : `${allowed.map((value) => quote(value)).join(" or ")}.`;
      this.fixed(key, allowed, values);
    }
    for (const [key, value] of Object.entries(this.raw)) {
      if (this.#asked.has(key) || Object.hasOwn(inert, key)) continue;
      throw new SwarrError("UNSUPPORTED", {
        what: `${this.where} has the key "${key}" (${quote(value)}), which swarr does not know.`,
        expected: "keys whose meaning is known: an ignored key could make another model of the same weights.",
        fix: "Remove the key if it changes nothing, or report it so that it can be supported.",
      });
    }
  }

  bad(key: string, expected: string): SwarrError {
    const value = Object.hasOwn(this.raw, key) ? quote(this.raw[key]) : "missing";
    return new SwarrError("BAD_CONFIG", {
      what: `${this.where}: "${key}" is ${value}.`,
      expected,
      fix: "Correct the file, or download the checkpoint again.",
    });
  }
}
