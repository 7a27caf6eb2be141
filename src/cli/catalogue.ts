// The commands there are, in the order help lists them; a command is listed once it works.

import type { CommandEntry } from "./command.ts";

export const CATALOGUE: readonly CommandEntry[] = [];
