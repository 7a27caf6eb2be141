// The manifest of a run: written when it starts, held against the inputs and the kernels when it goes on.

import fs from "node:fs";
import { createRequire } from "node:module";
import { SwarrError } from "../base/errors.ts";
import { readText, writeFileAtomic } from "../base/files.ts";
import { asObject, parseJson } from "../base/json.ts";
import { templateFile } from "../data/template.ts";
import type { CpuKernels } from "../engine/cpu-kernels.ts";
import type { RunPaths } from "../run/folder.ts";
import { changedInputs, manifestOf, type Manifest } from "../run/manifest.ts";
import { recipeHash, recipeText } from "./read.ts";
import type { SettledRecipe } from "./recipe.ts";

/**
 * Writes the manifest, then the recipe: a folder with a recipe has begun, and can say what it was begun with.
 *
 * @param sets  the settings that the command line laid over the recipe's file
 * @param kernels  that the run computes with
 * @returns what names the recipe in snapshots
 * @throws `FILE_MISSING` naming the input that is not there
 */
export function recordInputs(
  recipe: SettledRecipe,
  paths: RunPaths,
  sets: readonly string[],
  kernels: CpuKernels,
): string {
  const text = recipeText(recipe);
  const recipeSha256 = recipeHash(text, paths.recipe);
  const manifest = manifestOf({
    swarr: versionOf("../../package.json"),
    onnxruntime: versionOf("onnxruntime-node/package.json"),
    device: recipe.device,
    kernels,
    threads: recipe.threads,
    seed: recipe.seed,
    set: sets,
    recipeSha256,
    inputPaths: inputPaths(recipe),
  });
  writeFileAtomic(paths.manifest, `${JSON.stringify(manifest, null, 2)}\n`);
  writeFileAtomic(paths.recipe, text);
  return recipeSha256;
}

/**
 * @param kernels  that the run would go on with
 * @returns what names the folder's recipe in snapshots; of its text, so that a later version with more settings finds the same
 * @throws `BAD_DATA` when a resumed run would read other bytes than it started with, or its folder's recipe was changed
 * @throws `BAD_RECIPE` when it would compute with other kernels, whose rounding is another
 */
export function checkInputs(paths: RunPaths, kernels: CpuKernels): string {
  const hash = recipeHash(readText(paths.recipe, "the run's recipe"), paths.recipe);
  const manifest = readManifest(paths);
  if (manifest === null) return hash;
  checkKernels(manifest, paths, kernels);
  const recipeChanged = manifest.recipeSha256 === hash ? [] : [`${paths.recipe} has changed.`];
  const changed = [...changedInputs(manifest), ...recipeChanged];
  if (changed.length === 0) return hash;
  throw new SwarrError("BAD_DATA", {
    what: `The inputs of ${paths.folder} are not what the run started with: ${changed.join(" ")}`,
    expected: "the same files, so that a resumed run does not mix data.",
    fix: "Restore the files, or start a new run.",
  });
}

/** A manifest that names no kernels is from before there were others than ONNX Runtime's; one that names native ones, from before there were two kinds. */
function checkKernels({ kernels = "onnxruntime" }: Partial<Manifest>, paths: RunPaths, now: CpuKernels): void {
  const before = kernels === "native" ? "avx512" : kernels;
  if (before === now) return;
  throw new SwarrError("BAD_RECIPE", {
    what: `The run in ${paths.folder} was started with ${before} kernels, and would go on with ${now} ones.`,
    expected: "the same kernels: others round differently, and going on with them would mix two runs.",
    fix: `Set the environment variable SWARR_KERNELS=${before} on a machine that has them, or start a new run with another --out.`,
  });
}

/** The settings that the command line laid over the recipe's file when the run was started. */
export function setsOf(paths: RunPaths): readonly string[] {
  return readManifest(paths)?.set ?? [];
}

function readManifest({ manifest }: RunPaths): Manifest | null {
  if (!fs.existsSync(manifest)) return null;
  return asObject(parseJson(readText(manifest, "the manifest"), manifest), manifest) as unknown as Manifest;
}

/** A reward module's own imports are not followed. */
function inputPaths({ model, data, rewards }: SettledRecipe): readonly string[] {
  const files = data.task === "file" ? [data.train, data.rl, data.test, templateFile(data.template)] : [];
  return [...(typeof model === "string" ? [model] : []), ...[...files, rewards].filter((file) => file !== null)];
}

function versionOf(file: string): string {
  const { version } = createRequire(import.meta.url)(file) as { readonly version: string };
  return version;
}
