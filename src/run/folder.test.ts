// The layout that other programs rely on, and who may write into it.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lockRunFolder, openRunFolder, runPaths } from "./folder.ts";

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "swarr-folder-"));
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

describe("runPaths", () => {
  it("puts everything where the contract says", () => {
    const paths = runPaths("runs/a");
    const relative = [
      paths.recipe,
      paths.manifest,
      paths.events,
      paths.results,
      paths.report,
      paths.checkpoint("swa", "more-sft"),
      paths.adapter("swa", "rl"),
      paths.rollouts("sa", 10),
      paths.finalRollouts("swa", "rl"),
    ].map((file) => path.relative("runs/a", file).split(path.sep).join("/"));
    expect(relative).toEqual([
      "recipe.yaml",
      "manifest.json",
      "events.jsonl",
      "results.json",
      "report.html",
      "checkpoints/swa/more-sft",
      "checkpoints/swa/rl-adapter",
      "rollouts/sa/step-000010.jsonl",
      "rollouts/swa/rl-final.jsonl",
    ]);
  });
});

describe("openRunFolder", () => {
  it("refuses to start a run where another one lies, and to resume where none does", () => {
    expect(() => openRunFolder(folder, { resume: true })).toThrow(/no run to resume/);
    expect(openRunFolder(path.join(folder, "new"), { resume: false }).folder).toBe(path.join(folder, "new"));
    fs.writeFileSync(path.join(folder, "new", "recipe.yaml"), "seed: 1\n");
    expect(() => openRunFolder(path.join(folder, "new"), { resume: false })).toThrow(/already holds 1 entries/);
    expect(openRunFolder(path.join(folder, "new"), { resume: true }).folder).toBe(path.join(folder, "new"));
  });

  it("names a place below a file, a file and a dead link as no place for a run", () => {
    fs.writeFileSync(path.join(folder, "file"), "");
    fs.symlinkSync("nowhere", path.join(folder, "link"));
    for (const name of ["file", "file/x", "link", "link/x"]) {
      expect(() => openRunFolder(path.join(folder, name), { resume: false }), name).toThrow(/FILE_UNWRITABLE/);
    }
  });
});

describe("lockRunFolder", () => {
  it("keeps a second writer out until the first has let go", () => {
    const release = lockRunFolder(folder);
    expect(() => lockRunFolder(folder)).toThrow(`Process ${process.pid} is writing into ${folder}`);
    release();
    lockRunFolder(folder)();
    expect(fs.readdirSync(folder)).toEqual([]);
  });

  it("takes over from a process that is gone", () => {
    fs.writeFileSync(path.join(folder, "writer.lock"), "2147483646\n");
    const release = lockRunFolder(folder);
    expect(fs.readFileSync(path.join(folder, "writer.lock"), "utf8")).toBe(`${process.pid}\n`);
    release();
  });
});
