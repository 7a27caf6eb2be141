// Going on with a run: the settings it was started with, or none.

import fs from "node:fs";
import path from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { scratchFolder } from "../../test/support/scratch-folder.ts";
import { openRunFolder, runPaths } from "../run/folder.ts";
import { readRecipe } from "./read.ts";
import { checkInputs, recordInputs } from "./record-inputs.ts";
import { recipeToResume } from "./resume.ts";

const RECIPE = `
model: { init: { family: mistral, width: 16, layers: 2, queryHeads: 4, feedForwardWidth: 24 } }
window: 12
data: { task: running-total }
sft: { steps: 2, batchExamples: 4, lr: 0.02 }
rl: null
device: auto
`;

let scratch: string;
let file: string;
let folder: string;
beforeEach(() => {
  scratch = scratchFolder();
  file = path.join(scratch, "mine.yaml");
  folder = path.join(scratch, "run");
  fs.writeFileSync(file, RECIPE);
});

/** The folder of a run that has begun on a machine with three threads. */
function begin(...sets: readonly string[]): string {
  const recipe = { ...readRecipe(file, sets), device: "cpu" as const, threads: 3 };
  return recordInputs(recipe, openRunFolder(folder, { resume: false }), sets, "avx512");
}

describe("recipeToResume", () => {
  it("keeps what the run was started with, its --set included, and the device and threads it settled", () => {
    begin("sft.steps=4000", "seed=7");
    const kept = { seed: 7, sft: { steps: 4000 }, device: "cpu", threads: 3 };
    for (const sets of [[], ["seed=7"], ["seed=7", "sft.steps=4000"], ["threads=3"], ["device=cpu"]]) {
      expect(recipeToResume(folder, file, sets), sets.join()).toMatchObject(kept);
    }
    expect(recipeToResume(folder, runPaths(folder).recipe, [])).toMatchObject(kept);
  });

  it.each([
    ["seed=8", "seed is 7 in the run in FOLDER, and 8 now."],
    ["threads=2", "threads is 3 in the run in FOLDER, and 2 now."],
    ["device=webgpu", 'device is "cpu" in the run in FOLDER, and "webgpu" now.'],
    ["sft.lr=0.5", "sft.lr is 0.02 in the run in FOLDER, and 0.5 now."],
    [
      "rl={steps: 1, lr: 1, promptsPerStep: 1, groupSize: 2, maxNewTokens: 1}",
      "rl is null in the run in FOLDER, and {",
    ],
  ])("refuses --set %s, naming the key and both values", (set, sentence) => {
    begin("seed=7");
    const resume = () => recipeToResume(folder, file, [set]);
    expect(resume).toThrow(sentence.replace("FOLDER", folder));
    expect(resume).toThrow(/start a new run with another --out\. \[BAD_RECIPE\]$/);
  });

  it("refuses a recipe file that was changed meanwhile, and counts the differences", () => {
    begin();
    fs.writeFileSync(file, RECIPE.replace("window: 12", "window: 13").replace("steps: 2", "steps: 3"));
    expect(() => recipeToResume(folder, file, [])).toThrow(
      `window is 12 in the run in ${folder}, and 13 now (the first of 2 differences).`,
    );
  });

  it("says where there is no run", () => {
    expect(() => recipeToResume(folder, file, [])).toThrow(/no run to resume.*\[FILE_MISSING\]$/);
  });
});

describe("checkInputs", () => {
  it("gives the run's recipe the name it was recorded under, whatever its comments, and refuses a changed setting", () => {
    const hash = begin();
    const { recipe } = runPaths(folder);
    const text = fs.readFileSync(recipe, "utf8");
    fs.writeFileSync(recipe, `# a remark\n${text}`);
    expect(checkInputs(runPaths(folder), "avx512")).toBe(hash);
    fs.writeFileSync(recipe, text.replace("seed: 1\n", "seed: 2\n"));
    expect(() => checkInputs(runPaths(folder), "avx512")).toThrow(`${recipe} has changed. Expected the same files`);
  });

  it("notices a changed reward module and a changed template file", () => {
    const rows = path.join(scratch, "rows.jsonl");
    const reward = path.join(scratch, "mine.mjs");
    const template = path.join(scratch, "prompt.txt");
    for (const written of [rows, reward, template]) fs.writeFileSync(written, "{question}\n");
    const rl = "{steps: 1, lr: 1, promptsPerStep: 1, groupSize: 2, maxNewTokens: 1}";
    begin(`data={train: ${rows}, template: ${template}}`, `rl=${rl}`, `rewards=${reward}`);
    for (const changed of [reward, template]) {
      fs.appendFileSync(changed, "x");
      expect(() => checkInputs(runPaths(folder), "avx512")).toThrow(`${changed} has changed (11 bytes then, 12 now).`);
      fs.truncateSync(changed, 11);
    }
    expect(() => checkInputs(runPaths(folder), "avx512")).not.toThrow();
  });

  it("refuses other kernels than the run was started with, naming both and the variable that chooses", () => {
    begin();
    expect(() => checkInputs(runPaths(folder), "avx2")).toThrow(
      `was started with avx512 kernels, and would go on with avx2 ones.`,
    );
    expect(() => checkInputs(runPaths(folder), "onnxruntime")).toThrow(
      new RegExp(
        `^The run in ${folder} was started with avx512 kernels, and would go on with onnxruntime ones\\..*SWARR_KERNELS=avx512.*\\[BAD_RECIPE\\]$`,
      ),
    );
  });

  it("takes a manifest that names no kernels for one of ONNX Runtime's", () => {
    begin();
    const { manifest } = runPaths(folder);
    fs.writeFileSync(manifest, fs.readFileSync(manifest, "utf8").replace(/ *"kernels": "avx512",\n/, ""));
    expect(() => checkInputs(runPaths(folder), "onnxruntime")).not.toThrow();
    expect(() => checkInputs(runPaths(folder), "avx512")).toThrow("SWARR_KERNELS=onnxruntime");
  });

  it("takes native kernels in a manifest, from before there were two kinds, for those of AVX-512", () => {
    const hash = begin();
    const { manifest } = runPaths(folder);
    fs.writeFileSync(manifest, fs.readFileSync(manifest, "utf8").replace('"kernels": "avx512"', '"kernels": "native"'));
    expect(JSON.parse(fs.readFileSync(manifest, "utf8"))).toMatchObject({ kernels: "native" });
    expect(checkInputs(runPaths(folder), "avx512")).toBe(hash);
    expect(() => checkInputs(runPaths(folder), "avx2")).toThrow("SWARR_KERNELS=avx512");
    expect(() => checkInputs(runPaths(folder), "onnxruntime")).toThrow("SWARR_KERNELS=avx512");
  });
});
