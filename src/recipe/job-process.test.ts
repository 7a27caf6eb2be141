// The process of a job ends with the run that started it, even in the midst of work that never lets go.

import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { scratchFolder } from "../../test/support/scratch-folder.ts";
import { builtNeighbour } from "../base/built-file.ts";
import { runPaths } from "../run/folder.ts";
import { drawModel, drawnModel, makeBases } from "./base-models.ts";
import { killJobs, runInProcess } from "./job-process.ts";
import type { Job } from "./job.ts";
import { parseRecipe } from "./read.ts";

/** A job that evaluates with a reward of one's own, which says its process id and then never returns. */
async function endlessJob(): Promise<{ readonly job: Job; readonly pidFile: string }> {
  const scratch = scratchFolder();
  const at = (name: string): string => path.join(scratch, name);
  fs.writeFileSync(at("rl.jsonl"), '{"question": "1+1?", "answer": "2"}\n');
  fs.writeFileSync(at("test.jsonl"), '{"question": "2+2?", "answer": "4"}\n');
  fs.writeFileSync(
    at("endless.mjs"),
    `import fs from "node:fs";
    export const reward = { name: "endless", score() {
      fs.writeFileSync(${JSON.stringify(at("pid.partial"))}, String(process.pid));
      fs.renameSync(${JSON.stringify(at("pid.partial"))}, ${JSON.stringify(at("pid"))});
      for (;;);
    } };`,
  );
  const recipe = parseRecipe(
    `
model: { init: { family: mistral, width: 16, layers: 1, queryHeads: 2, feedForwardWidth: 16, maxPositions: 64 } }
window: 8
arms: [swa]
data: { rl: ${JSON.stringify(at("rl.jsonl"))}, test: ${JSON.stringify(at("test.jsonl"))} }
sft: null
rl: { steps: 1, lr: 1, promptsPerStep: 1, groupSize: 2, maxNewTokens: 2 }
rewards: ${JSON.stringify(at("endless.mjs"))}
eval: { modes: [greedy], maxNewTokens: 2 }
`,
    "endless",
  );
  const paths = runPaths(at("run"));
  await drawModel(recipe, paths);
  await makeBases(recipe, paths, drawnModel(paths));
  const place = { folder: at("run"), arm: "swa", stage: "base" } as const;
  return {
    job: { recipe: { ...recipe, device: "cpu", threads: 1 }, recipeHash: "", ...place, threads: 1, steps: null },
    pidFile: at("pid"),
  };
}

async function until(holds: () => boolean, withinMs: number): Promise<boolean> {
  const endMs = performance.now() + withinMs;
  while (!holds() && performance.now() < endMs) await new Promise((resolve) => setTimeout(resolve, 20));
  return holds();
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // One that has ended and that nobody has asked for yet still has its number.
    return process.platform !== "linux" || !/^State:\tZ/m.test(fs.readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

describe("the process of a job", () => {
  it("ends within seconds of a run that was killed, though its event loop never turns again", async () => {
    const { job, pidFile } = await endlessJob();
    const built = builtNeighbour(import.meta.url, "job-process").href;
    const script = `import { runInProcess } from ${JSON.stringify(built)};
      const listeners = { onEvent() {}, onSampled() {}, signal: new AbortController().signal };
      await runInProcess(${JSON.stringify(job)}, listeners);`;
    const run = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "ignore", 2] });
    expect(await until(() => fs.existsSync(pidFile), 20_000)).toBe(true);
    const pid = Number(fs.readFileSync(pidFile, "utf8"));
    try {
      expect(isRunning(pid)).toBe(true);
      run.kill("SIGKILL");
      expect(await until(() => !isRunning(pid), 5000)).toBe(true);
    } finally {
      if (isRunning(pid)) process.kill(pid, "SIGKILL");
    }
  });

  it("is ended at once by killJobs", async () => {
    const { job, pidFile } = await endlessJob();
    const ended = runInProcess(job, { onEvent() {}, onSampled() {}, signal: new AbortController().signal });
    const message = ended.then(
      () => "done",
      (thrown: unknown) => String(thrown),
    );
    expect(await until(() => fs.existsSync(pidFile), 20_000)).toBe(true);
    killJobs();
    expect(await message).toMatch(/swa base was ended by SIGKILL/);
    expect(process.listeners("exit")).not.toContain(killJobs);
  });
});
