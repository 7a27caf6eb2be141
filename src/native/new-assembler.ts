// The assembler of a set of instructions.

import type { Assembler } from "./assembler.ts";
import { Avx2Assembler } from "./avx2.ts";
import { Avx512Assembler } from "./avx512.ts";
import type { InstructionSet } from "./instruction-set.ts";

/** AMX's is that of AVX-512, and says so: whatever both have, registers and tiles above all, is the same in both. */
export function newAssembler({ name }: InstructionSet): Assembler {
  return name === "avx2" ? new Avx2Assembler() : new Avx512Assembler();
}
