// Names and layout of a run folder, and the lock that keeps a second writer out of it.

import fs from "node:fs";
import path from "node:path";
import { SwarrError } from "../base/errors.ts";
import { unwritable, writingTo } from "../base/files.ts";
import type { ArmName, StageName } from "./events.ts";
import { rolloutFinalFile, rolloutStepFile } from "./rollouts.ts";

/** The stages that leave a checkpoint; pretraining leaves the base. */
export type CheckpointStage = Exclude<StageName, "pretrain">;

/** Where everything of a run lies. */
export interface RunPaths {
  readonly folder: string;
  readonly recipe: string;
  readonly manifest: string;
  readonly events: string;
  readonly results: string;
  readonly report: string;
  readonly snapshots: string;
  /** a Hugging Face folder */
  checkpoint(arm: ArmName, stage: CheckpointStage): string;
  /** in PEFT's layout, of a stage that trained one */
  adapter(arm: ArmName, stage: CheckpointStage): string;
  /** of one RL step */
  rollouts(arm: ArmName, step: number): string;
  /** of the evaluation after a stage */
  finalRollouts(arm: ArmName, stage: StageName): string;
}

export function runPaths(folder: string): RunPaths {
  const at = (...names: string[]): string => path.join(folder, ...names);
  return {
    folder,
    recipe: at("recipe.yaml"),
    manifest: at("manifest.json"),
    events: at("events.jsonl"),
    results: at("results.json"),
    report: at("report.html"),
    snapshots: at("snapshots"),
    checkpoint: (arm, stage) => at("checkpoints", arm, stage),
    adapter: (arm, stage) => at("checkpoints", arm, `${stage}-adapter`),
    rollouts: (arm, step) => at(rolloutStepFile(arm, step)),
    finalRollouts: (arm, stage) => at(rolloutFinalFile(arm, stage)),
  };
}

/**
 * Makes the folder of a new run, or finds the one to go on with.
 *
 * @throws `FILE_EXISTS` when a new run would write into a folder that holds something
 * @throws `FILE_MISSING` when there is no run to resume
 */
export function openRunFolder(folder: string, options: { readonly resume: boolean }): RunPaths {
  const paths = runPaths(folder);
  const entries = writingTo(folder, () => (fs.existsSync(folder) ? fs.readdirSync(folder) : [])).filter(
    (name) => name !== LOCK,
  );
  if (options.resume && !entries.includes("recipe.yaml")) {
    throw new SwarrError("FILE_MISSING", {
      what: `${folder} holds no recipe.yaml, so there is no run to resume.`,
      expected: "the folder of an interrupted run.",
      fix: "Give the folder that the run was started with as --out, or leave --resume out.",
    });
  }
  if (!options.resume && entries.length > 0) {
    throw new SwarrError("FILE_EXISTS", {
      what: `${folder} already holds ${entries.length} entries, "${entries[0] ?? ""}" among them.`,
      expected: "a new or empty folder, so that no run overwrites another.",
      fix: "Give another --out, or go on with that run with --resume.",
    });
  }
  writingTo(folder, () => fs.mkdirSync(folder, { recursive: true }));
  return paths;
}

/**
 * Takes back what a run wrote that failed before anything had begun, so that the corrected command finds its place free.
 *
 * @param keepFolder  where the folder was there before the run
 */
export function clearRunFolder(paths: RunPaths, { keepFolder }: { readonly keepFolder: boolean }): void {
  const { folder, recipe, manifest, events } = paths;
  for (const written of [recipe, manifest, events, path.join(folder, "checkpoints"), path.join(folder, LOCK)]) {
    fs.rmSync(written, { recursive: true, force: true });
  }
  if (!keepFolder && fs.readdirSync(folder).length === 0) fs.rmdirSync(folder);
}

const LOCK = "writer.lock";

/**
 * Claims the folder for this process; a lock whose process is gone is taken over.
 *
 * @returns releases the claim
 * @throws `FILE_EXISTS` naming the process that holds it
 */
export function lockRunFolder(folder: string): () => void {
  const file = path.join(folder, LOCK);
  for (let attempt = 0; ; attempt++) {
    try {
      fs.writeFileSync(file, `${process.pid}\n`, { flag: "wx" });
      return () => fs.rmSync(file, { force: true });
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "EEXIST") throw unwritable(folder, cause);
      const holder = Number.parseInt(fs.readFileSync(file, "utf8"), 10);
      if (attempt === 0 && !isRunning(holder)) {
        fs.rmSync(file, { force: true });
        continue;
      }
      throw new SwarrError("FILE_EXISTS", {
        what: `Process ${holder} is writing into ${folder}.`,
        expected: "one writer of a run folder at a time.",
        fix: `Wait for it or stop it; if no such run exists any more, delete ${file}.`,
      });
    }
  }
}

/** Signal 0 only asks; EPERM means that it runs but is not ours. */
function isRunning(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === "EPERM";
  }
}
