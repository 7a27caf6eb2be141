// Commands run in this process, and what they would have written to the terminal.

import { afterEach, beforeEach, vi } from "vitest";
import type { CommandEntry, CommandModule } from "../../src/cli/command.ts";
import { runCli } from "../../src/cli/program.ts";

export interface Written {
  stdout: string;
  stderr: string;
}

/** Call it once in a test file: it catches both streams of every test, empty at its start. */
export function captureOutput(): Written {
  const written: Written = { stdout: "", stderr: "" };
  beforeEach(() => {
    written.stdout = "";
    written.stderr = "";
    vi.spyOn(process.stdout, "write").mockImplementation((text) => ((written.stdout += String(text)), true));
    vi.spyOn(process.stderr, "write").mockImplementation((text) => ((written.stderr += String(text)), true));
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });
  return written;
}

/** The catalogue that has these commands and no other. */
export function catalogueOf(...commands: readonly CommandModule[]): readonly CommandEntry[] {
  return commands.map((command) => ({
    name: command.name,
    summary: command.summary,
    load: () => Promise.resolve(command),
  }));
}

/** `swarr` with these commands alone: every call says its status and what it wrote. */
export function commandLine(
  ...commands: readonly CommandModule[]
): (...args: readonly string[]) => Promise<{ status: number; stdout: string; stderr: string }> {
  const written = captureOutput();
  const catalogue = catalogueOf(...commands);
  return async (...args) => {
    written.stdout = "";
    written.stderr = "";
    const status = await runCli(args, catalogue);
    return { status, ...written };
  };
}
