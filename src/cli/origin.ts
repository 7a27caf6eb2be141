// Where a checkpoint comes from, as far as its folder tells: a run's stage and results, the licence of its card.

import fs from "node:fs";
import path from "node:path";
import { parseJson } from "../base/json.ts";
import { runPaths } from "../run/folder.ts";
import { asResults, type RunResults } from "../run/results.ts";

export interface Origin {
  /** the model it was made from; null where nothing says */
  readonly base: string | null;
  readonly license: string | null;
  /** such as `rl`; null when the folder is no run's checkpoint */
  readonly stage: string | null;
  readonly results: RunResults | null;
}

/** @throws `BAD_JSON` when the run's results.json is broken */
export function originOf(folder: string): Origin {
  const { base, license } = cardFacts(folder);
  const [run, checkpoints, arm, stage] = ["../../..", "../..", "..", "."].map((up) => path.resolve(folder, up));
  const known = path.basename(checkpoints!) === "checkpoints" && ["swa", "sa"].includes(path.basename(arm!));
  if (!known) return { base, license, stage: null, results: null };
  const file = runPaths(run!).results;
  const results = fs.existsSync(file) ? asResults(parseJson(fs.readFileSync(file, "utf8"), file), file) : null;
  return { base, license, stage: path.basename(stage!), results };
}

/** Of the YAML in front of the folder's README.md: only one-line values, which is all that is wanted of it. */
function cardFacts(folder: string): { readonly base: string | null; readonly license: string | null } {
  const file = path.join(folder, "README.md");
  if (!fs.statSync(file, { throwIfNoEntry: false })?.isFile()) return { base: null, license: null };
  const [, front = ""] = /^---\r?\n([\s\S]*?)\r?\n---\r?\n/.exec(fs.readFileSync(file, "utf8")) ?? [];
  const valueOf = (key: string): string | null => {
    const [, value = ""] = new RegExp(`^${key}: *["']?([^"'\\n\\r]+?)["']? *$`, "m").exec(front) ?? [];
    return value === "" ? null : value;
  };
  return { base: valueOf("base_model"), license: valueOf("license") };
}
