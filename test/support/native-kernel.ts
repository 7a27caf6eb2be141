// Runs one emitted kernel on arrays, for tests of kernels, in every set of instructions that the processor has.

import { describe } from "vitest";
import {
  at,
  R8,
  R9,
  RAX,
  RBP,
  RBX,
  RCX,
  RDI,
  RDX,
  RSI,
  type Assembler,
  type Gpr,
  type Label,
} from "../../src/native/assembler.ts";
import { addressOf, MachineCode } from "../../src/native/executable.ts";
import { instructionSets } from "../../src/native/features.ts";
import { AVX2, AVX512, type InstructionSet } from "../../src/native/instruction-set.ts";
import { newAssembler } from "../../src/native/new-assembler.ts";

const ARGUMENTS: readonly Gpr[] = [RDI, RSI, RDX, RCX, R8, R9];

/** Tests in each set of instructions; skipped in those that the processor lacks. */
export function describeInSets(name: string, body: (set: InstructionSet) => void): void {
  for (const set of [AVX512, AVX2]) {
    describe.skipIf(!instructionSets().includes(set))(`${name}, ${set.name}`, () => body(set));
  }
}

/** Emits a kernel and returns it as a function of arrays, in the order of its arguments; null is a null pointer. */
export function kernelOf(
  set: InstructionSet,
  emit: (to: Assembler) => Label,
  registers = ARGUMENTS,
): (...arrays: readonly (ArrayBufferView | null)[]) => void {
  const to = newAssembler(set);
  const start = to.label();
  to.jump(start);
  const kernel = emit(to);
  to.bind(start);
  to.push(RBX);
  to.push(RBP);
  to.move(RAX, RDI);
  for (const [i, register] of registers.entries()) to.load(register, at(RAX, 8 * i));
  to.call(kernel);
  to.pop(RBP);
  to.pop(RBX);
  to.ret();
  const code = new MachineCode(to.code());
  const table = new BigUint64Array(registers.length);
  return (...arrays) => {
    table.fill(0n);
    for (const [i, array] of arrays.entries()) if (array !== null) table[i] = addressOf(array);
    code.call(addressOf(table));
  };
}
