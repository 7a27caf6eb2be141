// A run and its folder: settled and checked before anything is written, recorded, then taken to its end or as far as it gets.

import fs from "node:fs";
import os from "node:os";
import { messageOf, SwarrError } from "../base/errors.ts";
import { writeFileAtomic } from "../base/files.ts";
import { kernelsOn } from "../engine/cpu-kernels.ts";
import { requirePrecision } from "../engine/precision.ts";
import { resolveDevice } from "../engine/providers.ts";
import { openEventLog } from "../run/event-log.ts";
import type { RunEvent } from "../run/events.ts";
import { clearRunFolder, lockRunFolder, openRunFolder, type RunPaths } from "../run/folder.ts";
import { readEvents } from "../run/read-run.ts";
import type { RunResults } from "../run/results.ts";
import { checkPlan } from "./check-plan.ts";
import { checkInputs, recordInputs } from "./record-inputs.ts";
import type { Recipe, SettledRecipe } from "./recipe.ts";
import { RunAttempt } from "./run-attempt.ts";

export interface RunOptions {
  readonly folder: string;
  /** what was laid over the recipe's file, for the manifest; none when left out */
  readonly sets?: readonly string[];
  readonly resume: boolean;
  readonly signal: AbortSignal;
  readonly onEvent: (event: RunEvent) => void;
}

/**
 * Runs a recipe into a run folder, or goes on with what is there. A run that fails on what it was given before it could begin
 * leaves no folder behind.
 *
 * @param asked  to resume: the one that `recipeToResume` gives
 * @returns the figures, also written to results.json
 * @throws `DEVICE_MISSING` where the recipe asks for a device that cannot be used
 * @throws `INTERRUPTED` after every running stage has saved a snapshot; whatever a stage throws
 */
export async function runRecipe(asked: Recipe, options: RunOptions): Promise<RunResults> {
  const { folder, sets = [], resume } = options;
  // Settled before anything is written; the run folder's recipe names both, so that a resumed run takes the same.
  const device = await resolveDevice(asked.device);
  await requirePrecision(asked.precision, device);
  const kernels = await kernelsOn(device);
  const recipe = { ...asked, device, threads: asked.threads ?? os.availableParallelism() };
  await checkPlan(recipe);
  const wasThere = fs.existsSync(folder);
  const paths = openRunFolder(folder, { resume });
  const release = lockRunFolder(folder);
  try {
    const recipeHash = resume ? checkInputs(paths, kernels) : recordInputs(recipe, paths, sets, kernels);
    return await runIn(paths, recipe, recipeHash, options);
  } catch (thrown) {
    if (!resume && isMistake(thrown) && !hasBegun(paths)) clearRunFolder(paths, { keepFolder: wasThere });
    throw thrown;
  } finally {
    release();
  }
}

/** What the user has to change before the run can be started; nobody wants to go on with what was wrong. */
function isMistake(thrown: unknown): boolean {
  return thrown instanceof SwarrError && thrown.code !== "INTERRUPTED" && thrown.code !== "INTERNAL";
}

/** Whether any stage got as far as to say something. */
function hasBegun({ events }: RunPaths): boolean {
  return fs.existsSync(events) && readEvents(events).events.some(({ type }) => type !== "run-end");
}

async function runIn(
  paths: RunPaths,
  recipe: SettledRecipe,
  recipeHash: string,
  { resume, signal, onEvent }: RunOptions,
): Promise<RunResults> {
  const earlier = resume ? readEvents(paths.events).events : [];
  const log = openEventLog(paths.events, { onEvent });
  const run = new RunAttempt({ recipe, recipeHash, paths, log, signal, earlier });
  try {
    await run.all();
    const results = run.results();
    writeFileAtomic(paths.results, `${JSON.stringify(results, null, 2)}\n`);
    run.end("finished", null);
    return results;
  } catch (caught) {
    // A worker only knows that it was stopped; the signal's reason says by whom, and how to go on.
    const thrown: unknown = signal.aborted ? signal.reason : caught;
    const interrupted = thrown instanceof SwarrError && thrown.code === "INTERRUPTED";
    run.end(interrupted ? "interrupted" : "failed", messageOf(thrown));
    throw thrown;
  } finally {
    log.close();
  }
}
