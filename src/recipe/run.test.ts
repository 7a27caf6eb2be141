// Starting a run: what it was given wrong is said before it claims its folder.

import fs from "node:fs";
import path from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { scratchFolder } from "../../test/support/scratch-folder.ts";
import { TINY_RECIPE } from "../../test/support/tiny-recipe.ts";
import { parseRecipe, readRecipe } from "./read.ts";
import { runRecipe } from "./run.ts";

let folder: string;
let rows: string;
beforeEach(() => {
  folder = path.join(scratchFolder(), "run");
  rows = path.join(scratchFolder(), "rows.jsonl");
  fs.writeFileSync(rows, '{"question": "1+1?"}\n');
});

async function start(...sets: readonly string[]): Promise<unknown> {
  const options = { folder, resume: false, signal: new AbortController().signal, onEvent: () => {} };
  return runRecipe(parseRecipe(TINY_RECIPE, "test", sets), options);
}

describe("a run that fails on what it was given", () => {
  const llama = "{init: {family: llama, width: 16, layers: 2, queryHeads: 4, feedForwardWidth: 24}}";
  it.each([
    ["a data file that is not there", ["data={train: nowhere.jsonl}"], /nowhere\.jsonl.*\[FILE_MISSING\]$/],
    ["a row without its fields", ["data={train: ROWS}"], /\[BAD_DATA\]$/],
    ["a model folder that is not there", ["model=nowhere"], /nowhere.*\[FILE_MISSING\]$/],
    ["a layer that the model lacks", ["fullAttentionLayers=[9]"], /name 9; the model has 2 layers.*\[BAD_WINDOW\]$/],
    ["no layer with the window", ["fullAttentionLayers=[0, 1]"], /All 2 layers keep full.*\[BAD_WINDOW\]$/],
    [
      "a head that cannot be",
      [`model=${llama}`, "model.init.keyValueHeads=3"],
      /keyValueHeadCount is 3.*\[BAD_CONFIG\]$/,
    ],
  ])("leaves no folder behind: %s", async (_, sets, message) => {
    await expect(start(...sets.map((set) => set.replace("ROWS", rows)))).rejects.toThrow(message);
    expect(fs.existsSync(folder)).toBe(false);
  });

  it("keeps a folder that was there, empty", async () => {
    fs.mkdirSync(folder);
    await expect(start("data={train: nowhere.jsonl}")).rejects.toThrow(/FILE_MISSING/);
    expect(fs.readdirSync(folder)).toEqual([]);
  });
});

describe("a run that goes through", () => {
  it("writes the threads it settled on into its recipe, so that another machine goes on with as many", async () => {
    await start();
    const { threads } = readRecipe(path.join(folder, "recipe.yaml"));
    expect(threads).toBeGreaterThanOrEqual(1);
    const manifest: unknown = JSON.parse(fs.readFileSync(path.join(folder, "manifest.json"), "utf8"));
    expect(manifest).toMatchObject({ threads, set: [] });
  });
});
