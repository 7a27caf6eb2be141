// A planted fault: one line changed for the worse, and the test that must notice.

import type { InstructionSet } from "../../src/native/instruction-set.ts";

export interface Fault {
  /** what goes wrong, in a few words */
  readonly name: string;
  /** the source file, and a piece of one of its lines that occurs in it exactly once */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** the test that must fail: its file, and its name with `describe` and `it` joined by " > " */
  readonly testFile: string;
  readonly test: string;
  /** the test runs machine code, in any set of instructions or in this one, so it is skipped where the processor lacks it */
  readonly needsNative?: "any" | InstructionSet["name"];
  /** also planted by `npm test` */
  readonly quick?: true;
}
