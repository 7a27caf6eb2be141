// Laws of `swarr report` on the command line.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { captureOutput } from "../../../test/support/captured-cli.ts";
import { writeRunFixture } from "../../../test/support/run-fixture.ts";
import { runCli } from "../program.ts";

let folder: string;
const written = captureOutput();
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "swarr-report-command-"));
  writeRunFixture(path.join(folder, "run"), { sftSteps: 3, rlSteps: 2, rolloutEvery: 1, evaluated: 2 });
});
afterEach(() => {
  vi.unstubAllEnvs();
  fs.rmSync(folder, { recursive: true, force: true });
});

describe("swarr report", () => {
  it("prints the files it wrote, viewers' files among them, and each is there", async () => {
    const run = path.join(folder, "run");
    const flags = ["--tensorboard", path.join(folder, "tb"), "--parquet", path.join(folder, "r.parquet")];
    expect(await runCli(["report", run, ...flags, "--json"])).toBe(0);
    const document = JSON.parse(written.stdout) as Record<string, string | string[]>;
    expect(Object.keys(document)).toEqual(["html", "markdown", "csv", "parquet", "tensorboard"]);
    const files = Object.values(document).flat();
    expect(files.length).toBe(6);
    expect(files.filter((file) => !fs.existsSync(file))).toEqual([]);
  });

  it("writes nothing but the report unless asked", async () => {
    const run = path.join(folder, "run");
    const before = fs.readdirSync(folder);
    expect(await runCli(["report", run])).toBe(0);
    expect(fs.readdirSync(folder)).toEqual(before);
    expect(written.stdout.trim().split("\n")).toEqual(
      ["report.html", "report.md", "report.csv"].map((name) => path.join(run, name)),
    );
  });

  it.each([
    ["a folder that is no run", ["report", "."], /neither events\.jsonl nor results\.json/],
    ["W&B without a project", ["report", "RUN", "--wandb", "team"], /--wandb is "team"\. Expected ENTITY\/PROJECT/],
    ["W&B without a key", ["report", "RUN", "--wandb", "team/p"], /WANDB_API_KEY is not set/],
    ["MLflow without an address", ["report", "RUN", "--mlflow", "localhost"], /"localhost" is no web address/],
  ])("exits 2 with a remedy for %s", async (_, args, message) => {
    vi.stubEnv("WANDB_API_KEY", "");
    expect(
      await runCli(args.map((arg) => (arg === "RUN" ? path.join(folder, "run") : arg === "." ? folder : arg))),
    ).toBe(2);
    expect(written.stderr).toMatch(message);
  });
});
