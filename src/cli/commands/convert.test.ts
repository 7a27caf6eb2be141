// `swarr init` and `swarr convert` as a person runs them.

import fs from "node:fs";
import path from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { commandLine } from "../../../test/support/captured-cli.ts";
import { scratchFolder } from "../../../test/support/scratch-folder.ts";
import { loadCheckpoint } from "../../checkpoint/load.ts";
import { saveCheckpoint } from "../../checkpoint/save.ts";
import { convertCommand } from "./convert.ts";
import { initCommand } from "./init.ts";

const swarr = commandLine(initCommand, convertCommand);

let folder: string;
beforeEach(() => {
  folder = scratchFolder();
});

const at = (name: string): string => path.join(folder, name);
const init = (name: string, ...flags: readonly string[]): Promise<{ status: number; stderr: string }> =>
  swarr("init", "--out", at(name), "--d", "16", "--layers", "4", ...flags);

describe("swarr init", () => {
  it("makes the same model from the same seed and another from another", async () => {
    await init("a", "--seed", "3");
    await init("b", "--seed", "3");
    await init("c", "--seed", "4");
    const bytes = (name: string): Buffer => fs.readFileSync(path.join(at(name), "model.safetensors"));
    expect(bytes("a").equals(bytes("b"))).toBe(true);
    expect(bytes("a").equals(bytes("c"))).toBe(false);
  });

  it("prints the size of what it made, for every family", async () => {
    for (const family of ["qwen2", "qwen3", "llama", "mistral"]) {
      const { stdout } = await swarr("init", "--out", at(family), "--family", family, "--json");
      const { weights, config, tokenizer } = await loadCheckpoint(at(family));
      const parameters = [...weights.values()].reduce((total, data) => total + data.length, 0);
      expect(JSON.parse(stdout)).toEqual({ out: at(family), family, parameters, vocabularySize: 259 });
      expect(config).toMatchObject({ family, windows: [null, null] });
      expect(tokenizer.decode(tokenizer.encode("Ünï 1+1"))).toBe("Ünï 1+1");
    }
  });

  it.each([
    [["--family", "gpt2"], /--family is "gpt2"/],
    [["--heads", "3"], /3 heads a width of 5\.33/],
    [["--kv-heads", "3"], /--kv-heads 3 does not divide --heads 4/],
    [["--vocab", "100"], /--vocab is 100.*259/],
  ])("refuses %j with status 2", async (flags, fault) => {
    const { status, stderr } = await init("model", ...flags);
    expect(status).toBe(2);
    expect(stderr).toMatch(fault);
    expect(fs.existsSync(at("model"))).toBe(false);
  });
});

describe("swarr convert", () => {
  it("reports the plan it wrote, and with --check that the window acts", async () => {
    await init("base");
    const flags = ["--window", "6", "--every-nth-full", "2", "--out", at("windowed"), "--check", "--json"];
    const { status, stdout, stderr } = await swarr("convert", at("base"), ...flags);
    expect(status, stderr).toBe(0);
    const result = JSON.parse(stdout) as { check: { meanPast: number } };
    expect(result).toMatchObject({
      family: "qwen2",
      window: 6,
      windows: [6, null, 6, null],
      weightFiles: ["model.safetensors"],
      check: { window: 6, tokens: 38 },
    });
    expect(result.check.meanPast).toBeGreaterThan(0.01);
    expect(stderr).toMatch(/The window of 6 acts/);
  });

  it("says on stderr that no other program keeps sink tokens", async () => {
    await init("base");
    const { status, stderr } = await swarr(
      "convert",
      at("base"),
      "--window",
      "6",
      "--sink-tokens",
      "2",
      "--out",
      at("w"),
    );
    expect(status).toBe(0);
    expect(stderr).toMatch(/first 2 tokens stay visible in swarr only/);
    expect((await loadCheckpoint(at("w"))).config.sinkTokens).toBe(2);
  });

  it.each([
    [["--window", "0"], /--window/],
    [["--window", "six"], /--window/],
    [[], /--window/],
    [["--window", "6", "--full-attention-layers", "4"], /name 4; the model has 4 layers.*BAD_WINDOW/],
    [["--window", "6", "--full-attention-layers", "0", "--every-nth-full", "2"], /Both .* are given/],
    [["--window", "full", "--check"], /no window to check.*BAD_WINDOW/],
    [["--window", "32768", "--check"], /needs 32800 tokens; the model has 32768 positions.*BAD_WINDOW/],
    [["--window", "6", "--sink-tokens", "32768", "--check"], /BAD_WINDOW/],
    [["--window", "2147483648"], /from 1 to 2147483647/],
    [["--window", "6", "--sink-tokens", "99999999999"], /from 0 to 2147483647/],
  ])("refuses %j with status 2", async (flags, fault) => {
    await init("base");
    const { status, stderr } = await swarr("convert", at("base"), ...flags, "--out", at("w"));
    expect(status).toBe(2);
    expect(stderr).toMatch(fault);
    expect(fs.readdirSync(folder)).toEqual(["base"]);
  });

  it("leaves no folder when its check fails", async () => {
    await init("base");
    // Attention that adds nothing: what it sees cannot matter.
    const { config, weights, rawConfig } = await loadCheckpoint(at("base"));
    for (const layer of [0, 1, 2, 3]) weights.get(`layers.${layer}.attentionOut`)!.fill(0);
    await saveCheckpoint({ folder: at("still"), config, weights, rawConfig });
    const { status, stderr } = await swarr("convert", at("still"), "--window", "6", "--check", "--out", at("w"));
    expect([status, stderr]).toEqual([2, expect.stringMatching(/w: against full attention.*\[PROBE_FAILED\]/)]);
    expect(fs.readdirSync(folder).toSorted()).toEqual(["base", "still"]);
  });
});
