// What a command is to the frame around it: a name, a line of help, an example, and how it joins the program.

import type { Command } from "commander";

/**
 * One command of the contract, exported from `commands/<name>.ts` as `<name>Command`.
 * The file may import only what its flags need; everything heavy is imported inside the action, so that help stays quick.
 */
export interface CommandModule {
  /** the verb, as typed */
  readonly name: string;
  /** one short line without a full stop, shown in the list of commands; the catalogue repeats it */
  readonly summary: string;
  /** a command line that works as it stands, shown under the command's help */
  readonly example: string;
  /** Adds the command, its flags and its action: `program.command("grade <file>").description(…).action(…)`. */
  register(program: Command): void;
}

/** A command as the list of commands knows it, before its file is loaded. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  load(): Promise<CommandModule>;
}
