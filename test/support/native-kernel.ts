// Runs one emitted kernel on arrays, for tests of kernels.

import {
  Assembler,
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
  type Gpr,
  type Label,
} from "../../src/native/assembler.ts";
import { addressOf, MachineCode } from "../../src/native/executable.ts";

const ARGUMENTS: readonly Gpr[] = [RDI, RSI, RDX, RCX, R8, R9];

/** Emits a kernel and returns it as a function of arrays, in the order of its arguments; null is a null pointer. */
export function kernelOf(
  emit: (to: Assembler) => Label,
  registers = ARGUMENTS,
): (...arrays: readonly (ArrayBufferView | null)[]) => void {
  const to = new Assembler();
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
