// Going on with a run: the recipe of its folder, held against what the command line names again.

import { differences } from "../base/differences.ts";
import { SwarrError } from "../base/errors.ts";
import { quote } from "../base/json.ts";
import { openRunFolder } from "../run/folder.ts";
import { readRecipe } from "./read.ts";
import type { Recipe } from "./recipe.ts";
import { setsOf } from "./record-inputs.ts";

/**
 * The recipe that the run in `folder` was started with. Nothing may differ when it goes on, since that would mix two runs; the
 * settings that were laid over the recipe's file then are laid over it again, so that they need not be repeated.
 *
 * @param file  the recipe as the command line names it
 * @param sets  what is to be laid over it, if anything
 * @throws `BAD_RECIPE` naming the first key that differs, with both values; `FILE_MISSING` when there is no run
 */
export function recipeToResume(folder: string, file: string, sets: readonly string[]): Recipe {
  const paths = openRunFolder(folder, { resume: true });
  const kept = readRecipe(paths.recipe);
  const { device, threads, ...asked } = readRecipe(file, [...setsOf(paths), ...sets]);
  const settled = {
    ...asked,
    // Left open, both were settled when the run was started.
    device: device === "auto" ? kept.device : device,
    threads: threads ?? kept.threads,
  };
  const [first, ...more] = differences(kept, settled);
  if (first === undefined) return kept;
  throw new SwarrError("BAD_RECIPE", {
    what:
      `${first.key} is ${quote(first.before)} in the run in ${folder}, and ${quote(first.after)} now` +
      `${more.length === 0 ? "" : ` (the first of ${more.length + 1} differences)`}.`,
    expected: "the settings that the run was started with: going on with others would mix two runs.",
    fix: `Take the other settings back (${paths.recipe} as the recipe has all of them), or start a new run with another --out.`,
  });
}
