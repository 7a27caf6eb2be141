// The commands there are, in the order help lists them; a command is listed once it works.

import type { CommandEntry } from "./command.ts";

export const CATALOGUE: readonly CommandEntry[] = [
  {
    name: "convert",
    summary: "give a checkpoint a window; its weights stay byte-equal",
    load: async () => (await import("./commands/convert.ts")).convertCommand,
  },
  {
    name: "init",
    summary: "make a new random model with a byte-level tokenizer",
    load: async () => (await import("./commands/init.ts")).initCommand,
  },
];
