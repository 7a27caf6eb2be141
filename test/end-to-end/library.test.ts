// The library as its users meet it: the examples of its document compile and run, and its functions keep their promises.

import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import ts from "typescript";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ROOT } from "../../scripts/lib/repository.mjs";
import { saveCheckpoint } from "../../src/checkpoint/save.ts";
import { byteTokenizer } from "../../src/tokens/byte-tokenizer.ts";
import * as swarr from "../../src/swarr.ts";
import { expectClose } from "../support/expect-close.ts";
import { scratchFolder } from "../support/scratch-folder.ts";
import { tinyConfig, tinyWeights } from "../support/tiny-model.ts";
import { tolerances } from "../support/tolerances.ts";

const { convert, defineReward, defineTask, evaluate, generate, loadModel, logprobs, rl, sft } = swarr;
const DOCUMENT = path.join(ROOT, "docs/library.md");

let folder: string;
const opened: swarr.Model[] = [];

beforeEach(async () => {
  folder = path.join(scratchFolder(), "model");
  const tokenizer = byteTokenizer();
  const config = tinyConfig({ family: "mistral", vocabularySize: tokenizer.size, layerCount: 2 });
  await saveCheckpoint({ folder, config, weights: tinyWeights(config), tokenizer });
});

afterEach(async () => {
  for (const model of opened.splice(0)) await model.dispose();
});

async function open(options: swarr.LoadOptions = {}, from = folder): Promise<swarr.Model> {
  const model = await loadModel(from, { threads: 1, ...options });
  opened.push(model);
  return model;
}

const TEXT = "Two and two are four, and four and four are eight.";

describe("docs/library.md", () => {
  const snippets = [...fs.readFileSync(DOCUMENT, "utf8").matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(
    (match) => match[1] ?? "",
  );

  it("has examples that compile under a strict compiler, and shows every function of the library", () => {
    const shown = snippets
      .flatMap((code) => (/import \{(.*)\}/.exec(code)?.[1] ?? "").split(","))
      .map((one) => one.trim());
    expect([...new Set(shown)].sort()).toEqual(Object.keys(swarr).sort());
    const place = placeWithSwarr();
    const files = snippets.map((code, index) => {
      const file = path.join(place, `snippet-${index}.mts`);
      fs.writeFileSync(file, code);
      return file;
    });
    const program = ts.createProgram(files, {
      module: ts.ModuleKind.NodeNext,
      target: ts.ScriptTarget.ES2023,
      strict: true,
      noUncheckedIndexedAccess: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: true,
      noEmit: true,
      typeRoots: [path.join(ROOT, "node_modules/@types")],
      types: ["node"],
    });
    const complaints = ts
      .getPreEmitDiagnostics(program)
      .map(({ file, messageText }) => `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`);
    expect(complaints).toEqual([]);
  });

  it("has examples that run in one folder, one after the other, and say what their comments claim", () => {
    const place = placeWithSwarr();
    const run = (...args: readonly string[]): string => {
      const outcome = spawnSync(process.execPath, args, { cwd: place, encoding: "utf8" });
      expect(outcome.status, outcome.stderr).toBe(0);
      return outcome.stdout;
    };
    const command = /^npx swarr (.*)$/m.exec(fs.readFileSync(DOCUMENT, "utf8"))?.[1] ?? "";
    run(path.join(ROOT, "dist/cli/main.js"), ...command.split(" "));
    for (const [index, code] of snippets.entries()) {
      const options = { compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 } };
      fs.writeFileSync(path.join(place, `snippet-${index}.mjs`), ts.transpileModule(code, options).outputText);
    }
    const all = snippets.map((_, index) => `console.log("- ${index}");\nawait import("./snippet-${index}.mjs");\n`);
    fs.writeFileSync(path.join(place, "all.mjs"), all.join(""));
    const said = run("all.mjs")
      .split(/^- \d+\n/m)
      .slice(1);
    expect(said).toHaveLength(snippets.length);
    expect(said[0]).toBe("2 [ null, null ]\n[ 104, 105 ]\n");
    expect(said[1]).toBe("[ 16, null ]\n");
    expect(said[2]).toMatch(/^null true\n-?\d+\.\d+\n$/);
    expect(said[4]).toMatch(/\n four<\|im_end\|>\n$/);
    expect(said.at(-1)).toMatch(/^FILE_MISSING /);
  });
});

/** An empty folder in which `import … from "swarr"` means this checkout. */
function placeWithSwarr(): string {
  const place = scratchFolder();
  fs.mkdirSync(path.join(place, "node_modules"));
  fs.symlinkSync(ROOT, path.join(place, "node_modules", "swarr"), "junction");
  return place;
}

describe("loadModel", () => {
  it("replaces the window in memory exactly as a converted folder states it", async () => {
    const out = `${folder}-w8`;
    await convert({ model: folder, window: 8, out });
    const [stated, replaced] = [await open({}, out), await open({ window: 8 })];
    expect(replaced.config.windows).toEqual([8, 8]);
    expect(await logprobs(replaced, TEXT)).toEqual(await logprobs(stated, TEXT));
    expect(await logprobs(await open({ window: "full" }, out), TEXT)).toEqual(await logprobs(await open(), TEXT));
  });

  it("saves what it holds: changed weights and the window come back, and a folder is not overwritten unasked", async () => {
    const model = await open({ window: 8, fullAttentionLayers: [0] });
    model.weights.get("embedding")![7]! += 1;
    const before = await logprobs(model, TEXT);
    await model.save(`${folder}-saved`);
    const again = await open({}, `${folder}-saved`);
    expect(again.config.windows).toEqual([null, 8]);
    expect(await logprobs(again, TEXT)).toEqual(before);
    await expect(model.save(`${folder}-saved`)).rejects.toMatchObject({ code: "FILE_EXISTS" });
    await model.save(`${folder}-saved`, { replace: true });
  });

  it("refuses a model that was disposed of, and full layers without a window", async () => {
    const model = await loadModel(folder, { threads: 1 });
    await logprobs(model, TEXT);
    await model.dispose();
    await expect(logprobs(model, TEXT)).rejects.toMatchObject({ code: "BAD_ARGUMENT" });
    await expect(loadModel(folder, { fullAttentionLayers: [0] })).rejects.toMatchObject({ code: "BAD_ARGUMENT" });
  });
});

describe("generate", () => {
  it("draws tokens with the log-probs that logprobs gives them, past the window", async () => {
    const model = await open({ window: 8 });
    const promptIds = model.tokenizer.encode(TEXT);
    const drawn = await generate(model, promptIds, { maxTokens: 24, seed: 3 });
    const { logprobs: all } = await logprobs(model, [...promptIds, ...drawn.ids]);
    const own = all.slice(promptIds.length).map((value) => value ?? NaN);
    expectClose(drawn.logprobs, own, tolerances.logProb32, "drawn");
  });

  it("gives the same tokens whether calls wait for each other or not", async () => {
    const model = await open();
    const ask = (seed: number): Promise<swarr.Generated> => generate(model, "a", { maxTokens: 12, seed });
    const apart = [await ask(1), await ask(2), await ask(3)];
    expect(await Promise.all([ask(1), ask(2), ask(3)])).toEqual(apart);
    expect(apart[0]!.ids).not.toEqual(apart[1]!.ids);
  });

  it("refuses a token id the model has no row for", async () => {
    await expect(generate(await open(), [1, 300])).rejects.toMatchObject({ code: "BAD_ARGUMENT" });
  });
});

describe("sft", () => {
  it("stops after the step in which its signal is aborted, with that step's weights", async () => {
    const settings = {
      rows: [{ prompt: "a", completion: "b" }],
      lr: 0.01,
      batchExamples: 1,
      schedule: "constant",
    } as const;
    const [stopped, whole] = [await open(), await open()];
    const stopping = new AbortController();
    const run = sft(stopped, {
      ...settings,
      steps: 10,
      signal: stopping.signal,
      onEvent: (event) => {
        if (event.type === "sft-step" && event.step === 2) stopping.abort(new Error("enough"));
      },
    });
    await expect(run).rejects.toThrow("enough");
    await sft(whole, { ...settings, steps: 2 });
    expect([...stopped.weights]).toEqual([...whole.weights]);
  });

  it("names a setting that is unknown, missing or out of range, and rows that are given twice", async () => {
    const model = await open();
    const rows = [{ prompt: "a", completion: "b" }];
    const known = { rows, steps: 1, lr: 0.1, batchExamples: 1 };
    const faults: readonly (readonly [object, RegExp])[] = [
      [{ ...known, stepz: 1 }, /stepz is not a known setting/],
      [{ ...known, steps: 0 }, /steps is 0\..*>=1/],
      [{ rows, steps: 1, batchExamples: 1 }, /lr is not given\. Expected number/],
      [{ ...known, batchTokens: 5 }, /exactly one of batchExamples and batchTokens/],
      [{ steps: 1, lr: 0.1, batchExamples: 1 }, /rows and task are both left out/],
      [{ ...known, rows: [{ prompt: "a" }] }, /the training rows line 1/],
    ];
    for (const [options, message] of faults)
      await expect(sft(model, options as swarr.SftOptions)).rejects.toThrow(message);
  });
});

describe("rl", () => {
  const settings = { steps: 12, lr: 0.02, promptsPerStep: 1, groupSize: 16, maxNewTokens: 4, warmupSteps: 0 };
  const problems = [{ question: "Say it", answer: "1" }];

  it("makes what a reward asks for more frequent, and hands the reward the verdict and the counts", async () => {
    const model = await open({ window: 8 });
    const seen: swarr.RewardInput[] = [];
    const reward = defineReward({
      name: "low",
      score: (input) => {
        seen.push(input);
        // Bytes below 64 at the start: a quarter of what a random model says.
        return input.response.charCodeAt(0) < 64 ? 1 : 0;
      },
    });
    const means: number[] = [];
    const onEvent = (event: swarr.StageEvent): void => {
      if (event.type === "rl-step") means.push(event.rewardMean);
    };
    await rl(model, { ...settings, problems, reward, onEvent });
    expect(seen[0]).toMatchObject({ question: "Say it", gold: "1", maxTokens: 4 });
    expect(["right", "wrong", "unreadable"]).toContain(seen[0]!.verdict.kind);
    const half = (part: readonly number[]): number => part.reduce((total, one) => total + one, 0) / part.length;
    expect(half(means.slice(-3))).toBeGreaterThan(half(means.slice(0, 3)) + 0.3);
  });

  it("changes no weight when all rewards are equal", async () => {
    const model = await open();
    const before = new Map([...model.weights].map(([name, data]) => [name, data.slice()]));
    const reward = defineReward({ name: "flat", score: () => 0.5 });
    await rl(model, { ...settings, steps: 1, problems, reward });
    expect(model.weights).toEqual(before);
  });

  it("refuses a reward that is no number, by the reward's name", async () => {
    const reward = defineReward({ name: "odd", score: () => NaN });
    await expect(rl(await open(), { ...settings, problems, reward })).rejects.toThrow(/"odd" gave .*\[BAD_REWARD\]/);
  });
});

describe("evaluate", () => {
  it("counts what the verifier finds right: a model taught one answer of two scores one half", async () => {
    const model = await open();
    const rows = [
      { question: "2+2", answer: "#### 4" },
      { question: "3+5", answer: "#### 9" },
    ];
    await sft(model, { rows, steps: 150, lr: 0.02, batchExamples: 2 });
    const problems = [rows[0]!, { question: "3+5", answer: "8" }];
    const result = await evaluate(model, { problems, maxTokens: 12 });
    expect(result.responses.map(({ text, verdict }) => [text, verdict])).toEqual([
      ["#### 4", "right"],
      ["#### 9", "wrong"],
    ]);
    expect(result).toMatchObject({ n: 2, samples: 1, accuracy: 0.5, truncated: 0 });
  });

  it("puts a task's own tests to the model and lets the task grade them", async () => {
    const task = defineTask({
      name: "any",
      example: () => ({ id: "0", prompt: "a", response: "b" }),
      rlProblem: () => ({ id: "0", prompt: "a", gold: "b" }),
      testProblems: () => ["x", "y", "z"].map((prompt) => ({ id: prompt, prompt, gold: "" })),
      grade: ({ id }, { ids }) => {
        const verdict = id === "y" && ids.length === 5 ? "right" : "wrong";
        return { reward: 0, terms: {}, verdict, answer: null };
      },
    });
    const result = await evaluate(await open(), { task, samples: 2, maxTokens: 5 });
    const right = result.responses.filter(({ verdict }) => verdict === "right");
    expect(right.every(({ id }) => id === "y")).toBe(true);
    expect(result.accuracy).toBeCloseTo(right.length / 6, 12);
    expect(result.n).toBe(3);
    await expect(evaluate(await open(), { task, samples: 2, temperature: 0 })).rejects.toMatchObject({
      code: "BAD_ARGUMENT",
    });
  });
});
