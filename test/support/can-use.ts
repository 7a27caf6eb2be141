// Sets of instructions that a test can run machine code in.

import { mayUseTiles } from "../../src/native/executable.ts";
import { instructionSets } from "../../src/native/features.ts";
import { AMX, type InstructionSet } from "../../src/native/instruction-set.ts";

/** Whether the processor has the set, and the system lets this process use it. */
export function canUse(set: InstructionSet): boolean {
  return instructionSets().includes(set) && (set !== AMX || mayUseTiles());
}
