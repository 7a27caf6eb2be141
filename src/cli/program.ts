// The command line as a function: finds the verb, loads its file alone, and turns what happened into an exit status.

import { Command, CommanderError } from "commander";
import { SwarrError } from "../base/errors.ts";
import { CATALOGUE } from "./catalogue.ts";
import type { CommandEntry } from "./command.ts";
import { packageVersion } from "./version.ts";

/** 0: done. 2: the user's mistake. 1: ours. 130: stopped by Ctrl-C, which shells know as 128 + SIGINT. */
export type ExitStatus = 0 | 1 | 2 | 130;

/** Runs one command line (without `node` and the script) and returns the exit status; never throws, never exits. */
export async function runCli(args: readonly string[], catalogue = CATALOGUE): Promise<ExitStatus> {
  try {
    const program = await programFor(args, catalogue);
    await program.parseAsync(args, { from: "user" });
    return 0;
  } catch (thrown) {
    return reportFailure(thrown, args.includes("--trace"));
  }
}

async function programFor(args: readonly string[], catalogue: readonly CommandEntry[]): Promise<Command> {
  const program = new Command("swarr")
    .description("Turn a pretrained self-attention language model into a sliding-window one that still reasons.")
    .version(packageVersion(), "-V, --version", "print the version")
    .helpOption("-h, --help", "show help")
    .option("--trace", "on an error, print its stack too")
    .addHelpText("after", "\nHelp for one command: swarr COMMAND --help")
    .helpCommand(false)
    .configureHelp({ subcommandTerm: (command) => command.name() })
    .configureOutput({ outputError: () => undefined })
    .exitOverride();
  const verb = args.find((arg) => !arg.startsWith("-"));
  for (const entry of catalogue) {
    if (entry.name === verb) {
      const command = await entry.load();
      command.register(program);
      const registered = program.commands.find((candidate) => candidate.name() === entry.name);
      // Help wraps to the terminal by itself; line breaks of the source would only get in its way.
      registered?.description(registered.description().replace(/\s*\n\s*/g, " "));
      registered?.summary(command.summary).addHelpText("after", `\nExample:\n  $ ${command.example}`);
    } else {
      program.command(entry.name).summary(entry.summary);
    }
  }
  return program;
}

function reportFailure(thrown: unknown, trace: boolean): ExitStatus {
  if (thrown instanceof CommanderError && thrown.exitCode === 0) return 0;
  // No verb at all: commander has already shown the help, on stderr.
  if (thrown instanceof CommanderError && thrown.code === "commander.help") return 2;
  const failure = thrown instanceof CommanderError ? usageMistake(thrown) : thrown;
  if (failure instanceof SwarrError) {
    process.stderr.write(`${failure.message}\n`);
    if (trace) process.stderr.write(`${stackOf(failure)}\n`);
    return statusOf(failure);
  }
  const message = failure instanceof Error ? failure.message : String(failure);
  const advice = trace ? "" : " Run it again with --trace to see where, and please report it.";
  process.stderr.write(`swarr failed in a way it should not: ${message}.${advice} [INTERNAL]\n`);
  if (trace) process.stderr.write(`${stackOf(failure)}\n`);
  return 1;
}

function usageMistake(thrown: CommanderError): SwarrError {
  const [first = "", ...suggestion] = thrown.message.replace(/^error: /, "").split("\n");
  return new SwarrError(
    "BAD_ARGUMENT",
    {
      what: `${first.charAt(0).toUpperCase()}${first.slice(1).replace(/\.$/, "")}.`,
      expected: "a command line as the help shows it.",
      fix: `${suggestion.join(" ").replace(/^\((.*)\)$/, "$1 ")}Run swarr --help, or swarr COMMAND --help.`,
    },
    { cause: thrown },
  );
}

function statusOf(failure: SwarrError): ExitStatus {
  if (failure.code === "INTERNAL") return 1;
  return failure.code === "INTERRUPTED" ? 130 : 2;
}

function stackOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const cause = thrown.cause === undefined ? "" : `\nCaused by ${stackOf(thrown.cause)}`;
  return `${thrown.stack ?? thrown.message}${cause}`;
}
