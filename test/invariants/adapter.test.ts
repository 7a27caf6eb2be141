// What must agree about training an adapter: its gradient with the loss, the frozen base with itself, the bytes with those of another try.

import fs from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { randomStream } from "../../src/base/seeds.ts";
import { loadCheckpoint } from "../../src/checkpoint/load.ts";
import { loadLora } from "../../src/checkpoint/lora.ts";
import { graphOf } from "../../src/graph/check.ts";
import { interpret } from "../../src/graph/interpret.ts";
import type { ModelConfig } from "../../src/model/config.ts";
import {
  initialLora,
  loraSites,
  mergeLora,
  type LoraAdapter,
  type LoraConfig,
  type LoraTarget,
} from "../../src/model/lora.ts";
import { SequenceInputs } from "../../src/model/sequence.ts";
import { viewArrays, viewsOf } from "../../src/model/views.ts";
import { withWindow } from "../../src/model/window.ts";
import { drawModel, makeBases } from "../../src/recipe/base-models.ts";
import { parseRecipe } from "../../src/recipe/read.ts";
import { runJob } from "../../src/recipe/run-job.ts";
import { replicate } from "../../src/replicas/model.ts";
import { runPaths } from "../../src/run/folder.ts";
import { runSft } from "../../src/stage1-sft/run.ts";
import { sftSettings } from "../../src/stage1-sft/settings.ts";
import { runRl } from "../../src/stage2-rl/run.ts";
import type { Weights } from "../../src/tensor/tensor.ts";
import { packSequences, type PackSequence } from "../../src/tokens/pack.ts";
import { trainOutputs } from "../../src/train/step.ts";
import { crossEntropy } from "../../src/train/token-loss.ts";
import { digitsTask, shortRl } from "../support/digits-task.ts";
import { expectClose } from "../support/expect-close.ts";
import { scratchFolder } from "../support/scratch-folder.ts";
import { tinyConfig, tinyIds, tinyWeights } from "../support/tiny-model.ts";
import { eventsOf, tinyStage, tinyStageConfig, type TinyStage, type TinyStageOptions } from "../support/tiny-stage.ts";
import { tolerances } from "../support/tolerances.ts";

const copyOf = (weights: Weights): Weights => new Map([...weights].map(([name, data]) => [name, data.slice()]));

/** The part of the weights a target stands for, as the graph names it. */
const VIEW_OF: Readonly<Record<LoraTarget, string>> = {
  q_proj: "q",
  k_proj: "k",
  v_proj: "v",
  o_proj: "attentionOut",
  gate_proj: "gate",
  up_proj: "up",
  down_proj: "down",
};

/** Base plus adapter in float64, by the definition: W + alpha / rank times B A, a loop for each letter. */
function mergedExactly(
  config: ModelConfig,
  base: Weights,
  { lora, adapter }: LoraAdapter,
): Record<string, Float64Array> {
  const whole = Object.fromEntries(
    Object.entries(viewArrays(viewsOf(config), base)).map(([name, data]) => [name, Float64Array.from(data)]),
  );
  for (let layer = 0; layer < config.layerCount; layer++) {
    for (const target of lora.targets) {
      const matrix = whole[`layers.${layer}.${VIEW_OF[target]}`]!;
      const a = adapter.get(`layers.${layer}.${target}.loraA`)!;
      const b = adapter.get(`layers.${layer}.${target}.loraB`)!;
      const inner = a.length / lora.rank;
      for (let i = 0; i < matrix.length; i++) {
        const [row, column] = [Math.floor(i / inner), i % inner];
        for (let r = 0; r < lora.rank; r++) {
          matrix[i]! += (lora.alpha / lora.rank) * b[row * lora.rank + r]! * a[r * inner + column]!;
        }
      }
    }
  }
  return whole;
}

describe("the gradient of an adapter", () => {
  const config = withWindow(tinyConfig({ queryKeyValueBias: true }), 6);
  const lora: LoraConfig = {
    rank: 2,
    alpha: 3,
    targets: ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
  };
  const sequences: readonly PackSequence[] = [14, 22].map((length, i) => ({
    ids: tinyIds(length, 70 + i),
    promptLength: 1 + i,
  }));
  // One row a microbatch, so that two threads get one each.
  const packed = packSequences(sequences, { rowTokens: 24, rowsPerMicrobatch: 1, padId: 0 });
  const shape = { rows: 1, tokens: 24 };
  const drawn = (): LoraAdapter => {
    const adapter = initialLora(config, lora, 1);
    const stream = randomStream({ root: 3, purpose: "test" });
    for (const data of adapter.values()) for (let i = 0; i < data.length; i++) data[i] = 0.2 * stream.normal();
    return { lora, adapter };
  };

  /** The mean loss in float64 at the merged weights. */
  function lossOf(base: Weights, adapter: LoraAdapter): number {
    const { logProb } = trainOutputs(config, shape, crossEntropy);
    const graph = graphOf({ logProb: logProb! });
    const point = mergedExactly(config, base, adapter);
    let loss = 0;
    for (const batch of packed.microbatches) {
      const inputs = new SequenceInputs(config, shape);
      inputs.fill(batch);
      const given = Object.entries({ ...inputs.arrays, ...point }).map(([name, data]) => [
        name,
        Float64Array.from(data as Float32Array),
      ]);
      const found = interpret(graph, Object.fromEntries(given) as Record<string, Float64Array>)["logProb"]!;
      loss -= found.reduce((sum, x, i) => sum + batch.weight[i]! * x, 0);
    }
    return loss / packed.targetCount;
  }

  it.each([1, 2])(
    "is what central differences of the float64 loss give, through the merge, on %i threads",
    async (threads) => {
      const base = tinyWeights(config);
      const trained = drawn();
      const model = await replicate({
        config,
        weights: copyOf(base),
        adapter: trained,
        loss: { kind: "cross-entropy" },
        threads,
        decodeBatch: 1,
      });
      expect(packed.microbatches.length).toBe(2);
      await model.accumulate(
        packed.microbatches.map((batch) => ({ ...batch, shape, extras: { weight: batch.weight } })),
      );
      // With epsilon 1 a step of rate 1 moves by g / (|g| + 1), so the move shows the gradient.
      const adamw = { beta1: 0, beta2: 0, epsilon: 1, weightDecay: 0 };
      const update = { learningRate: 1, gradientScale: 1 / packed.targetCount, maxGradientNorm: null, adamw };
      const norm = await model.update(update);
      await model.dispose();
      const { adapter: before } = drawn();
      let squares = 0;
      const gradient: Weights = new Map();
      for (const [name, data] of before) {
        const move = data.map((x, i) => x - trained.adapter.get(name)![i]!);
        gradient.set(
          name,
          move.map((x) => x / (1 - Math.abs(x))),
        );
        squares += gradient.get(name)!.reduce((sum, g) => sum + g * g, 0);
      }
      expectClose([norm], [Math.sqrt(squares)], tolerances.gradient32, "norm");
      const h = 1e-3;
      for (const site of loraSites(config, lora)) {
        for (const name of [site.a, site.b]) {
          const found = gradient.get(name)!;
          const steepest = found.reduce((best, g, i) => (Math.abs(g) > Math.abs(found[best]!) ? i : best), 0);
          const at = (by: number): number => {
            const moved = drawn();
            moved.adapter.get(name)![steepest]! += by;
            return lossOf(base, moved);
          };
          expect(Math.abs(found[steepest]!), name).toBeGreaterThan(1e-3);
          expectClose([found[steepest]!], [(at(h) - at(-h)) / (2 * h)], tolerances.gradient32, name);
        }
      }
    },
  );
});

const LORA: LoraConfig = { rank: 2, alpha: 8, targets: ["q_proj", "v_proj", "up_proj", "down_proj"] };
const sft = sftSettings.parse({ steps: 6, batchExamples: 4, lr: 0.02, warmupSteps: 1, microbatchTokens: 256 });
const rl = { ...shortRl, lr: 0.02 };

const runs = {
  sft: (stage: TinyStage, steps = sft.steps) =>
    runSft(stage.context, { settings: { ...sft, steps }, task: digitsTask, purpose: "sft", snapshotEvery: 100 }),
  rl: (stage: TinyStage) =>
    runRl(stage.context, { settings: rl, task: digitsTask, window: 12, snapshotEvery: 100, onRollouts: () => {} }),
};

function adapterStage(options: TinyStageOptions): TinyStage {
  const adapter = initialLora(tinyStageConfig(12), LORA, 4);
  return tinyStage({ ...options, adapter: { lora: LORA, adapter } });
}

describe("a stage that trains an adapter", () => {
  it("lowers the loss and leaves as weights the base with the adapter merged, every other number as it was", async () => {
    const stage = adapterStage({ stage: "sft" });
    const base = copyOf(stage.context.weights);
    await runs.sft(stage, 24);
    const losses = eventsOf(stage, "sft-step").map(({ lossNatsPerToken }) => lossNatsPerToken);
    const mean = (part: readonly number[]): number => part.reduce((sum, x) => sum + x, 0) / part.length;
    expect(mean(losses.slice(-4))).toBeLessThan(mean(losses.slice(0, 4)) - 0.2);
    const { config, weights, adapter } = stage.context;
    expect(weights).toEqual(mergeLora(config, base, LORA, adapter!.adapter));
    const before = viewArrays(viewsOf(config), base);
    const touched = Object.entries(viewArrays(viewsOf(config), weights))
      .filter(([name, data]) => data.some((x, i) => !Object.is(x, before[name]![i])))
      .map(([name]) => name.replace(/^layers\.\d\./, ""));
    expect(new Set(touched)).toEqual(new Set(["q", "v", "up", "down"]));
  });

  it.each([
    ["sft", 1],
    ["sft", 2],
    ["rl", 1],
  ] as const)(
    "%s on %i threads: ends with the same bytes, interrupted or not, from snapshots that hold no base",
    async (name, threads) => {
      const straight = adapterStage({ stage: name, threads });
      await runs[name](straight);
      const first = adapterStage({ stage: name, threads, stopAfter: 2 });
      await expect(runs[name](first)).rejects.toThrow("stopped by the test");
      const [snapshot] = first.snapshots;
      expect([...snapshot!.tensors.keys()].every((tensor) => /\.lora[AB]$/.test(tensor))).toBe(true);
      const second = adapterStage({ stage: name, threads, resume: snapshot! });
      await runs[name](second);
      expect(second.context.adapter).toEqual(straight.context.adapter);
      expect(second.context.weights).toEqual(straight.context.weights);
      expect(straight.context.weights).not.toEqual(tinyStage({ stage: name }).context.weights);
    },
  );
});

const RECIPE = `
model: { init: { family: mistral, width: 16, layers: 2, queryHeads: 4, keyValueHeads: 2, feedForwardWidth: 24, maxPositions: 256 } }
window: 12
arms: [swa]
data: { task: running-total, testCount: 2 }
sft: { steps: 4, batchExamples: 4, lr: 0.02 }
rl: null
lora: { rank: 2, alpha: 8, targets: [q_proj, o_proj, gate_proj] }
eval: { modes: [greedy], maxNewTokens: 4 }
snapshotEverySteps: 2
`;

describe("a run that trains an adapter", () => {
  const recipe = { ...parseRecipe(RECIPE, "adapter.yaml", []), device: "cpu", threads: 1 } as const;

  async function run(stopAfter = Infinity): Promise<string> {
    const folder = scratchFolder();
    const paths = runPaths(folder);
    await drawModel(recipe, paths);
    await makeBases(recipe, paths, path.join(folder, "checkpoints", "drawn"));
    const place = { folder, arm: "swa", stage: "sft" } as const;
    const job = { recipe, recipeHash: "adapter", ...place, threads: 1, steps: null } as const;
    const stopping = new AbortController();
    const log = ({ type, step }: { type: string; step?: number | null }): void => {
      if (type === "sft-step" && step === stopAfter) stopping.abort(new Error("stopped by the test"));
    };
    const attempt = (signal: AbortSignal): Promise<void> => runJob(job, { log, onSampled: () => {}, signal });
    if (stopAfter !== Infinity) await expect(attempt(stopping.signal)).rejects.toThrow("stopped by the test");
    await attempt(new AbortController().signal);
    return folder;
  }

  it("leaves the adapter in PEFT's layout beside the merged checkpoint: base plus adapter, to the byte", async () => {
    const paths = runPaths(await run());
    const base = await loadCheckpoint(paths.checkpoint("swa", "base"));
    const merged = await loadCheckpoint(paths.checkpoint("swa", "sft"));
    const { lora, adapter } = loadLora(paths.adapter("swa", "sft"), base.config);
    expect(lora).toEqual(recipe.lora);
    expect(merged.weights).toEqual(mergeLora(base.config, base.weights, lora, adapter));
    const exact = mergedExactly(base.config, base.weights, { lora, adapter });
    for (const [name, data] of Object.entries(viewArrays(viewsOf(base.config), merged.weights))) {
      expectClose(data, exact[name]!, { absolute: 1e-7, relative: 1e-7 }, name); // float32's last bit
    }
    expect(merged.weights).not.toEqual(base.weights);
  });

  it("leaves the same files when it was interrupted and resumed", async () => {
    const [straight, resumed] = [runPaths(await run()), runPaths(await run(2))];
    const bytes = (folder: string, file: string): Buffer => fs.readFileSync(path.join(folder, file));
    const [merged, tensors] = ["model.safetensors", "adapter_model.safetensors"];
    expect(bytes(resumed.checkpoint("swa", "sft"), merged)).toEqual(bytes(straight.checkpoint("swa", "sft"), merged));
    expect(bytes(resumed.adapter("swa", "sft"), tensors)).toEqual(bytes(straight.adapter("swa", "sft"), tensors));
  });
});
