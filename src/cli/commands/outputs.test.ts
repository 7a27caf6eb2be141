// Where output cannot go: said before anything is opened or measured, as the user's mistake.

import fs from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { commandLine } from "../../../test/support/captured-cli.ts";
import { scratchFolder } from "../../../test/support/scratch-folder.ts";
import { analyzeCommand } from "./analyze.ts";
import { compareCommand } from "./compare.ts";
import { convertCommand } from "./convert.ts";
import { evalCommand } from "./eval.ts";
import { exportCommand } from "./export.ts";
import { initCommand } from "./init.ts";

const swarr = commandLine(analyzeCommand, compareCommand, convertCommand, evalCommand, exportCommand, initCommand);

describe("an output that cannot be written", () => {
  // There is no such model and no such data: a complaint about those would come from the work.
  it.each([
    ["init", "--d", "15", "--out"],
    ["convert", "no-model", "--window", "4", "--out"],
    ["export", "no-model", "--out"],
    ["eval", "no-model", "--data", "no-data", "--out"],
    ["compare", "no-model", "no-model", "--data", "no-data", "--out-b"],
    ["analyze", "no-model", "--window", "4", "--data", "no-data", "--filter"],
    ["analyze", "no-model", "--window", "4", "--data", "no-data", "--tokens"],
  ])("is refused before the work of %s %s %s", async (...args) => {
    const file = path.join(scratchFolder(), "file");
    fs.writeFileSync(file, "");
    const { status, stderr } = await swarr(...args, path.join(file, "x"));
    expect(stderr).toMatch(/Cannot write .*file.x: ENOTDIR.*\[FILE_UNWRITABLE\]/);
    expect(status).toBe(2);
  });
});
