// `swarr analyze` as a whole: real models, data files, rollout files and run folders.

import fs from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { expectClose } from "../../test/support/expect-close.ts";
import { scratchFolder } from "../../test/support/scratch-folder.ts";
import { tinyConfig, tinyWeights } from "../../test/support/tiny-model.ts";
import { tolerances } from "../../test/support/tolerances.ts";
import { convertCheckpoint } from "../checkpoint/convert.ts";
import { loadCheckpoint } from "../checkpoint/load.ts";
import { saveCheckpoint } from "../checkpoint/save.ts";
import { createEngine } from "../engine/create-engine.ts";
import { createScorer } from "../generate/log-probs.ts";
import { withWindow } from "../model/window.ts";
import { mismatchTexts } from "../report/mismatch.ts";
import { encodeRollout, type RolloutRecord } from "../run/rollouts.ts";
import { RUNNING_TOTAL_ALPHABET } from "../tasks/running-total-alphabet.ts";
import { byteTokenizer, characterTokenizer } from "../tokens/byte-tokenizer.ts";
import type { AnalyzeFlags } from "./analysis-document.ts";
import { runAnalysis } from "./analysis.ts";

const WINDOW = 12;
let folder: string;
let model: string;

beforeEach(async () => {
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
  folder = scratchFolder();
  model = await newModel("model", byteTokenizer());
});
afterEach(() => {
  vi.restoreAllMocks();
});

async function newModel(name: string, tokenizer: ReturnType<typeof byteTokenizer>): Promise<string> {
  const place = path.join(folder, name);
  const config = tinyConfig({ family: "mistral", vocabularySize: tokenizer.size, layerCount: 3 });
  await saveCheckpoint({ folder: place, config, weights: tinyWeights(config), tokenizer });
  return place;
}

function write(name: string, lines: readonly string[]): string {
  const file = path.join(folder, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, lines.join(""));
  return file;
}

const ROWS = [
  { prompt: "What is 12 + 30?\n", completion: "12 + 30 = 42\n#### 42", note: "kept as it is" },
  { prompt: "Hi", completion: "yes" },
  { prompt: "How many legs have 3 cats?\n", completion: "Each has 4, so 3 * 4 = 12.\n#### 12" },
  { prompt: "And 5 cats?\n", completion: "5 * 4 = 20\n#### 20" },
];
const dataFile = (): string =>
  write(
    "data.jsonl",
    ROWS.map((row) => `${JSON.stringify(row)}\n`),
  );
const flags = (more: Partial<AnalyzeFlags>): AnalyzeFlags => ({ window: WINDOW, template: "plain", ...more });

function rollout(prompt: string, response: string, change: Partial<RolloutRecord> = {}): string {
  const tokens = [...response, ...(change.finishReason === "length" ? [] : ["$"])];
  return encodeRollout({
    group: 0,
    sample: 0,
    problem: "p",
    prompt,
    promptTokens: [...prompt],
    response,
    tokens,
    logProbs: tokens.map(() => -1),
    reward: 1,
    terms: {},
    verdict: "right",
    answer: null,
    gold: "",
    finishReason: "stop",
    length: tokens.length,
    dependency: null,
    arcs: null,
    ...change,
  });
}

describe("analyze --data", () => {
  it("gives each row the mean over its response tokens at positions >= W, the end token included, of full minus windowed", async () => {
    const document = await runAnalysis(model, flags({ data: dataFile() }));
    const { config, weights, tokenizer, endIds } = await loadCheckpoint(model);
    const engine = createEngine({ threads: 1 });
    const [full, windowed] = [null, WINDOW].map((window) => createScorer(engine, withWindow(config, window), weights));
    const expected: (number | null)[] = [];
    let tokens = 0;
    for (const { prompt, completion } of ROWS) {
      const promptLength = tokenizer.encode(prompt).length;
      const ids = [...tokenizer.encode(prompt), ...tokenizer.encode(completion), endIds[0]!];
      const [seen, hidden] = [await full!.logProbs(ids), await windowed!.logProbs(ids)];
      const gaps = ids.flatMap((_, p) => (p >= Math.max(promptLength, WINDOW) ? [seen[p]! - hidden[p]!] : []));
      expected.push(gaps.length === 0 ? null : gaps.reduce((total, gap) => total + gap, 0) / gaps.length);
      tokens += gaps.length;
    }
    await full!.dispose();
    await windowed!.dispose();
    expect(document.tokens).toBe(tokens);
    expect(document.rows.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
    expect(expected[1]).toBeNull();
    expect(document.rows[1]!.gapNats).toBeNull();
    const numbers = (values: readonly (number | null)[]): number[] => values.map((value) => value ?? 0);
    expectClose(numbers(document.rows.map(({ gapNats }) => gapNats)), numbers(expected), tolerances.logProb32);
    const { beyond, within, nowhere } = document.byReach;
    expect(beyond.ofMeanNats + within.ofMeanNats + nowhere.ofMeanNats).toBeCloseTo(document.meanGapNats ?? NaN, 10);
    expect(beyond.tokens).toBeGreaterThan(0);
  });

  it("writes the rows that fit as they are: below the mean gap, or below --max-gap; rows within the window always", async () => {
    const out = path.join(folder, "fits.jsonl");
    const document = await runAnalysis(model, flags({ data: dataFile(), filter: out }));
    const kept = (limit: number): string =>
      ROWS.filter((_, i) => (document.rows[i]!.gapNats ?? -Infinity) <= limit)
        .map((row) => `${JSON.stringify(row)}\n`)
        .join("");
    expect(fs.readFileSync(out, "utf8")).toBe(kept(document.meanGapNats!));
    expect(document.filter).toMatchObject({ out, maxGapNats: document.meanGapNats });
    expect(document.filter!.kept + document.filter!.dropped).toBe(4);
    expect(document.filter!.dropped).toBeGreaterThan(0);
    const none = await runAnalysis(model, flags({ data: dataFile(), filter: out, maxGap: -99 }));
    expect(none.filter).toMatchObject({ kept: 1, dropped: 3 });
    expect(fs.readFileSync(out, "utf8")).toBe(`${JSON.stringify(ROWS[1])}\n`);
  });

  it("writes a line for each measured token, whose gaps average to the figure", async () => {
    const out = path.join(folder, "tokens.jsonl");
    const document = await runAnalysis(model, flags({ data: dataFile(), tokens: out }));
    const lines = fs.readFileSync(out, "utf8").trimEnd().split("\n");
    const tokens = lines.map((line) => JSON.parse(line) as { row: number; token: string; gapNats: number });
    expect(tokens).toHaveLength(document.tokens);
    const sum = tokens.reduce((total, { gapNats }) => total + gapNats, 0);
    expect(sum / tokens.length).toBeCloseTo(document.meanGapNats ?? NaN, 8);
    const last = tokens.filter(({ row }) => row === 3).map(({ token }) => token);
    expect(last.join("")).toBe("5 * 4 = 20\n#### 20<|im_end|>");
  });

  it("measures a plan for a full-attention model, and refuses to for a windowed one", async () => {
    const document = await runAnalysis(model, flags({ data: dataFile(), suggest: 1 }));
    expect(document.attention).toHaveLength(3);
    expect(document.plan!.suggested.fullAttentionLayers).toHaveLength(1);
    expect(document.plan!.suggested.meanGapNats).toBeLessThanOrEqual(document.plan!.naive.meanGapNats);
    const out = path.join(folder, "windowed");
    await convertCheckpoint({ source: model, out, window: WINDOW });
    await expect(runAnalysis(out, flags({ data: dataFile(), suggest: 1 }))).rejects.toThrow(/window in 3 of its 3/);
    const plain = await runAnalysis(out, flags({ data: dataFile() }));
    expect(plain.rows).toEqual(document.rows);
  });

  it("refuses flags that do not go together", async () => {
    const data = dataFile();
    const refused: readonly Partial<AnalyzeFlags>[] = [
      {},
      { data, rollouts: data },
      { data, maxGap: 1 },
      { data, search: true },
      { rollouts: folder, filter: "out.jsonl" },
    ];
    for (const given of refused) {
      await expect(runAnalysis(model, flags(given))).rejects.toMatchObject({ code: "BAD_ARGUMENT" });
    }
    await expect(runAnalysis(model, flags({ rollouts: path.join(folder, "no") }))).rejects.toMatchObject({
      code: "FILE_MISSING",
    });
  });
});

describe("analyze --rollouts", () => {
  const PROMPT = "^b+3a-1=";
  const TRACE = "b+3:0+3=3a-1:3-1=2#2";

  it("measures a rollout as it measures the same text as data", async () => {
    const mini = await newModel("mini", characterTokenizer(RUNNING_TOTAL_ALPHABET.tokens));
    const data = write("mini.jsonl", [`${JSON.stringify({ prompt: PROMPT, completion: TRACE })}\n`]);
    const file = write("rollouts.jsonl", [rollout(PROMPT, TRACE)]);
    const [asData, asRollout] = [
      await runAnalysis(mini, flags({ data })),
      await runAnalysis(mini, flags({ rollouts: file })),
    ];
    const { scorer: _, ...figures } = asRollout;
    expect(asData).toMatchObject(figures);
    // a-1 at 17 looks 13 back, to the prompt's at 4: beyond W = 12, and within W = 13 exactly.
    expect(asRollout.byReach.beyond.tokens).toBe(3);
    const wider = await runAnalysis(mini, flags({ rollouts: file, window: 13 }));
    expect(wider.byReach.beyond.tokens).toBe(0);
  });

  it("finds the ids of tokens that the text would not be cut into again", async () => {
    const tokens = ["4", "<|im_end|>", "2", "<|endoftext|>"];
    // Special tokens inside are left out of the text, as decoding leaves them out of what a verifier reads.
    const line = rollout("twelve and thirty", "42", { tokens, logProbs: [-1, -1, -1, -1], length: 4 });
    const out = path.join(folder, "tokens.jsonl");
    await runAnalysis(model, flags({ rollouts: write("odd.jsonl", [line]), tokens: out }));
    const ids = fs
      .readFileSync(out, "utf8")
      .trimEnd()
      .split("\n")
      .map((one) => (JSON.parse(one) as { id: number }).id);
    expect(ids).toEqual([52, 258, 50, 256]);
  });

  it("compares the texts of a run, tells right from wrong ones, and leaves an analysis.json that the report reads", async () => {
    const mini = await newModel("mini", characterTokenizer(RUNNING_TOTAL_ALPHABET.tokens));
    const wrong = rollout(PROMPT, TRACE.replace("#2", "#7"), { verdict: "wrong" });
    const run = path.join(folder, "run");
    for (const file of ["swa/rl-final", "sa/sft-final", "swa/step-000010"]) {
      write(`run/rollouts/${file}.jsonl`, [rollout(PROMPT, TRACE), wrong]);
    }
    const document = await runAnalysis(mini, flags({ rollouts: run }));
    expect(Object.keys(document.texts!)).toEqual(["SWA after RL", "SA after SFT"]);
    const text = document.texts!["SWA after RL"]!;
    expect(text.byVerdict!.right.meanGapNats).toBe(text.rows[0]!.gapNats);
    expect(text.byVerdict!.other.meanGapNats).toBe(text.rows[1]!.gapNats);
    expect(document.rows).toHaveLength(4);
    const analysis = JSON.parse(fs.readFileSync(path.join(run, "analysis.json"), "utf8")) as Record<string, unknown>;
    expect(analysis["bySteps"]).toMatchObject([{ arm: "swa", step: 10, meanGapNats: text.meanGapNats }]);
    expect(mismatchTexts(analysis).map(({ name, meanGapNats }) => [name, meanGapNats])).toEqual(
      Object.entries(document.texts!).map(([name, { meanGapNats }]) => [name, meanGapNats]),
    );
  });

  it("takes a run's SFT data from its recipe", async () => {
    const mini = await newModel("mini", characterTokenizer(RUNNING_TOTAL_ALPHABET.tokens));
    const run = path.join(folder, "run");
    write("run/recipe.yaml", [
      `model: m\nwindow: 12\ndata: { task: running-total }\nsft: { steps: 1, lr: 1, batchExamples: 1 }\nrl: null\n`,
    ]);
    write("run/rollouts/swa/sft-final.jsonl", [rollout(PROMPT, TRACE)]);
    const document = await runAnalysis(mini, flags({ rollouts: run, limit: 3 }));
    expect(Object.keys(document.texts!)).toEqual(["SFT data", "SWA after SFT"]);
    expect(document.texts!["SFT data"]!.rows).toHaveLength(3);
    expect(document.rows).toHaveLength(1);
  });
});
