// The command line from a recipe to a report: straight through, interrupted and killed, ending with the same bytes.

import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { loadCheckpoint } from "../../src/checkpoint/load.ts";
import { readEvents } from "../../src/run/read-run.ts";
import { scratchFolder } from "../support/scratch-folder.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const main = path.join(root, "dist", "cli", "main.js");

/** The miniature, seconds long: every stage and arm, nothing learned. */
const CUT = [
  "model.init.width=16",
  "model.init.feedForwardWidth=24",
  "pretrain.steps=6",
  "pretrain.batchExamples=4",
  "sft.steps=6",
  "sft.batchExamples=4",
  "rl.steps=4",
  "rl.promptsPerStep=3",
  "rl.groupSize=4",
  "rl.maxNewTokens=40",
  "eval.maxNewTokens=24",
  "data.testCount=12",
  "snapshotEverySteps=2",
  "rolloutsEverySteps=2",
].flatMap((set) => ["--set", set]);

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs `swarr run`; `stop` is asked after every change of events.jsonl and names a signal to send once. */
function swarrRun(
  folder: string,
  args: readonly string[],
  stop?: (events: string) => NodeJS.Signals | null,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const all = [main, "run", path.join(root, "recipes", "miniature.yaml"), "--out", folder, "--json", ...args];
    const child = spawn(process.execPath, all, { stdio: ["ignore", "pipe", "pipe"] });
    let [out, err, sent] = ["", "", false];
    child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
    const file = path.join(folder, "events.jsonl");
    const watch = setInterval(() => {
      if (stop === undefined || sent || !fs.existsSync(file)) return;
      const signal = stop(fs.readFileSync(file, "utf8"));
      if (signal === null) return;
      sent = true;
      child.kill(signal);
    }, 5);
    child.on("error", reject);
    child.on("close", (code) => {
      clearInterval(watch);
      resolve({ code, out, err });
    });
  });
}

const CHECKPOINTS = ["sa/base", "sa/sft", "sa/rl", "swa/base", "swa/sft", "swa/rl", "swa/more-sft"];

function weightBytes(folder: string): Record<string, Buffer> {
  return Object.fromEntries(
    CHECKPOINTS.map((name) => [name, fs.readFileSync(path.join(folder, "checkpoints", name, "model.safetensors"))]),
  );
}

/** results.json without the times. */
function figures(out: string): unknown {
  const observed = new Set(["seconds", "peakRssBytes"]);
  return JSON.parse(out, (key, value: unknown) => (observed.has(key) ? undefined : value)) as unknown;
}

describe("swarr run", () => {
  it("goes through both arms, and a run that was interrupted or killed ends with the same bytes and figures", async () => {
    const straight = path.join(scratchFolder(), "straight");
    const whole = await swarrRun(straight, CUT);
    expect(whole.err).not.toMatch(/\[[A-Z_]+\]$/m);
    expect(whole.code).toBe(0);
    for (const name of ["report.html", "report.md", "results.json", "recipe.yaml", "manifest.json"]) {
      expect(fs.existsSync(path.join(straight, name)), name).toBe(true);
    }

    // Ctrl-C in the midst of stage 1, then a kill without warning in stage 2, then to the end.
    const broken = path.join(scratchFolder(), "broken");
    const first = await swarrRun(broken, CUT, (events) =>
      /"sft-step".*"stage":"sft".*"step":2/.test(events) ? "SIGINT" : null,
    );
    expect(first.code).not.toBe(0);
    const recipe = path.join(root, "recipes", "miniature.yaml");
    expect(first.err).toContain(`Go on with: swarr run ${recipe} --out ${broken} --resume [`);
    const second = await swarrRun(broken, ["--resume"], (events) =>
      /"rl-step".*"step":3,/.test(events) ? "SIGKILL" : null,
    );
    expect(second.code).toBe(null);
    const third = await swarrRun(broken, ["--resume"]);
    expect(second.err + third.err).toMatch(/going on after step/);
    expect(third.code).toBe(0);

    expect(figures(third.out)).toEqual(figures(whole.out));
    const [wanted, found] = [weightBytes(straight), weightBytes(broken)];
    for (const name of CHECKPOINTS) expect(found[name]!.equals(wanted[name]!), name).toBe(true);
    expect(wanted["swa/sft"]!.equals(wanted["swa/base"]!)).toBe(false);

    const { config } = await loadCheckpoint(path.join(straight, "checkpoints", "swa", "rl"));
    expect(config.windows).toEqual([36, 36]);
    const { events } = readEvents(path.join(broken, "events.jsonl"));
    expect(events.filter(({ type }) => type === "run-end").map((event) => "outcome" in event && event.outcome)).toEqual(
      ["interrupted", "finished"],
    );
  });

  it.each([
    ["an unknown key", ["--set", "rl.grupSize=4"], /rl\.grupSize is not a known key.*rl\.groupSize/],
    ["a window of 0", ["--set", "window=0"], /window is 0\. Expected at least 1/],
    ["a model folder that is not there", ["--set", "model=nowhere", "--set", "pretrain=null"], /nowhere/],
  ])("refuses %s with a sentence and status 2", async (_, args, sentence) => {
    const folder = path.join(scratchFolder(), "run");
    const { code, err } = await swarrRun(folder, args);
    expect(err).toMatch(sentence);
    expect(code).toBe(2);
  });
});
