// The manifest of a run: written when it starts, held against the inputs when it goes on.

import fs from "node:fs";
import { createRequire } from "node:module";
import { SwarrError } from "../base/errors.ts";
import { readText, writeFileAtomic } from "../base/files.ts";
import { asObject, parseJson } from "../base/json.ts";
import type { RunPaths } from "../run/folder.ts";
import { changedInputs, manifestOf, type Manifest } from "../run/manifest.ts";
import type { Recipe } from "./recipe.ts";

/** @throws `BAD_DATA` when a resumed run would read other bytes than it started with */
export function recordInputs(recipe: Recipe, paths: RunPaths, threads: number): void {
  if (fs.existsSync(paths.manifest)) {
    const manifest = asObject(parseJson(readText(paths.manifest, "the manifest"), paths.manifest), paths.manifest);
    const changed = changedInputs(manifest as unknown as Manifest);
    if (changed.length === 0) return;
    throw new SwarrError("BAD_DATA", {
      what: `The inputs of ${paths.folder} are not what the run started with: ${changed.join(" ")}`,
      expected: "the same files, so that a resumed run does not mix data.",
      fix: "Restore the files, or start a new run.",
    });
  }
  const manifest = manifestOf({
    swarr: versionOf("../../package.json"),
    onnxruntime: versionOf("onnxruntime-node/package.json"),
    device: recipe.device,
    threads,
    seed: recipe.seed,
    inputPaths: inputPaths(recipe),
  });
  writeFileAtomic(paths.manifest, `${JSON.stringify(manifest, null, 2)}\n`);
}

function inputPaths({ model, data }: Recipe): readonly string[] {
  const files = data.task === "file" ? [data.train, data.rl, data.test] : [];
  return [...(typeof model === "string" ? [model] : []), ...files.filter((file) => file !== null)];
}

function versionOf(file: string): string {
  const { version } = createRequire(import.meta.url)(file) as { readonly version: string };
  return version;
}
