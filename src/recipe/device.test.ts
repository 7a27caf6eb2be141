// The device of a recipe: one of four words, settled before anything is written.

import fs from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { scratchFolder } from "../../test/support/scratch-folder.ts";
import { findProviders } from "../engine/providers.ts";
import { readRecipe } from "./read.ts";
import { runRecipe } from "./run.ts";

const MINIATURE = path.resolve(import.meta.dirname, "../../recipes/miniature.yaml");
const missing = (await findProviders()).find(({ name, usable }) => !usable && (name === "webgpu" || name === "cuda"));

describe("device", () => {
  it("is one of auto, cpu, webgpu and cuda", () => {
    for (const device of ["auto", "cpu", "webgpu", "cuda"]) {
      expect(readRecipe(MINIATURE, [`device=${device}`]).device).toBe(device);
    }
    expect(() => readRecipe(MINIATURE, ["device=gpu"])).toThrow(/device.*gpu|gpu.*device/s);
  });

  it.skipIf(missing === undefined)("refuses a device that cannot be used before the run folder exists", async () => {
    const folder = path.join(scratchFolder(), "run");
    const recipe = readRecipe(MINIATURE, [`device=${missing!.name}`]);
    const options = { folder, resume: false, signal: new AbortController().signal, onEvent: () => {} };
    await expect(runRecipe(recipe, options)).rejects.toMatchObject({ code: "DEVICE_MISSING" });
    expect(fs.existsSync(folder)).toBe(false);
  });
});
