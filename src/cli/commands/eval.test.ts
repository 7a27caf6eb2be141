// `swarr eval` and `swarr compare` as a person runs them: real rows, the real verifier, a real tiny model.

import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { commandLine } from "../../../test/support/captured-cli.ts";
import { scratchFolder } from "../../../test/support/scratch-folder.ts";
import { wilsonInterval } from "../../evaluate/intervals.ts";
import { compareCommand } from "./compare.ts";
import { evalCommand } from "./eval.ts";
import { initCommand } from "./init.ts";

const DATA = fileURLToPath(new URL("../../../test/fixtures/gsm8k/test.jsonl", import.meta.url));
const TRAIN = fileURLToPath(new URL("../../../test/fixtures/gsm8k/train.jsonl", import.meta.url));
const swarr = commandLine(evalCommand, compareCommand, initCommand);

async function json(...args: readonly string[]): Promise<Record<string, unknown>> {
  const { status, stdout, stderr } = await swarr(...args, "--json");
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout) as Record<string, unknown>;
}

const golds = fs
  .readFileSync(DATA, "utf8")
  .trim()
  .split("\n")
  .map((line) => (/#### (.*)$/.exec((JSON.parse(line) as { answer: string }).answer)?.[1] ?? "").replaceAll(",", ""));

/** One response a problem and wording; `right` says which ones are. */
function responseFile(name: string, right: readonly boolean[][]): string {
  const file = path.join(scratchFolder(), `${name}.jsonl`);
  const rows = right.flatMap((own, index) =>
    own.map((isRight) => ({
      index,
      response: `So the answer is \\boxed{${isRight ? golds[index] : "12345.5"}}.`,
      tokens: 9,
      finish_reason: "stop",
    })),
  );
  fs.writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return file;
}

const once = (text: string): boolean[][] => [...text].map((mark) => [mark === "+"]);

describe("swarr eval", () => {
  it("prints the figures of the contract for responses made elsewhere", async () => {
    const document = await json("eval", "--responses", responseFile("a", once("+++-+--+")), "--data", DATA);
    expect(document).toMatchObject({
      n: 8,
      samples: 1,
      accuracy: 5 / 8,
      ci95: wilsonInterval(5, 8),
      passAtK: { "1": 5 / 8 },
      majorityAtK: { "1": 5 / 8 },
      meanTokens: 9,
      truncated: 0,
    });
  });

  it("scores the first K of several responses, over the first N problems", async () => {
    const marks = once("++------").map(([first]) => [first === true, true, false]);
    const document = await json(
      "eval",
      "--responses",
      responseFile("a", marks),
      "--data",
      DATA,
      "--samples",
      "2",
      "--limit",
      "4",
    );
    expect(document).toMatchObject({
      n: 4,
      samples: 2,
      accuracy: 0.75,
      passAtK: { "1": 0.75, "2": 1 },
      majorityAtK: { "1": 0.5, "2": 0.5 },
    });
  });

  it("samples a model, keeps the samples, goes on with them, and gives the same figures again from the file", async () => {
    const folder = scratchFolder();
    const model = path.join(folder, "tiny");
    const out = path.join(folder, "samples.jsonl");
    await swarr("init", "--out", model, "--d", "16", "--layers", "1");
    const asked = [
      "eval",
      model,
      "--data",
      DATA,
      "--limit",
      "3",
      "--max-tokens",
      "6",
      "--template",
      "chat",
      "--out",
      out,
    ];
    await json(...asked, "--temperature", "1");
    const grown = await json(...asked, "--samples", "2");
    expect(grown).toMatchObject({ n: 3, samples: 2, resumed: 3 });
    expect(Object.keys(grown["passAtK"] as object)).toEqual(["1", "2"]);
    const again = await json("eval", "--responses", out, "--data", DATA, "--limit", "3");
    for (const name of ["accuracy", "ci95", "passAtK", "majorityAtK", "meanTokens", "truncated"]) {
      expect(again[name], name).toEqual(grown[name]);
    }
  });

  it("reports overlaps with training rows, and the accuracy without them", async () => {
    const train = path.join(scratchFolder(), "train.jsonl");
    fs.writeFileSync(train, fs.readFileSync(TRAIN, "utf8") + (fs.readFileSync(DATA, "utf8").split("\n")[0] ?? ""));
    const document = await json(
      "eval",
      "--responses",
      responseFile("a", once("-+++++++")),
      "--data",
      DATA,
      "--train",
      train,
    );
    expect(document["contamination"]).toMatchObject({
      overlapping: 1,
      identical: 1,
      trainingRows: 13,
      overlaps: [{ problem: 0, row: 12, coverage: 1 }],
      clean: { n: 7, accuracy: 1 },
    });
  });

  it("refuses what cannot be evaluated, with exit status 2", async () => {
    const wrong: readonly (readonly [readonly string[], RegExp])[] = [
      [["eval", "--data", DATA], /Nothing to evaluate.*BAD_ARGUMENT/],
      [["eval", "m", "--endpoint", "http://x", "--data", DATA], /Several things to evaluate/],
      [["eval", "m", "--data", DATA, "--samples", "2", "--temperature", "0"], /temperature 0/],
      [["eval", "--responses", TRAIN, "--data", DATA], /line 1 has the fields question, answer.*BAD_DATA/],
      [["eval", "--responses", TRAIN, "--data", DATA, "--answer-field", "gold"], /the field gold/],
      [["eval", "m", "--data", DATA, "--template", "nonsense"], /no template named "nonsense"/],
      [
        ["eval", "--endpoint", "http://127.0.0.1:1", "--api-key-env", "SWARR_TEST_UNSET", "--data", DATA],
        /SWARR_TEST_UNSET is empty/,
      ],
    ];
    for (const [args, message] of wrong) {
      const { status, stderr, stdout } = await swarr(...args);
      expect([status, stdout], stderr).toEqual([2, ""]);
      expect(stderr).toMatch(message);
    }
  });
});

describe("swarr compare", () => {
  it("prints exactly the fields of the contract, A against B", async () => {
    const a = responseFile("a", once("+++++++-"));
    const b = responseFile("b", once("+------+"));
    const document = await json("compare", a, b, "--data", DATA);
    // 6 wins, 1 loss: 2·(1 + 7)/2^7
    expect(document).toMatchObject({
      n: 8,
      a: 7 / 8,
      b: 2 / 8,
      difference: 5 / 8,
      wins: 6,
      losses: 1,
      ties: 1,
      pValue: 16 / 128,
    });
    expect(Object.keys(document)).toEqual(["n", "a", "b", "difference", "ci95", "wins", "losses", "ties", "pValue"]);
  });
});
