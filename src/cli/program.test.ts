// The frame around the commands: help, exit status, and what a person reads when something fails.

import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { captureOutput } from "../../test/support/captured-cli.ts";
import { SwarrError, type ErrorCode } from "../base/errors.ts";
import { CATALOGUE } from "./catalogue.ts";
import type { CommandEntry, CommandModule } from "./command.ts";
import { wholeNumber } from "./flags.ts";
import { runCli } from "./program.ts";

const written = captureOutput();

function entryOf(name: string, action: (file: string) => Promise<void>): CommandEntry & { loaded: number } {
  const module: CommandModule = {
    name,
    summary: `what ${name} does`,
    example: `swarr ${name} answers.jsonl`,
    register: (program) => {
      program
        .command(`${name} <file>`)
        .option("--limit <N>", "at most this many", wholeNumber(1))
        .action((file: string) => action(file));
    },
  };
  const entry = {
    name,
    summary: module.summary,
    loaded: 0,
    load: () => {
      entry.loaded += 1;
      return Promise.resolve(module);
    },
  };
  return entry;
}

function failing(code: ErrorCode): CommandEntry {
  return entryOf("fail", () =>
    Promise.reject(new SwarrError(code, { what: "It broke at 7.", expected: "no break.", fix: "Mend it." })),
  );
}

describe("runCli", () => {
  it("loads the file of the command that was asked for and no other", async () => {
    const seen: string[] = [];
    const grade = entryOf("grade", (file) => Promise.resolve(void seen.push(file)));
    const other = entryOf("other", () => Promise.resolve());
    expect(await runCli(["grade", "a.jsonl", "--limit", "3"], [grade, other])).toBe(0);
    expect([seen, grade.loaded, other.loaded]).toEqual([["a.jsonl"], 1, 0]);
  });

  it("lists every command with its summary under --help without loading any", async () => {
    const grade = entryOf("grade", () => Promise.resolve());
    expect(await runCli(["--help"], [grade])).toBe(0);
    expect(written.stdout).toMatch(/grade\s+what grade does/);
    expect(grade.loaded).toBe(0);
  });

  it("shows a command's example under its own help", async () => {
    expect(await runCli(["grade", "--help"], [entryOf("grade", () => Promise.resolve())])).toBe(0);
    expect(written.stdout).toContain("$ swarr grade answers.jsonl");
  });

  it("exits 2 and explains itself on stderr when no command is given", async () => {
    expect(await runCli([], [entryOf("grade", () => Promise.resolve())])).toBe(2);
    expect(written.stderr).toContain("what grade does");
    expect(written.stdout).toBe("");
  });

  it.each([
    ["FILE_MISSING", 2],
    ["INTERNAL", 1],
    ["INTERRUPTED", 130],
  ] as const)("turns %s into exit status %d and prints the message without a stack", async (code, status) => {
    expect(await runCli(["fail", "x"], [failing(code)])).toBe(status);
    expect(written.stderr).toBe(`It broke at 7. Expected no break. Mend it. [${code}]\n`);
  });

  it("prints the stack as well under --trace, before or after the verb", async () => {
    expect(await runCli(["fail", "x", "--trace"], [failing("BAD_DATA")])).toBe(2);
    expect(written.stderr).toContain("program.test.ts");
    written.stderr = "";
    expect(await runCli(["--trace", "fail", "x"], [failing("BAD_DATA")])).toBe(2);
    expect(written.stderr).toContain("program.test.ts");
  });

  it("calls an error that is not a SwarrError ours: exit status 1", async () => {
    const entry = entryOf("fail", () => Promise.reject(new TypeError("x is undefined")));
    expect(await runCli(["fail", "x"], [entry])).toBe(1);
    expect(written.stderr).toMatch(/x is undefined.*--trace.*\[INTERNAL\]/);
  });

  it.each([
    [["grad", "x"], /Unknown command 'grad'.*Did you mean grade\?/],
    [["grade"], /Missing required argument 'file'/],
    [["grade", "x", "--limt", "3"], /Unknown option '--limt'.*Did you mean --limit\?/],
    [["grade", "x", "--limit", "0"], /'--limit <N>' argument '0' is invalid.*at least 1/],
  ])("names the mistake in %j and exits 2", async (args, message) => {
    expect(await runCli(args, [entryOf("grade", () => Promise.resolve())])).toBe(2);
    expect(written.stderr).toMatch(message);
    expect(written.stderr).toMatch(/\[BAD_ARGUMENT\]\n$/);
  });
});

describe("CATALOGUE", () => {
  it("names each command file once, with the file's own name and summary", async () => {
    const files = readdirSync(new URL("./commands/", import.meta.url))
      .filter((file) => /^[a-z-]+\.ts$/.test(file))
      .map((file) => file.replace(/\.ts$/, ""));
    expect(CATALOGUE.map((entry) => entry.name).sort()).toEqual(files.sort());
    for (const entry of CATALOGUE) {
      const command = await entry.load();
      expect([command.name, command.summary]).toEqual([entry.name, entry.summary]);
    }
  });
});
