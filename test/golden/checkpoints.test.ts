// Log-probs and greedy continuations of tiny checkpoints against those transformers recorded (scripts/record-golden.py).

import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { importConfig } from "../../src/checkpoint/hf-config.ts";
import { loadCheckpoint } from "../../src/checkpoint/load.ts";
import { createEngine } from "../../src/engine/create-engine.ts";
import { createSampler } from "../../src/generate/decode.ts";
import { createScorer } from "../../src/generate/log-probs.ts";
import type { JsonObject } from "../../src/base/json.ts";
import type { ModelConfig } from "../../src/model/config.ts";
import { withWindow } from "../../src/model/window.ts";
import type { Weights } from "../../src/tensor/tensor.ts";
import { expectClose } from "../support/expect-close.ts";
import { scratchFolder } from "../support/scratch-folder.ts";
import { tolerances } from "../support/tolerances.ts";

interface Variant {
  readonly windows: readonly (number | null)[];
  readonly config: JsonObject;
  readonly configVersion4: JsonObject;
  /** natural log; null for the first */
  readonly logProbs: readonly (number | null)[];
  readonly lastLogits: readonly number[];
  readonly prompt: readonly number[];
  readonly greedy: readonly number[];
}

interface Golden {
  readonly header: { readonly weightsSha256: string };
  readonly ids: readonly number[];
  readonly variants: { readonly [name: string]: Variant };
}

const ROOT = path.join(import.meta.dirname, "checkpoints");
const CASES = fs.readdirSync(ROOT).flatMap((name) => {
  const golden = JSON.parse(fs.readFileSync(path.join(ROOT, name, "golden.json"), "utf8")) as Golden;
  return Object.entries(golden.variants).map(([variant, record]) => ({ name, variant, record, golden }));
});

/** A checkpoint folder as transformers would have written the variant. */
function variantFolder(name: string, record: Variant): string {
  const folder = scratchFolder();
  fs.copyFileSync(path.join(ROOT, name, "model.safetensors"), path.join(folder, "model.safetensors"));
  fs.writeFileSync(path.join(folder, "config.json"), JSON.stringify(record.config));
  return folder;
}

const engine = createEngine({ threads: 1 });

async function logProbsOf(config: ModelConfig, weights: Weights, ids: readonly number[]): Promise<Float32Array> {
  const scorer = createScorer(engine, config, weights);
  try {
    return await scorer.logProbs(ids);
  } finally {
    await scorer.dispose();
  }
}

async function greedyOf(config: ModelConfig, weights: Weights, { prompt, greedy }: Variant): Promise<readonly number[]> {
  const sampler = createSampler({ engine, config, weights });
  const request = { promptIds: prompt, maxNewTokens: greedy.length, temperature: 0, topP: 1, seed: 0 };
  try {
    const [response] = await sampler.sample([request], { endIds: [] });
    return [...response!.ids];
  } finally {
    await sampler.dispose();
  }
}

describe("a checkpoint that transformers wrote", () => {
  it.each(CASES)("$name $variant: same log-probs past the window, same greedy tokens", async (testCase) => {
    const { name, record, golden } = testCase;
    const { config, weights } = await loadCheckpoint(variantFolder(name, record));
    expect(config.windows).toEqual(record.windows);
    // One more token whose log-prob the recorded last logits give: the least likely, where rounding would show most.
    const last = record.lastLogits.indexOf(Math.min(...record.lastLogits));
    const shift = Math.max(...record.lastLogits);
    const sum = record.lastLogits.reduce((total, logit) => total + Math.exp(logit - shift), 0);
    const expected = [...record.logProbs.slice(1), record.lastLogits[last]! - shift - Math.log(sum)] as number[];
    const actual = await logProbsOf(config, weights, [...golden.ids, last]);
    expectClose(actual.subarray(1), expected, tolerances.reference32, `${name} ${testCase.variant}`);
    expect(await greedyOf(config, weights, record)).toEqual(record.greedy);
  });

  it.each(CASES)("$name $variant: version 4's spelling of config.json means the same model", ({ record }) => {
    expect(importConfig(record.configVersion4, "v4")).toEqual(importConfig(record.config, "v5"));
  });

  it("is windowed by an override exactly as by its own config", async () => {
    const golden = CASES.filter(({ name }) => name === "qwen2-f32");
    const full = golden.find(({ variant }) => variant === "full")!;
    const { config, weights } = await loadCheckpoint(variantFolder(full.name, full.record));
    for (const { variant, record } of golden) {
      const window = record.windows.find((entry) => entry !== null) ?? null;
      const fullLayers = window === null ? [] : record.windows.flatMap((entry, layer) => (entry === null ? [layer] : []));
      const actual = await logProbsOf(withWindow(config, window, fullLayers), weights, full.golden.ids);
      expectClose(actual.subarray(1), record.logProbs.slice(1) as number[], tolerances.reference32, variant);
    }
  });
});

describe("the golden files", () => {
  it("belong to the weights beside them, and cover every family, type and window", () => {
    for (const { name, golden } of CASES) {
      const bytes = fs.readFileSync(path.join(ROOT, name, "model.safetensors"));
      expect(createHash("sha256").update(bytes).digest("hex"), name).toBe(golden.header.weightsSha256);
    }
    const names = new Set(CASES.map(({ name }) => name));
    for (const family of ["qwen2", "qwen3", "llama", "mistral"]) {
      for (const type of ["f32", "f16", "bf16"]) expect(names).toContain(`${family}-${type}`);
    }
    expect(new Set(CASES.map(({ record }) => record.config.model_type))).toContain("ministral");
  });
});
