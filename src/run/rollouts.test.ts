// Laws of the rollout record: what is written is read back, and a damaged line says where it is damaged.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { decodeRollout, encodeRollout, readRollouts, rolloutFiles, type RolloutRecord } from "./rollouts.ts";

const rollout: RolloutRecord = {
  group: 0,
  sample: 3,
  problem: "held-out-17",
  prompt: "^b+3a-1=",
  promptTokens: [..."^b+3a-1="],
  response: "b+3:0+3=3a-1:3-1=2#2$",
  tokens: [..."b+3:0+3=3a-1:3-1=2#2$"],
  logProbs: [..."b+3:0+3=3a-1:3-1=2#2$"].map((_, i) => -0.123456789 / (i + 1)),
  reward: 1,
  terms: { correct: 1 },
  verdict: "right",
  answer: "2",
  gold: "2",
  finishReason: "stop",
  length: 21,
  dependency: { distance: 15, beyondWindow: false },
  arcs: [
    [1, 8],
    [4, 17],
  ],
};

let folder: string;
beforeEach(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), "swarr-rollouts-"))));
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

describe("encodeRollout", () => {
  it("writes one line that decodes to the same record, log-probs to 6 digits", () => {
    const line = encodeRollout(rollout);
    expect(line.indexOf("\n")).toBe(line.length - 1);
    const back = decodeRollout(line, "line 1");
    expect({ ...back, logProbs: null }).toEqual({ ...rollout, logProbs: null });
    for (const [i, x] of back.logProbs.entries()) {
      expect(Math.abs(x - rollout.logProbs[i]!)).toBeLessThanOrEqual(5e-6 * Math.abs(rollout.logProbs[i]!));
    }
  });

  it("keeps a line break or a quotation mark inside the text on one line", () => {
    const hostile = { ...rollout, response: 'a\n"</script>\u2028\u0000' };
    const line = encodeRollout(hostile);
    expect(line.trimEnd().includes("\n")).toBe(false);
    expect(decodeRollout(line, "line 1").response).toBe(hostile.response);
  });

  it("refuses a log-prob of -Infinity, naming its place", () => {
    const logProbs = rollout.logProbs.map((x, i) => (i === 4 ? -Infinity : x));
    expect(() => encodeRollout({ ...rollout, logProbs })).toThrow(
      /held-out-17: logProbs\[4\] is -Infinity.*NOT_FINITE/,
    );
  });
});

describe("decodeRollout", () => {
  it.each([
    ["verdict", { verdict: "perhaps" }, /line 9: verdict is "perhaps"\. Expected one of right, wrong/],
    ["token", { tokens: ["a", 2] }, /line 9: tokens\[1\] is 2\. Expected a string/],
    ["log-prob", { logProbs: [-1, "low"] }, /line 9: logProbs\[1\] is "low"\. Expected a finite number/],
    ["log-probs", { logProbs: [-1] }, /line 9 has 21 tokens and 1 log-probs/],
    ["arcs", { arcs: [[0.5, 2]] }, /line 9: arcs\[0\] is \[0\.5,2\]\. Expected two token positions/],
  ])("names the place of a wrong %s", (_, change, message) => {
    expect(() => decodeRollout(JSON.stringify({ ...rollout, ...change }), "line 9")).toThrow(message);
  });
});

describe("readRollouts", () => {
  it("leaves out a last line that is still being written", () => {
    const file = path.join(folder, "step-000001.jsonl");
    const line = encodeRollout(rollout);
    fs.writeFileSync(file, line + line + line.slice(0, 40));
    expect(readRollouts(file).length).toBe(2);
  });

  it("names the line of a broken one before the end", () => {
    const file = path.join(folder, "step-000001.jsonl");
    const line = encodeRollout(rollout);
    fs.writeFileSync(file, `${line}{"group": 0,\n${line}`);
    expect(() => readRollouts(file)).toThrow(/step-000001\.jsonl:2 is not valid JSON/);
  });
});

describe("rolloutFiles", () => {
  it("lists steps in number order, then evaluations, and ignores what it does not know", () => {
    const arm = path.join(folder, "rollouts", "swa");
    fs.mkdirSync(arm, { recursive: true });
    for (const name of ["rl-final.jsonl", "step-000100.jsonl", "step-000020.jsonl", "notes.txt", "odd.jsonl"]) {
      fs.writeFileSync(path.join(arm, name), "");
    }
    expect(rolloutFiles(folder).map((file) => [file.name, file.step, file.finalStage])).toEqual([
      ["step-000020", 20, null],
      ["step-000100", 100, null],
      ["rl-final", null, "rl"],
    ]);
  });
});
