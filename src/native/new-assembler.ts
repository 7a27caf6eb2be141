// The assembler of a set of instructions.

import type { Assembler } from "./assembler.ts";
import { Avx2Assembler } from "./avx2.ts";
import { Avx512Assembler } from "./avx512.ts";
import type { InstructionSet } from "./instruction-set.ts";

export function newAssembler({ name }: InstructionSet): Assembler {
  return name === "avx2" ? new Avx2Assembler() : new Avx512Assembler();
}
