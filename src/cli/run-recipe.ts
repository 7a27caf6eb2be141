// What `run`, `demo`, `sft` and `rl` share: read the recipe, run it with progress and Ctrl-C, report, print the table.

import path from "node:path";
import { fileURLToPath } from "node:url";
import { killJobs } from "../recipe/job-process.ts";
import { readRecipe } from "../recipe/read.ts";
import { recipeToResume } from "../recipe/resume.ts";
import { runRecipe } from "../recipe/run.ts";
import { writeReport } from "../report/report.ts";
import { resultTable } from "../report/table.ts";
import { withInterrupt } from "./interrupt.ts";
import { note, printResult } from "./output.ts";
import { createRunProgress } from "./run-progress.ts";
import { shellWord } from "./shell-word.ts";

export interface RunRequest {
  /** the recipe's file */
  readonly recipe: string;
  readonly folder: string;
  readonly set: readonly string[];
  readonly resume?: boolean;
  readonly json?: boolean;
  /** the words of the command line before --out that go on with this run, for the message after Ctrl-C */
  readonly again: readonly string[];
}

/** A recipe that comes with swarr. */
export function packagedRecipe(name: string): string {
  return path.join(path.dirname(fileURLToPath(import.meta.url)), "..", "..", "recipes", `${name}.yaml`);
}

/** `runs/<name of the recipe>` */
export function defaultRunFolder(recipe: string): string {
  return path.join("runs", path.basename(recipe).replace(/\.ya?ml$/, ""));
}

/** Runs to the end and prints results.json (`--json`) or its table. */
export async function runAndReport(request: RunRequest): Promise<void> {
  const { folder, set, json, resume = false } = request;
  const recipe = resume ? recipeToResume(folder, request.recipe, set) : readRecipe(request.recipe, set);
  // Without --set: the run folder knows them.
  const again = ["swarr", ...request.again, "--out", folder, "--resume"].map((word) => shellWord(word)).join(" ");
  const progress = createRunProgress();
  try {
    const results = await withInterrupt(
      `Go on with: ${again}`,
      (signal) => runRecipe(recipe, { folder, sets: set, resume, signal, onEvent: (event) => progress.onEvent(event) }),
      killJobs,
    );
    const files = writeReport(folder);
    progress.end();
    note(`Report: ${files.html}`);
    printResult(json, results, () => resultTable(results));
  } finally {
    progress.end();
  }
}
