// The commands that run a recipe: what is left out when a run goes on is as it was, what is named again has to be the same.

import fs from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { commandLine } from "../../test/support/captured-cli.ts";
import { scratchFolder } from "../../test/support/scratch-folder.ts";
import { TINY_RECIPE } from "../../test/support/tiny-recipe.ts";
import { demoCommand } from "./commands/demo.ts";
import { sftCommand } from "./commands/sft.ts";

describe("--resume", () => {
  const run = commandLine(sftCommand, demoCommand);

  it("of a stage keeps --set, and refuses another one without touching the run", async () => {
    const recipe = path.join(scratchFolder(), "tiny.yaml");
    const folder = path.join(scratchFolder(), "run");
    fs.writeFileSync(recipe, TINY_RECIPE);
    const sft = (...args: readonly string[]) => run("sft", recipe, "--out", folder, "--json", ...args);
    const file = (name: string): string => fs.readFileSync(path.join(folder, name), "utf8");

    expect((await sft("--set", "seed=7", "--set", "sft.steps=2")).status).toBe(0);
    const settled = file("recipe.yaml");
    const again = await sft("--resume");
    expect(again.status, again.stderr).toBe(0);
    expect(JSON.parse(again.stdout)).toMatchObject({ seed: 7 });
    const before = [settled, file("manifest.json"), file("results.json"), file("events.jsonl")];

    const refused = await sft("--resume", "--set", "seed=8");
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain(`seed is 7 in the run in ${folder}, and 8 now.`);
    const other = await run("demo", "--out", folder, "--seed", "7", "--resume");
    expect(other.status).toBe(2);
    expect(other.stderr).toContain(`model.init.width is 16 in the run in ${folder}, and 128 now (the first of`);
    expect(["recipe.yaml", "manifest.json", "results.json", "events.jsonl"].map(file)).toEqual(before);
  });
});
