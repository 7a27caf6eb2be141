// The small files beside a run's events, read again only when they change; what is damaged is told, not hidden.

import fs from "node:fs";
import path from "node:path";
import { messageOf } from "../base/errors.ts";
import { asObject, parseJson, type JsonObject } from "../base/json.ts";
import { parseRecipe } from "../report/gather.ts";
import { asResults, type RunResults } from "../run/results.ts";

export interface RunFiles {
  /** changes when any of the files does */
  version(): string;
  recipeText(): string | null;
  recipe(): JsonObject;
  manifest(): JsonObject;
  analysis(): JsonObject | null;
  results(): RunResults | null;
  /** one sentence for each file that is there and cannot be read */
  damaged(): readonly string[];
}

const NAMES = ["recipe.yaml", "manifest.json", "results.json", "analysis.json"] as const;
type Name = (typeof NAMES)[number];

interface Cached {
  readonly stamp: string;
  readonly value: unknown;
  readonly damage: string | null;
}

export function runFiles(folder: string): RunFiles {
  const cache = new Map<Name, Cached>();
  const stampOf = (name: Name): string => {
    const stat = fs.statSync(path.join(folder, name), { throwIfNoEntry: false });
    return stat === undefined ? "none" : `${stat.mtimeMs}/${stat.size}`;
  };
  const read = <Value>(name: Name, decode: (text: string) => Value): Value | null => {
    const stamp = stampOf(name);
    let known = cache.get(name);
    if (known?.stamp !== stamp) {
      known = stamp === "none" ? { stamp, value: null, damage: null } : decoded(path.join(folder, name), stamp, decode);
      cache.set(name, known);
    }
    return known.value as Value | null;
  };
  const object = (name: Name) => (text: string) => asObject(parseJson(text, name), name);
  const files = {
    recipeText: () => read("recipe.yaml", (text) => text),
    manifest: () => read("manifest.json", object("manifest.json")) ?? {},
    analysis: () => read("analysis.json", object("analysis.json")),
    results: () => read("results.json", (text) => asResults(parseJson(text, "results.json"), "results.json")),
  };
  return {
    ...files,
    recipe: () => parseRecipe(files.recipeText()),
    version: () => NAMES.map(stampOf).join(","),
    damaged: () => {
      for (const readFile of Object.values(files)) readFile();
      return [...cache.values()].flatMap(({ damage }) => (damage === null ? [] : [damage]));
    },
  };
}

function decoded(file: string, stamp: string, decode: (text: string) => unknown): Cached {
  try {
    return { stamp, value: decode(fs.readFileSync(file, "utf8")), damage: null };
  } catch (thrown) {
    return { stamp, value: null, damage: messageOf(thrown) };
  }
}
