// Which jobs a recipe has, what waits for what, and who gets all threads.

import { describe, expect, it } from "vitest";
import { jobName, planJobs } from "./plan.ts";
import { parseRecipe } from "./read.ts";

const TEXT = `
model: models/base
window: 64
data: { train: train.jsonl }
sft: { steps: 20, lr: 1e-3, batchTokens: 4096 }
rl: { steps: 4, lr: 1e-4, promptsPerStep: 8, groupSize: 4, maxNewTokens: 32 }
`;

function plan(...sets: readonly string[]): Record<string, string> {
  const jobs = planJobs(parseRecipe(TEXT, "mine.yaml", sets));
  return Object.fromEntries(
    jobs.map((job) => [jobName(job), `${job.after.join(" ")}${job.alone ? " (alone)" : ""}`.trim()]),
  );
}

describe("planJobs", () => {
  it("runs the arms side by side", () => {
    expect(plan()).toEqual({
      "swa.base": "",
      "swa.sft": "swa.base",
      "swa.rl": "swa.sft",
      "sa.base": "",
      "sa.sft": "sa.base",
      "sa.rl": "sa.sft",
    });
  });

  it("puts the stage whose cost the control matches first, on all threads", () => {
    expect(plan("moreSft.steps=match-rl")).toEqual({
      "swa.base": "",
      "swa.sft": "swa.base",
      "swa.rl": "swa.sft (alone)",
      "swa.more-sft": "swa.sft swa.rl",
      "sa.base": "",
      "sa.sft": "sa.base",
      "sa.rl": "sa.sft swa.rl",
    });
  });

  it("gives one arm all threads, and starts from the base without an SFT stage", () => {
    expect(plan("arms=[swa]", "sft=null")).toEqual({ "swa.base": "(alone)", "swa.rl": "swa.base (alone)" });
  });
});
