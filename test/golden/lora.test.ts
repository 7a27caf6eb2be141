// Adapters that PEFT wrote, merged here, against the log-probs of the model that carried them there (scripts/record-golden.py).

import fs from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/base/json.ts";
import { loadCheckpoint } from "../../src/checkpoint/load.ts";
import { loadLora } from "../../src/checkpoint/lora.ts";
import { saveCheckpoint } from "../../src/checkpoint/save.ts";
import { createEngine } from "../../src/engine/create-engine.ts";
import { createScorer } from "../../src/generate/log-probs.ts";
import { mergeLora } from "../../src/model/lora.ts";
import { expectClose } from "../support/expect-close.ts";
import { scratchFolder } from "../support/scratch-folder.ts";
import { tolerances } from "../support/tolerances.ts";

interface Base {
  readonly ids: readonly number[];
  readonly variants: { readonly w8: { readonly config: JsonObject; readonly logProbs: readonly (number | null)[] } };
}

const ROOT = import.meta.dirname;
const read = (...names: readonly string[]): unknown => JSON.parse(fs.readFileSync(path.join(ROOT, ...names), "utf8"));
const base = read("checkpoints", "qwen2-f32", "golden.json") as Base;

describe("an adapter that PEFT wrote", () => {
  it.each(["all", "attention"])("%s: the merged model, saved and opened again, has the same log-probs", async (name) => {
    const source = scratchFolder();
    const weightsFile = path.join(ROOT, "checkpoints", "qwen2-f32", "model.safetensors");
    fs.copyFileSync(weightsFile, path.join(source, "model.safetensors"));
    fs.writeFileSync(path.join(source, "config.json"), JSON.stringify(base.variants.w8.config));
    const { config, weights, rawConfig } = await loadCheckpoint(source);
    const { lora, adapter } = loadLora(path.join(ROOT, "lora", name), config);
    const folder = path.join(scratchFolder(), "merged");
    await saveCheckpoint({ folder, config, weights: mergeLora(config, weights, lora, adapter), rawConfig });
    const merged = await loadCheckpoint(folder);
    const scorer = createScorer(createEngine({ threads: 1 }), merged.config, merged.weights);
    const actual = await scorer.logProbs(base.ids);
    await scorer.dispose();
    const { logProbs } = read("lora", name, "golden.json") as { logProbs: readonly (number | null)[] };
    expectClose(actual.subarray(1), logProbs.slice(1) as number[], tolerances.reference32, name);
    const moved = logProbs.map((value, i) => Math.abs((value ?? 0) - (base.variants.w8.logProbs[i] ?? 0)));
    expect(Math.max(...moved)).toBeGreaterThan(0.1); // the adapter does something
  });
});
