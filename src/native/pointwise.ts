// Loops over whole tensors that compute several elementwise nodes, and row sums of them, in one pass over memory.

import {
  at,
  indexed,
  JUMP,
  literal,
  R10,
  R11,
  R8,
  R9,
  RAX,
  RBP,
  RBX,
  RCX,
  RDI,
  RDX,
  RSI,
  RSP,
  type Assembler,
  type Gpr,
  type Label,
  type Memory,
  type Vector,
} from "./assembler.ts";
import { LiveRegisters } from "./live-registers.ts";
import { acrossLanes } from "./loops.ts";
import { emitOperation, needsTemps } from "./pointwise-ops.ts";

/** Where an operand comes from: an array, a number, or an earlier operation of the same loop. */
export type Operand =
  | { readonly kind: "array"; readonly array: number }
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "value"; readonly operation: number };

export interface Operation {
  /** an op of the graph: add, mul, exp …; `sum` adds up the rows of the last axis */
  readonly op: string;
  readonly operands: readonly Operand[];
}

export interface PointwiseLoop {
  /** axes of the iteration, the last one innermost; a row is the last axis */
  readonly sizes: readonly number[];
  /** of every array read: elements from one index of an axis to the next, 0 where it repeats */
  readonly strides: readonly (readonly number[])[];
  readonly operations: readonly Operation[];
  /** operations whose values are kept, each in an array of its own: [sizes], or one number a row for a `sum` */
  readonly kept: readonly number[];
}

/** Registers that hold the arrays of a loop, those read before those written. */
export const POINTWISE_ARGUMENTS: readonly Gpr[] = [RDI, RSI, RDX, RCX, R8, R9, R10, R11, RBX, RBP];

const TAIL = 1;
/** Rows up to this long are unrolled. */
const UNROLLED = 64;
/** Of the registers, the part that arrays of one element a row may not take. */
const NOT_HOISTED = 3 / 4;
/** Registers that one operation needs at most: its operands, its result, what it overwrites. */
const AT_ONCE = 6;

interface Axis {
  readonly size: number;
  /** of every array read, then of every array written */
  readonly strides: readonly number[];
}

/** Axes without those of size 1, neighbours merged where every array steps through both as through one. */
function mergedAxes({ sizes, strides, operations, kept }: PointwiseLoop): readonly Axis[] {
  const summed = operations.some(({ op }) => op === "sum");
  const whole = (axis: number): number => sizes.slice(axis + 1).reduce((product, size) => product * size, 1);
  const last = sizes.length - 1;
  const sumStride = (axis: number): number => (axis === last ? 0 : whole(axis) / sizes[last]!);
  const axes = sizes.map((size, axis) => ({
    size,
    strides: [
      ...strides.map((each) => each[axis]!),
      ...kept.map((index) => (operations[index]!.op === "sum" ? sumStride(axis) : whole(axis))),
    ],
  }));
  const merged: Axis[] = [];
  for (const [index, axis] of axes.entries()) {
    const before = merged.at(-1);
    const isRow = summed && index === last;
    if (before !== undefined && !isRow && before.strides.every((s, i) => s === axis.size * axis.strides[i]!)) {
      merged[merged.length - 1] = { size: before.size * axis.size, strides: axis.strides };
    } else if (before?.size === 1) merged[merged.length - 1] = axis;
    else if (axis.size > 1 || index === 0 || isRow) merged.push(axis);
  }
  return merged;
}

/** Emits a function over the arrays in POINTWISE_ARGUMENTS; it overwrites them and rax. */
export function emitPointwise(to: Assembler, shape: PointwiseLoop): Label {
  const axes = mergedAxes(shape);
  to.align(16);
  const entry = to.bound();
  const body = new RowBody(to, shape, axes.at(-1)!);
  body.prepare();
  const outer = axes.slice(0, -1);
  const slots = body.stackBytes();
  const counter = (depth: number): Memory => at(RSP, slots + 8 * depth);
  const frame = slots + 8 * outer.length;
  if (frame > 0) to.addConstant(RSP, -frame);
  const walk = (depth: number): void => {
    if (depth === outer.length) {
      body.row();
      return;
    }
    const { size, strides } = outer[depth]!;
    to.moveConstant(RAX, size);
    to.store(counter(depth), RAX);
    const again = to.bound();
    walk(depth + 1);
    const inner = outer[depth + 1];
    for (const [i, register] of POINTWISE_ARGUMENTS.slice(0, strides.length).entries()) {
      const passed = inner === undefined ? 0 : inner.size * inner.strides[i]!;
      to.addConstant(register, 4 * (strides[i]! - passed));
    }
    to.load(RAX, counter(depth));
    to.addConstant(RAX, -1);
    to.store(counter(depth), RAX);
    to.jumpIf(JUMP.notZero, again);
  };
  walk(0);
  if (frame > 0) to.addConstant(RSP, frame);
  to.ret();
  return entry;
}

/** The code of one row: vectors of elements, then what is left under a mask. */
class RowBody {
  readonly #to: Assembler;
  readonly #shape: PointwiseLoop;
  readonly #axis: Axis;
  /** registers that stay the same over a row, by array */
  readonly #hoisted = new Map<number, Vector>();
  /** sums over the row, by operation */
  readonly #sums = new Map<number, Vector>();
  readonly #free: Vector[] = [];

  constructor(to: Assembler, shape: PointwiseLoop, axis: Axis) {
    this.#to = to;
    this.#shape = shape;
    this.#axis = axis;
    const { registers } = to.set;
    const sums = shape.operations.filter(({ op }) => op === "sum").length;
    const kept = Math.max(Math.floor(NOT_HOISTED * registers), sums + AT_ONCE);
    for (let register = registers - 1; register >= 0; register--) this.#free.push(register);
    for (const array of shape.strides.keys()) {
      if (axis.strides[array] === 0 && this.#free.length > kept) this.#hoisted.set(array, this.#free.pop()!);
    }
    for (const [index, { op }] of shape.operations.entries()) {
      if (op === "sum") this.#sums.set(index, this.#free.pop()!);
    }
  }

  prepare(): void {
    const tail = this.#axis.size % this.#to.lanes;
    if (tail > 0) this.#to.maskOf(TAIL, tail);
  }

  row(): void {
    const to = this.#to;
    const { size } = this.#axis;
    for (const [array, register] of this.#hoisted) to.broadcast(register, at(POINTWISE_ARGUMENTS[array]!));
    for (const register of this.#sums.values()) to.zeroVector(register);
    const whole = Math.floor(size / to.lanes);
    if (size <= UNROLLED) {
      for (let i = 0; i < whole; i++) this.#vector((base) => at(base, 4 * to.lanes * i), false);
      if (size % to.lanes > 0) this.#vector((base) => at(base, 4 * to.lanes * whole), true);
    } else {
      to.moveConstant(RAX, 0);
      to.align(16);
      const again = to.bound();
      this.#vector((base) => indexed(base, RAX, 1), false);
      to.addConstant(RAX, 4 * to.lanes);
      to.compareConstant(RAX, 4 * to.lanes * whole);
      to.jumpIf(JUMP.less, again);
      if (size % to.lanes > 0) this.#vector((base) => indexed(base, RAX, 1), true);
    }
    const { kept, strides } = this.#shape;
    for (const [operation, register] of this.#sums) {
      const place = strides.length + kept.indexOf(operation);
      const temp = this.#free.at(-1)!;
      acrossLanes(to, "vaddps", register, temp);
      to.storeScalar(at(POINTWISE_ARGUMENTS[place]!), register);
    }
  }

  /** Room above the stack pointer for values that find no register. */
  stackBytes(): number {
    const { operations, strides } = this.#shape;
    const values = operations.length + strides.length;
    return values + AT_ONCE > this.#to.set.registers ? 4 * this.#to.lanes * values : 0;
  }

  /** One vector of elements through all operations. */
  #vector(place: (base: Gpr) => Memory, tail: boolean): void {
    const { operations, kept, strides } = this.#shape;
    const to = this.#to;
    const mask = tail ? TAIL : 0;
    const registers = new LiveRegisters(to, this.#free);
    const lastUse = lastUses(operations);
    const registerOf = (operand: Operand): Vector => {
      if (operand.kind === "value") return registers.of(valueKey(operand.operation));
      if (operand.kind === "number") {
        const register = registers.take();
        to.broadcast(register, literal(operand.value));
        return register;
      }
      const { array } = operand;
      const hoisted = this.#hoisted.get(array);
      if (hoisted !== undefined) return hoisted;
      return registers.of(arrayKey(array), (register) => {
        const base = POINTWISE_ARGUMENTS[array]!;
        if (this.#axis.strides[array] === 0) to.broadcast(register, at(base));
        else to.loadVector(register, place(base), mask);
      });
    };
    for (const [index, { op, operands }] of operations.entries()) {
      const sources = operands.map(registerOf);
      const dies = (position: number): boolean => {
        const operand = operands[position]!;
        if (operand.kind === "number") return true;
        if (operand.kind === "value") return lastUse.values.get(operand.operation) === index;
        return !this.#hoisted.has(operand.array) && lastUse.arrays.get(operand.array) === index;
      };
      if (op === "sum") {
        const register = this.#sums.get(index)!;
        to.vector("vaddps", register, register, sources[0]!, { mask });
      } else {
        const result = registers.take(valueKey(index));
        const temps = needsTemps(op) ? ([registers.take(), registers.take(), registers.take()] as const) : null;
        emitOperation(to, op, result, sources, temps);
        for (const temp of [...(temps ?? [])].reverse()) registers.giveBack(temp);
        if (kept.includes(index)) {
          to.storeVector(place(POINTWISE_ARGUMENTS[strides.length + kept.indexOf(index)]!), result, mask);
        }
      }
      for (const register of new Set(sources.filter((_, position) => dies(position)))) registers.giveBack(register);
      if (op !== "sum" && lastUse.values.get(index) === undefined) registers.giveBack(registers.of(valueKey(index)));
      registers.settle();
    }
  }
}

const valueKey = (operation: number): string => `value ${operation}`;
const arrayKey = (array: number): string => `array ${array}`;

function lastUses(operations: readonly Operation[]): {
  readonly arrays: Map<number, number>;
  readonly values: Map<number, number>;
} {
  const arrays = new Map<number, number>();
  const values = new Map<number, number>();
  for (const [index, { operands }] of operations.entries()) {
    for (const operand of operands) {
      if (operand.kind === "array") arrays.set(operand.array, index);
      if (operand.kind === "value") values.set(operand.operation, index);
    }
  }
  return { arrays, values };
}
