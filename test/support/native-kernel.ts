// Runs one emitted kernel on arrays, for tests of kernels.

import { Assembler, at, R8, R9, RBX, RCX, RDI, RDX, RSI, type Label } from "../../src/native/assembler.ts";
import { addressOf, MachineCode } from "../../src/native/executable.ts";

const ARGUMENTS = [RDI, RSI, RDX, RCX, R8, R9];

/** Emits a kernel and returns it as a function of up to six arrays, in the order of its arguments; null is a null pointer. */
export function kernelOf(emit: (to: Assembler) => Label): (...arrays: readonly (ArrayBufferView | null)[]) => void {
  const to = new Assembler();
  const start = to.label();
  to.jump(start);
  const kernel = emit(to);
  to.bind(start);
  to.push(RBX);
  to.move(RBX, RDI);
  for (const [i, register] of ARGUMENTS.entries()) to.load(register, at(RBX, 8 * i));
  to.call(kernel);
  to.pop(RBX);
  to.ret();
  const code = new MachineCode(to.code());
  const table = new BigUint64Array(ARGUMENTS.length);
  return (...arrays) => {
    table.fill(0n);
    for (const [i, array] of arrays.entries()) if (array !== null) table[i] = addressOf(array);
    code.call(addressOf(table));
  };
}
