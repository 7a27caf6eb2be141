// Recipes: every default written out, every mistake named with its path and the remedy.

import { describe, expect, it } from "vitest";
import { configOfInit } from "./model-settings.ts";
import { nearestName } from "./explain.ts";
import { parseRecipe, recipeText } from "./read.ts";
import type { Recipe } from "./recipe.ts";

const SMALLEST = `
model: models/base
window: 64
data: { train: train.jsonl }
sft: { steps: 20, lr: 1e-3, batchTokens: 4096 }
rl: { steps: 4, lr: 1e-4, promptsPerStep: 8, groupSize: 4, maxNewTokens: 32 }
`;

function read(text: string, ...sets: readonly string[]): Recipe {
  return parseRecipe(text, "mine.yaml", sets);
}

describe("parseRecipe", () => {
  it("writes every default out", () => {
    const optimizer = { beta1: 0.9, beta2: 0.98, epsilon: 1e-8 };
    expect(read(SMALLEST)).toEqual({
      seed: 1,
      model: "models/base",
      window: 64,
      fullAttentionLayers: [],
      sinkTokens: 0,
      arms: ["sa", "swa"],
      data: {
        task: "file",
        train: "train.jsonl",
        rl: null,
        test: null,
        template: "plain",
        questionField: null,
        answerField: null,
      },
      pretrain: null,
      sft: {
        steps: 20,
        lr: 0.001,
        warmupSteps: 0,
        clipNorm: 1,
        microbatchTokens: 512,
        batchExamples: null,
        batchTokens: 4096,
        maxTokens: null,
        schedule: "cosine",
        optimizer: { ...optimizer, weightDecay: 0.01 },
      },
      rl: {
        steps: 4,
        lr: 0.0001,
        warmupSteps: 0,
        clipNorm: 1,
        microbatchTokens: 512,
        schedule: "constant",
        optimizer: { ...optimizer, weightDecay: 0 },
        promptsPerStep: 8,
        groupSize: 4,
        maxNewTokens: 32,
        temperature: 1,
        topP: 1,
        decodeBatch: 256,
        minibatches: 1,
        clipLow: 0.2,
        clipHigh: 0.28,
        advantage: { baseline: "mean", scale: "group", ddof: 0, epsilon: 1e-4 },
        overlong: null,
        formatWeight: 0,
      },
      rewards: null,
      moreSft: null,
      lora: null,
      eval: {
        modes: ["greedy", "sampled"],
        samples: 1,
        temperature: 1,
        topP: 1,
        maxNewTokens: 256,
        limit: null,
        decodeBatch: 256,
      },
      device: "cpu",
      precision: "float32",
      threads: null,
      snapshotEverySteps: 50,
      rolloutsEverySteps: 10,
    });
  });

  it("takes an adapter with all, some or none of its settings", () => {
    const targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];
    expect(read(SMALLEST, "lora={}").lora).toEqual({ rank: 16, alpha: 32, targets });
    expect(read(SMALLEST, "lora.rank=8").lora).toEqual({ rank: 8, alpha: 32, targets });
    expect(read(SMALLEST, "lora.rank=8", "lora.targets=[v_proj]").lora?.targets).toEqual(["v_proj"]);
    expect(read(SMALLEST, "lora.rank=8", "lora=null").lora).toBeNull();
  });

  it("reads its own resolved text back to the same settings", () => {
    const sized = read(SMALLEST, "model={init: {width: 64, layers: 2, queryHeads: 4, feedForwardWidth: 128}}");
    const adapted = read(SMALLEST, "lora={rank: 4, alpha: 0.5, targets: [q_proj, down_proj]}");
    for (const recipe of [read(SMALLEST), sized, adapted]) expect(read(recipeText(recipe))).toEqual(recipe);
  });

  it("names the line of broken YAML, and a key written twice", () => {
    expect(() => read("seed: 1\nmodel: [a\n")).toThrow(/mine.yaml is not valid YAML: .*line [23]/);
    expect(() => read("seed: 1\nseed: 2\n")).toThrow(/unique.*line 2/);
    const bomb = "abcdefgh".replace(
      /./g,
      (key) => `${key}: &${key} [${`*${String.fromCharCode(key.charCodeAt(0) - 1)},`.repeat(9)}]\n`,
    );
    expect(() => read(bomb.replaceAll("*`", "x"))).toThrow(/not valid YAML: Excessive alias count.*BAD_RECIPE/);
    expect(() => read("- seed\n")).toThrow(/mine.yaml holds \["seed"\]/);
  });
});

describe("a recipe with an unknown key", () => {
  const refused = (text: string, ...sets: readonly string[]) => expect(() => read(text, ...sets));

  it("is refused with its path and the nearest key", () => {
    refused(SMALLEST, "rl.gropuSize=8").toThrow(
      /rl.gropuSize is not a known key.*Did you mean rl.groupSize\?.*BAD_RECIPE/,
    );
    refused(SMALLEST, "Windo=8").toThrow(/Did you mean window\?/);
    refused(SMALLEST, "rl.advantage.dof=1").toThrow(/rl.advantage.dof .*Did you mean rl.advantage.ddof\?/);
    refused(SMALLEST, "model={init: {width: 64, layers: 2, heads: 4, feedForwardWidth: 9}}").toThrow(
      /model.init.heads is not a known key|model.init.queryHeads is not given/,
    );
  });

  it("is told where a key of that name does live", () => {
    refused(SMALLEST, "batchTokens=9").toThrow(/Did you mean pretrain.batchTokens or sft.batchTokens\?/);
  });

  it("is told when the key belongs to another task", () => {
    refused(SMALLEST, "data.testCount=9").toThrow(
      /data.testCount is not a known key.*does not go with data.task "file"/,
    );
  });

  it("is told how many mistakes there are", () => {
    refused(SMALLEST, "rl.gropuSize=8", "sft.lr=-1").toThrow(/the first of 2 mistakes/);
  });
});

describe("a recipe with a wrong value", () => {
  const cases: readonly (readonly [set: string, message: RegExp])[] = [
    ["window=0", /window is 0\. Expected at least 1\./],
    ["window=99999999999999", /window is 99999999999999\. Expected at most 2147483647\./],
    ["sinkTokens=2147483648", /sinkTokens is 2147483648\. Expected at most 2147483647\./],
    ["window=3.5", /window is 3.5\. Expected an integer\./],
    ["window=wide", /window is "wide"\. Expected a number\./],
    ["arms=[]", /arms is \[\]\. Expected at least 1 entry/],
    ["arms=[swa, sw]", /arms.1 is "sw"\. Expected one of "sa", "swa"/],
    ["arms=[swa, swa]", /arms is \[swa, swa\]\. Expected each arm once/],
    ["model=7", /model is 7\. Expected a text, or a mapping of settings/],
    ["model.init.width=64", /model.init.layers is not given\. Expected a number/],
    ["sft.lr=-1", /sft.lr is -1\. Expected more than 0/],
    ["sft.batchExamples=4", /sft.batchTokens is 4096\. Expected exactly one of batchExamples and batchTokens/],
    ["sft.batchTokens=null", /sft.batchTokens is null\. Expected exactly one of batchExamples and batchTokens/],
    ["sft.schedule=cosin", /sft.schedule is "cosin"\. Expected one of "constant", "linear", "cosine"/],
    ["rl.groupSize=1", /rl.groupSize is 1\. Expected at least 2/],
    ["rl.maxNewTokens=100000000000", /rl.maxNewTokens is 100000000000\. Expected .*at most 16777216/],
    [
      "data={task: running-total, testCount: 100000000000}",
      /data.testCount is 100000000000\. Expected .*at most 1000000/,
    ],
    ["threads=1000000", /threads is 1000000\. Expected .*at most 256/],
    ["eval.temperature=1e-300", /eval.temperature is 1e-300\. Expected .*at least 0.000001/],
    ["rl.temperature=0.7", /rl.temperature is 0.7\. Expected 1/],
    ["rl.clipLow=1", /rl.clipLow is 1\. Expected less than 1/],
    ["rl={steps: 4}", /rl.lr is not given/],
    ["data.train=null", /data.train is not given, and the stage sft needs it.*--set data.train=FILE/],
    ["data.task=crossword", /data.task is "crossword"/],
    ["pretrain={steps: 1, lr: 1, batchExamples: 1}", /pretrain is given, and model is the folder "models\/base"/],
    ["lora.rank=0", /lora.rank is 0\. Expected at least 1/],
    ["lora.alpha=0", /lora.alpha is 0\. Expected more than 0/],
    ["lora.targets=[lm_head]", /lora.targets.0 is "lm_head"\. Expected one of "q_proj"/],
    ["lora.targets=[q_proj, q_proj]", /lora.targets is \["q_proj","q_proj"\]\. Expected each target once/],
    ["lora.dropout=0.1", /lora.dropout is not a known key.*one of rank, alpha, targets/],
    ["moreSft.steps=many", /moreSft.steps is "many"\. Expected "match-rl", or a number/],
    ["eval.topP=1.5", /eval.topP is 1.5\. Expected at most 1/],
  ];
  for (const [set, message] of cases) {
    it(`says what ${set} should be`, () => expect(() => read(SMALLEST, set)).toThrow(message));
  }

  it("refuses a control that has nothing to go on from or to match", () => {
    expect(() => read(SMALLEST, "moreSft={}", "rl=null")).toThrow(/moreSft is given, and rl is null/);
    expect(() => read(SMALLEST, "moreSft={}", "arms=[sa]")).toThrow(/moreSft is given, and arms has no swa/);
    expect(read(SMALLEST, "moreSft={steps: 9}", "rl=null").moreSft).toEqual({ steps: 9 });
  });
});

describe("--set", () => {
  it("lays values over the file, later ones over earlier ones, typed as YAML types them", () => {
    const recipe = read(
      SMALLEST,
      "rl.steps=9",
      "sft=null",
      "data.rl=rl: x.jsonl",
      "seed=7",
      "rl.steps=10",
      "arms=[swa]",
    );
    expect([recipe.rl?.steps, recipe.sft, recipe.seed, recipe.arms]).toEqual([10, null, 7, ["swa"]]);
    expect(recipe.data).toMatchObject({ train: "train.jsonl", rl: "rl: x.jsonl" });
  });

  it("makes the levels on the way", () => {
    expect(read(SMALLEST, "eval.limit=5").eval.limit).toBe(5);
  });

  it("refuses what is not a setting", () => {
    for (const set of ["rl.steps", "=4", "rl..steps=4", "__proto__.x=1", "rl.steps =4"]) {
      expect(() => read(SMALLEST, set), set).toThrow(/is not a setting.*BAD_ARGUMENT/);
    }
    expect(() => read(SMALLEST, "arms=[swa")).toThrow(/cannot read the value "\[swa"/);
  });
});

describe("nearestName", () => {
  it("forgives swaps, case and a wrong letter or two, and nothing more", () => {
    const known = ["groupSize", "steps", "lr", "promptsPerStep"];
    const nearest = ["gropuSize", "groupsize", "step", "rl", "prompsPerSteps", "colour"].map((name) =>
      nearestName(name, known),
    );
    expect(nearest).toEqual(["groupSize", "groupSize", "steps", "lr", "promptsPerStep", null]);
  });
});

describe("configOfInit", () => {
  it("refuses heads that do not divide, and takes the head width from the model's", () => {
    const recipe = (queryHeads: number): Recipe =>
      read(
        SMALLEST,
        `model={init: {width: 96, layers: 1, queryHeads: ${queryHeads}, keyValueHeads: 2, feedForwardWidth: 9}}`,
      );
    const initOf = ({ model }: Recipe) => (typeof model === "string" ? expect.fail("no init") : model.init);
    expect(configOfInit(initOf(recipe(6)), 10).headWidth).toBe(16);
    expect(() => configOfInit(initOf(recipe(3)), 10)).toThrow(/keyValueHeadCount is 2/);
    expect(() => recipe(7)).toThrow(
      /model.init.headWidth is not given. Expected a head width where width is not a multiple/,
    );
  });
});
