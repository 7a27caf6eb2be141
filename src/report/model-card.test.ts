// Laws of the model card: it states the window with its convention, and what was not tried it does not claim.

import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { modelCard, type ModelCardFacts } from "./model-card.ts";

const facts: ModelCardFacts = {
  name: "tiny-w36",
  family: "qwen2",
  base: 'owner/tiny: "base"',
  license: "apache-2.0",
  window: 36,
  fullAttentionLayers: [],
  layerCount: 2,
  sinkTokens: 0,
  stage: "rl",
  results: null,
  loaders: [],
  swarrVersion: "0.1.0",
};

describe("modelCard", () => {
  it("opens with metadata that is YAML whatever the names contain", () => {
    const [, block] = modelCard(facts).split("---\n");
    expect(parse(block ?? "")).toMatchObject({ base_model: 'owner/tiny: "base"', license: "apache-2.0" });
  });

  it("states the window with the query counted", () => {
    expect(modelCard(facts)).toContain("itself and the 35 tokens before it: **W = 36, the query counted**");
  });

  it("names the layers that keep full attention, and the sink tokens that no key states", () => {
    const card = modelCard({ ...facts, fullAttentionLayers: [0], sinkTokens: 4 });
    expect(card).toContain("Of 2 layers, 0 (from 0) keep full attention");
    expect(card).toMatch(/first 4 positions.*No standard key/);
  });

  it("claims nothing about programs that were not tried, and warns about one that ignores the window", () => {
    expect(modelCard(facts)).toContain("No program other than swarr has been tried");
    const loaders = [{ loader: "loader 1.0", verdict: "full-attention" }] as const;
    expect(modelCard({ ...facts, loaders })).toContain("| loader 1.0 | **runs full attention** |");
  });
});
