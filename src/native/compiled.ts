// A plan as machine code: one function that calls the kernels in order.

import { at, R12, R13, R15, RBP, RBX, RDI, type Assembler, type Gpr, type Label } from "./assembler.ts";
import { MachineCode } from "./executable.ts";
import type { Argument } from "./kernel-call.ts";
import { newAssembler } from "./new-assembler.ts";
import type { Pointer, ProgramPlan } from "./plan.ts";
import { placeOf } from "./units.ts";

/** The table a run is handed: addresses of the arena and of scratch memory, then the plan's pointers in order. */
export const ARENA = 0;
export const SCRATCH = 1;
export const FIRST_POINTER = 2;

const SAVED: readonly Gpr[] = [RBX, RBP, R12, R13, R15];

/** The plan's code; called with the address of the table. */
export function compilePlan(plan: ProgramPlan): MachineCode {
  const to = newAssembler(plan.set);
  const start = to.label();
  to.jump(start);
  const kernels = new Map<string, Label>();
  for (const { key, emit } of plan.calls) if (!kernels.has(key)) kernels.set(key, emit(to));
  const entries = new Map<Pointer, number>(plan.pointers.map((pointer, i) => [pointer, FIRST_POINTER + i]));
  to.align(16);
  to.bind(start);
  for (const register of SAVED) to.push(register);
  to.move(R13, RDI);
  to.load(R12, at(R13, 8 * ARENA));
  to.load(R15, at(R13, 8 * SCRATCH));
  for (const call of plan.calls) {
    for (const [i, argument] of call.arguments.entries()) {
      loadArgument(to, call.registers[i]!, argument, plan, entries);
    }
    to.call(kernels.get(call.key)!);
  }
  for (const register of [...SAVED].reverse()) to.pop(register);
  to.leaveVectors();
  to.ret();
  return new MachineCode(to.code());
}

function loadArgument(
  to: Assembler,
  register: Gpr,
  argument: Argument,
  { storage }: ProgramPlan,
  entries: ReadonlyMap<Pointer, number>,
): void {
  if (argument === "none") to.moveConstant(register, 0);
  else if (argument === "scratch") to.move(register, R15);
  else {
    const { source, offset } = placeOf(argument.node);
    const bytes = 4 * (offset + argument.offset);
    const place = storage.get(source)!;
    if (place.kind === "arena") {
      // The arena may be larger than an instruction's displacement.
      to.moveConstant(register, place.start + bytes);
      to.add(register, R12);
    } else {
      to.load(register, at(R13, 8 * entries.get(place.pointer)!));
      to.addConstant(register, bytes);
    }
  }
}
