// Assertions about our own mistakes, never about a person's input.

import { SwarrError } from "./errors.ts";

/**
 * States a belief of the program; a broken one is our bug (exit status 1).
 *
 * @throws `INTERNAL` with the message, which gives the broken belief and its values
 */
export function invariant(condition: unknown, message: string): asserts condition {
  if (condition) return;
  throw new SwarrError("INTERNAL", {
    what: `An internal check failed: ${message}.`,
    expected: "this to hold always.",
    fix: "This is a bug in swarr: please report it with the command that led here.",
  });
}
