import { describe, expect, it } from "vitest";
import { tinyConfig } from "../../test/support/tiny-model.ts";
import type { JsonObject } from "../base/json.ts";
import type { ModelConfig } from "../model/config.ts";
import { withWindow } from "../model/window.ts";
import { defaultEndIds, exportConfig, importConfig, readEndIds } from "./hf-config.ts";

/** The keys every family needs, for a model of four layers. */
const SIZES = {
  vocab_size: 64,
  hidden_size: 32,
  intermediate_size: 48,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  num_key_value_heads: 2,
};

/** Published configs of version 4, keys as they are in the files, sizes made small. */
const PUBLISHED: { readonly [name: string]: JsonObject } = {
  qwen2: {
    ...SIZES,
    architectures: ["Qwen2ForCausalLM"],
    attention_dropout: 0.0,
    bos_token_id: 60,
    eos_token_id: 61,
    hidden_act: "silu",
    initializer_range: 0.02,
    max_position_embeddings: 32768,
    max_window_layers: 24,
    model_type: "qwen2",
    rms_norm_eps: 1e-6,
    rope_theta: 1000000.0,
    sliding_window: 32768,
    tie_word_embeddings: true,
    torch_dtype: "bfloat16",
    transformers_version: "4.43.1",
    use_cache: true,
    use_mrope: false,
    use_sliding_window: false,
  },
  qwen3: {
    ...SIZES,
    architectures: ["Qwen3ForCausalLM"],
    attention_bias: false,
    attention_dropout: 0.0,
    bos_token_id: 60,
    eos_token_id: 61,
    head_dim: 16,
    hidden_act: "silu",
    initializer_range: 0.02,
    max_position_embeddings: 40960,
    max_window_layers: 28,
    model_type: "qwen3",
    rms_norm_eps: 1e-6,
    rope_scaling: null,
    rope_theta: 1000000,
    sliding_window: null,
    tie_word_embeddings: true,
    torch_dtype: "bfloat16",
    transformers_version: "4.51.0",
    use_cache: true,
    use_sliding_window: false,
  },
  llama: {
    ...SIZES,
    architectures: ["LlamaForCausalLM"],
    attention_bias: false,
    attention_dropout: 0.0,
    bos_token_id: 60,
    eos_token_id: [61, 62, 63],
    head_dim: 8,
    hidden_act: "silu",
    initializer_range: 0.02,
    max_position_embeddings: 131072,
    mlp_bias: false,
    model_type: "llama",
    pretraining_tp: 1,
    rms_norm_eps: 1e-5,
    rope_scaling: {
      factor: 32.0,
      high_freq_factor: 4.0,
      low_freq_factor: 1.0,
      original_max_position_embeddings: 8192,
      rope_type: "llama3",
    },
    rope_theta: 500000.0,
    tie_word_embeddings: true,
    torch_dtype: "bfloat16",
    transformers_version: "4.45.0.dev0",
    use_cache: true,
  },
  mistral: {
    ...SIZES,
    architectures: ["MistralForCausalLM"],
    bos_token_id: 1,
    eos_token_id: 2,
    hidden_act: "silu",
    initializer_range: 0.02,
    max_position_embeddings: 32768,
    model_type: "mistral",
    rms_norm_eps: 1e-5,
    rope_theta: 10000.0,
    sliding_window: 4096,
    tie_word_embeddings: false,
    torch_dtype: "bfloat16",
    transformers_version: "4.34.0.dev0",
    use_cache: true,
  },
};

const imported = (raw: JsonObject): ModelConfig => importConfig(raw, "config.json");
const windowsOf = (raw: JsonObject): readonly (number | null)[] => imported(raw).windows;

describe("importConfig", () => {
  it("reads the published configs of every family", () => {
    const [qwen2, qwen3, llama, mistral] = ["qwen2", "qwen3", "llama", "mistral"].map((name) =>
      imported(PUBLISHED[name]!),
    );
    expect(qwen2).toMatchObject({ queryKeyValueBias: true, attentionOutputBias: false, headWidth: 8, tiedHead: true });
    expect(qwen3).toMatchObject({ queryKeyNorm: true, queryKeyValueBias: false, headWidth: 16, ropeTheta: 1e6 });
    expect(llama).toMatchObject({ ropeScaling: { kind: "llama3", factor: 32 }, normEpsilon: 1e-5 });
    expect(mistral).toMatchObject({ windows: [4096, 4096, 4096, 4096], tiedHead: false });
    for (const full of [qwen2, qwen3, llama]) expect(full!.windows).toEqual([null, null, null, null]);
  });

  it("gives absent keys what transformers gives them", () => {
    const bare = (model_type: string): ModelConfig => {
      const { num_key_value_heads: _heads, ...sizes } = SIZES;
      return imported({ ...sizes, num_attention_heads: 32, hidden_size: 64, model_type });
    };
    expect(bare("qwen2")).toMatchObject({ keyValueHeadCount: 32, headWidth: 2, maxPositions: 32768, ropeTheta: 10000 });
    expect(bare("qwen3")).toMatchObject({ keyValueHeadCount: 32, headWidth: 128 });
    expect(bare("llama")).toMatchObject({ keyValueHeadCount: 32, maxPositions: 2048, tiedHead: false });
    expect(bare("mistral")).toMatchObject({ keyValueHeadCount: 8, maxPositions: 131072, windows: Array(4).fill(4096) });
  });

  it("slides Qwen's layers only when use_sliding_window says so, from max_window_layers on or as layer_types lists", () => {
    const qwen = { ...SIZES, model_type: "qwen2", sliding_window: 7 };
    expect(windowsOf({ ...qwen, max_window_layers: 0 })).toEqual([null, null, null, null]);
    expect(windowsOf({ ...qwen, use_sliding_window: true })).toEqual([null, null, null, null]); // 28 by default
    expect(windowsOf({ ...qwen, use_sliding_window: true, max_window_layers: 1 })).toEqual([null, 7, 7, 7]);
    const types = ["sliding_attention", "full_attention", "full_attention", "sliding_attention"];
    expect(windowsOf({ ...qwen, use_sliding_window: true, max_window_layers: 4, layer_types: types })).toEqual([
      7,
      null,
      null,
      7,
    ]);
    expect(() => windowsOf({ ...qwen, layer_types: types })).toThrow(
      /"sliding_window" is 7.*layer_types\[0\].*BAD_CONFIG/,
    );
  });

  it("reads Mistral's absent window as 4096, null as none, and a list of types as Ministral", () => {
    const mistral = { ...SIZES, model_type: "mistral" };
    expect(windowsOf({ ...mistral, sliding_window: null })).toEqual([null, null, null, null]);
    const types = ["full_attention", "sliding_attention", "full_attention", "sliding_attention"];
    const listed = imported({ ...mistral, sliding_window: 9, layer_types: types });
    expect(listed).toMatchObject({ family: "ministral", windows: [null, 9, null, 9] });
    expect(imported({ ...mistral, model_type: "ministral", sliding_window: 9 }).windows).toEqual([9, 9, 9, 9]);
  });

  it("reads both dialects of the rotary keys as the same model, and refuses two that differ", () => {
    const base = { ...SIZES, model_type: "llama" };
    const scaling = { factor: 4.0, original_max_position_embeddings: 512 };
    const version4 = imported({ ...base, rope_theta: 5e5, rope_scaling: { type: "yarn", ...scaling } });
    const version5 = imported({ ...base, rope_parameters: { rope_type: "yarn", rope_theta: 5e5, ...scaling } });
    expect(version4).toEqual(version5);
    // 0.1 ln 4 + 1: what yarn multiplies cos and sin with when the file does not say.
    expect(version5.ropeScaling).toMatchObject({
      attentionFactor: 0.1 * Math.log(4) + 1,
      betaFast: 32,
      truncate: true,
    });
    expect(() => imported({ ...base, rope_theta: 1e4, rope_parameters: { rope_theta: 5e5 } })).toThrow(
      /"rope_theta" is 10000/,
    );
    const both = { rope_scaling: { type: "linear", factor: 2 }, rope_parameters: { rope_type: "linear", factor: 4 } };
    expect(() => imported({ ...base, ...both })).toThrow(/"rope_scaling".*BAD_CONFIG/);
  });

  it.each<[JsonObject, RegExp]>([
    [{ model_type: "gemma3" }, /"model_type" is "gemma3".*UNSUPPORTED/],
    [{ model_type: undefined }, /"model_type" is missing.*BAD_CONFIG/],
    [{ architectures: ["LlamaForSequenceClassification"] }, /architectures.*UNSUPPORTED/],
    [{ hidden_act: "gelu" }, /"hidden_act" is "gelu".*UNSUPPORTED/],
    [{ quantization_config: { quant_method: "gptq" } }, /"quantization_config".*UNSUPPORTED/],
    [{ partial_rotary_factor: 0.5 }, /"partial_rotary_factor" is 0.5.*UNSUPPORTED/],
    [{ logit_scale: 0.1 }, /has the key "logit_scale" \(0.1\), which swarr does not know.*UNSUPPORTED/],
    [{ auto_map: { AutoModel: "x.Y" } }, /"auto_map".*UNSUPPORTED/],
    [{ sliding_window: 8 }, /"sliding_window" is 8.*UNSUPPORTED/],
    [{ layer_types: Array(4).fill("sliding_attention") }, /layer_types\[0\].*UNSUPPORTED/],
    [{ layer_types: ["full_attention"] }, /"layer_types".*4 entries.*BAD_CONFIG/],
    [{ layer_types: ["full_attention", "mamba", "full_attention", "full_attention"] }, /layer_types\[1\] is "mamba"/],
    [{ rope_scaling: { type: "dynamic", factor: 2 } }, /rotary type is "dynamic".*UNSUPPORTED/],
    [{ rope_scaling: { type: "linear" } }, /"factor" is missing.*BAD_CONFIG/],
    [{ rope_scaling: { type: "linear", factor: 2, mrope_section: [1] } }, /key "mrope_section"/],
    [{ rope_parameters: { full_attention: { rope_theta: 1 } } }, /key "full_attention"/],
    [{ hidden_size: undefined }, /"hidden_size" is missing.*BAD_CONFIG/],
    [{ hidden_size: "32" }, /"hidden_size" is "32".*BAD_CONFIG/],
    [{ hidden_size: -32 }, /"hidden_size" is -32.*BAD_CONFIG/],
    [{ num_hidden_layers: 2 ** 30 }, /"num_hidden_layers" is 1073741824.*at most 10000/],
    [{ num_key_value_heads: 3 }, /"num_key_value_heads" is 3.*divisor/],
    [{ head_dim: 5 }, /"head_dim" is 5.*even/],
    [{ num_attention_heads: 3, num_key_value_heads: 1 }, /"head_dim" is missing.*32 is not a multiple of 3/],
    [{ rms_norm_eps: 0 }, /"rms_norm_eps" is 0/],
    [{ tie_word_embeddings: "yes" }, /"tie_word_embeddings" is "yes"/],
    [{ eos_token_id: "2" }, /"eos_token_id" is "2"/],
  ])("refuses %j by name", (changes, fault) => {
    const raw = Object.fromEntries(
      Object.entries<unknown>({ ...SIZES, model_type: "llama", ...changes }).filter(([, value]) => value !== undefined),
    );
    expect(() => imported(raw)).toThrow(fault);
  });
});

describe("exportConfig", () => {
  it("gives back the config it came with when nothing changed, but for the keys that state the window", () => {
    for (const [name, raw] of Object.entries(PUBLISHED)) {
      const config = imported(raw);
      const again = exportConfig(config, { rawConfig: raw, weightType: null });
      const window = ["use_sliding_window", "sliding_window", "max_window_layers", "layer_types"];
      for (const key of Object.keys(raw))
        if (!window.includes(key)) expect(again[key], `${name} ${key}`).toEqual(raw[key]);
      for (const key of Object.keys(again)) expect([...Object.keys(raw), ...window], name).toContain(key);
      expect(imported(again), name).toEqual(config);
    }
  });

  it("states any plan so that it is read again as the same model", () => {
    for (const [name, raw] of Object.entries(PUBLISHED)) {
      for (const [window, full] of [
        [5, []],
        [5, [0]],
        [5, [1, 3]],
        [null, []],
      ] as const) {
        const config = withWindow(imported(raw), window, full);
        const again = imported(exportConfig(config, { rawConfig: raw, weightType: "F32" }));
        expect({ ...again, family: "any" }, `${name} ${window} full ${full.join()}`).toEqual({
          ...config,
          family: "any",
        });
      }
    }
  });

  it("states a Qwen window in all four keys", () => {
    const raw = PUBLISHED.qwen2!;
    const stated = (full: readonly number[]): JsonObject =>
      exportConfig(withWindow(imported(raw), 5, full), { rawConfig: raw, weightType: null });
    expect(stated([])).toMatchObject({ use_sliding_window: true, sliding_window: 5, max_window_layers: 0 });
    expect(stated([]).layer_types).toEqual(Array(4).fill("sliding_attention"));
    expect(stated([0, 1])).toMatchObject({ max_window_layers: 2 });
  });

  it("turns a windowed Llama into a Mistral that spells out what Mistral would fill in otherwise", () => {
    const { num_key_value_heads: _heads, eos_token_id: _eos, rms_norm_eps: _eps, ...raw } = PUBLISHED.llama!;
    const config = withWindow(imported(raw), 6);
    const renamed = exportConfig(config, { rawConfig: raw, weightType: null });
    expect(renamed).toMatchObject({
      model_type: "mistral",
      architectures: ["MistralForCausalLM"],
      sliding_window: 6,
      num_key_value_heads: 4,
      rms_norm_eps: 1e-6,
      eos_token_id: 2,
      rope_scaling: { rope_type: "llama3" },
    });
    for (const key of ["attention_bias", "mlp_bias", "pretraining_tp", "layer_types"])
      expect(renamed).not.toHaveProperty(key);
    const pattern = exportConfig(withWindow(config, 6, [0]), { rawConfig: raw, weightType: null });
    expect(pattern).toMatchObject({ model_type: "ministral", architectures: ["MinistralForCausalLM"], head_dim: 8 });
  });

  it.each([{ attention_bias: true }, { mlp_bias: true }])("refuses a windowed Llama with %j, saying why", (bias) => {
    const raw = { ...PUBLISHED.llama!, ...bias };
    const config = imported(raw);
    expect(() => exportConfig(withWindow(config, 6), { rawConfig: raw, weightType: null })).toThrow(
      /This Llama has (attention|mlp)_bias true and cannot be written with a window.*"mistral", which has one, has no biases/,
    );
    expect(imported(exportConfig(config, { rawConfig: raw, weightType: null }))).toEqual(config);
  });

  it("refuses layers with different windows, which no family can say", () => {
    const config = tinyConfig({ family: "mistral", windows: [4, 5] });
    expect(() => exportConfig(config, { weightType: "F32" })).toThrow(/BAD_WINDOW/);
  });

  it("states the stored type in the key the file has, and sink tokens in a key of its own", () => {
    const old = exportConfig(imported(PUBLISHED.mistral!), { rawConfig: PUBLISHED.mistral, weightType: "F16" });
    expect(old.torch_dtype).toBe("float16");
    expect(old).not.toHaveProperty("dtype");
    const sunk = exportConfig(
      { ...imported(PUBLISHED.qwen3!), sinkTokens: 4 },
      { rawConfig: PUBLISHED.qwen3, weightType: null },
    );
    expect(sunk.swarr_sink_tokens).toBe(4);
    expect(imported(sunk).sinkTokens).toBe(4);
  });
});

describe("readEndIds", () => {
  it("takes one id, a list, or null, and tells an absent key from null", () => {
    expect(readEndIds({ eos_token_id: 5 }, "f")).toEqual([5]);
    expect(readEndIds({ eos_token_id: [5, 6, 5] }, "f")).toEqual([5, 6]);
    expect(readEndIds({ eos_token_id: null }, "f")).toEqual([]);
    expect(readEndIds({}, "f")).toBeNull();
    expect(defaultEndIds("llama")).toEqual([2]);
    expect(defaultEndIds("qwen2")).toEqual([]);
  });
});
