import fs from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { expectClose } from "../../test/support/expect-close.ts";
import { scratchFolder } from "../../test/support/scratch-folder.ts";
import { tinyConfig, tinyWeights } from "../../test/support/tiny-model.ts";
import { randomStream } from "../base/seeds.ts";
import type { JsonObject } from "../base/json.ts";
import { initialLora, loraGradients, loraScale, mergeLora, type LoraConfig } from "../model/lora.ts";
import type { Weights } from "../tensor/tensor.ts";
import { loadLora, saveLora } from "./lora.ts";

const config = tinyConfig({ family: "qwen2", queryKeyValueBias: true });
const weights = tinyWeights(config);
const lora: LoraConfig = { rank: 2, alpha: 6, targets: ["q_proj", "v_proj", "gate_proj", "down_proj"] };

function randomAdapter(seed: number): Weights {
  const adapter = initialLora(config, lora, seed);
  const stream = randomStream({ root: seed, purpose: "test" });
  for (const data of adapter.values()) for (let i = 0; i < data.length; i++) data[i] = stream.normal();
  return adapter;
}

const at = (name: string, adapter: Weights): Float32Array => adapter.get(name)!;

describe("mergeLora", () => {
  it("changes nothing when the adapter is fresh", () => {
    const merged = mergeLora(config, weights, lora, initialLora(config, lora, 1));
    for (const [name, data] of weights) expect(merged.get(name), name).toEqual(data);
  });

  it("adds alpha / rank times B A to the rows of its matrix and to no others", () => {
    const adapter = randomAdapter(1);
    const merged = mergeLora(config, weights, lora, adapter).get("layers.1.qkv")!;
    const base = weights.get("layers.1.qkv")!;
    const { width: D, headWidth: K, queryHeadCount: H, keyValueHeadCount: G } = config;
    const [a, b] = [at("layers.1.v_proj.loraA", adapter), at("layers.1.v_proj.loraB", adapter)];
    const firstValueRow = (H + G) * K;
    for (let row = H * K; row < firstValueRow; row++) {
      expect(merged.slice(row * D, (row + 1) * D)).toEqual(base.slice(row * D, (row + 1) * D)); // the rows of k
    }
    const [row, column] = [3, 5];
    const product = b[row * 2]! * a[column]! + b[row * 2 + 1]! * a[D + column]!;
    const place = (firstValueRow + row) * D + column;
    expectClose([merged[place]!], [base[place]! + 3 * product], { absolute: 1e-6, relative: 1e-6 });
  });

  it("merges again into the same arrays", () => {
    const into: Weights = new Map();
    const first = mergeLora(config, weights, lora, randomAdapter(1), into).get("layers.0.down")!;
    const copy = first.slice();
    const second = mergeLora(config, weights, lora, randomAdapter(2), into).get("layers.0.down")!;
    expect(second).toBe(first);
    expect(second).not.toEqual(copy);
    expect(mergeLora(config, weights, lora, randomAdapter(1), into).get("layers.0.down")).toEqual(copy);
  });

  it("divides alpha by the square root of the rank when stabilised", () => {
    expect(loraScale({ ...lora, rank: 16, alpha: 8 })).toBe(0.5);
    expect(loraScale({ ...lora, rank: 16, alpha: 8, rankStabilised: true })).toBe(2);
  });
});

describe("loraGradients", () => {
  it("is the derivative of any function of the merged weights, by central differences", () => {
    // The function: the sum of every merged number times a fixed random one, whose gradient is those random ones.
    const stream = randomStream({ root: 9, purpose: "test" });
    const upstream: Weights = new Map([...weights].map(([name, data]) => [name, data.map(() => stream.normal())]));
    const adapter = randomAdapter(3);
    const value = (): number => {
      let total = 0;
      for (const [name, data] of mergeLora(config, weights, lora, adapter)) {
        const gradient = upstream.get(name)!;
        for (let i = 0; i < data.length; i++) total += data[i]! * gradient[i]!;
      }
      return total;
    };
    const gradients = loraGradients(config, lora, adapter, upstream);
    for (const name of [
      "layers.0.q_proj.loraA",
      "layers.1.v_proj.loraB",
      "layers.0.gate_proj.loraB",
      "layers.1.down_proj.loraA",
    ]) {
      const data = adapter.get(name)!;
      for (const i of [0, 7, data.length - 1]) {
        const kept = data[i]!;
        const step = 0.25; // the function is linear in each number alone, so a large step has no error but rounding
        data[i] = kept + step;
        const above = value();
        data[i] = kept - step;
        const below = value();
        data[i] = kept;
        expectClose(
          [gradients.get(name)![i]!],
          [(above - below) / (2 * step)],
          { absolute: 1e-3, relative: 1e-4 },
          `${name} ${i}`,
        );
      }
    }
  });
});

describe("saveLora and loadLora", () => {
  it("bring an adapter back as it was", async () => {
    const folder = path.join(scratchFolder(), "adapter");
    const adapter = randomAdapter(4);
    await saveLora({ folder, config, lora, adapter, base: "org/model" });
    expect(loadLora(folder, config)).toEqual({ lora, adapter });
  });

  it.each<[string, (json: JsonObject) => JsonObject, RegExp]>([
    ["another method", (json) => ({ ...json, peft_type: "IA3" }), /"peft_type" is "IA3".*UNSUPPORTED/],
    ["a module it cannot reach", (json) => ({ ...json, target_modules: ["lm_head"] }), /"target_modules".*UNSUPPORTED/],
    ["trained biases", (json) => ({ ...json, bias: "all" }), /"bias" is "all".*UNSUPPORTED/],
    ["an option that is on", (json) => ({ ...json, use_dora: true }), /"use_dora" is true.*UNSUPPORTED/],
    ["ranks by layer", (json) => ({ ...json, rank_pattern: { q_proj: 4 } }), /"rank_pattern".*UNSUPPORTED/],
    ["a rank of zero", (json) => ({ ...json, r: 0 }), /"r" is 0.*BAD_CONFIG/],
    [
      "a start that changed the base",
      (json) => ({ ...json, init_lora_weights: "pissa_niter_16" }),
      /"init_lora_weights" is "pissa_niter_16".*UNSUPPORTED/,
    ],
    [
      "another rank than its tensors",
      (json) => ({ ...json, r: 3 }),
      /adapter_model\.safetensors.*lora_A\.weight" is F32 \[2, 16\].*\[3, 16\]/,
    ],
    ["fewer targets than its tensors", (json) => ({ ...json, target_modules: ["q_proj"] }), /TENSOR_UNKNOWN/],
    [
      "more targets than its tensors",
      (json) => ({ ...json, target_modules: ["q_proj", "o_proj"] }),
      /o_proj\.lora_A\.weight".*TENSOR_MISSING/,
    ],
  ])("refuse %s, naming file and key", async (_name, change, fault) => {
    const folder = path.join(scratchFolder(), "adapter");
    await saveLora({ folder, config, lora, adapter: randomAdapter(4), base: "org/model" });
    const file = path.join(folder, "adapter_config.json");
    fs.writeFileSync(file, JSON.stringify(change(JSON.parse(fs.readFileSync(file, "utf8")) as JsonObject)));
    expect(() => loadLora(folder, config)).toThrow(fault);
  });
});
