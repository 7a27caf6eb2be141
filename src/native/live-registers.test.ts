// Values in fewer registers than there are values: what is read back is what was put there.

import { describe, expect, it } from "vitest";
import { describeInSets, kernelOf } from "../../test/support/native-kernel.ts";
import { randomStream } from "../base/seeds.ts";
import { at, literal, RDI, RSP, type Assembler, type Vector } from "./assembler.ts";
import { AVX2, AVX512, type InstructionSet } from "./instruction-set.ts";
import { LiveRegisters } from "./live-registers.ts";
import { newAssembler } from "./new-assembler.ts";

const upTo = (count: number): Vector[] => [...new Array<number>(count).keys()];

/** Runs code that keeps at most `values` values, and returns the lanes of the `count` vectors that it stores at rdi. */
function run(
  set: InstructionSet,
  free: readonly Vector[],
  { values, count }: { readonly values: number; readonly count: number },
  emit: (to: Assembler, registers: LiveRegisters, place: (index: number) => ReturnType<typeof at>) => void,
): number[][] {
  const { lanes } = set;
  const out = new Float32Array(count * lanes).fill(NaN);
  kernelOf(set, (to) => {
    const entry = to.bound();
    const frame = 4 * lanes * values;
    to.addConstant(RSP, -frame);
    emit(to, new LiveRegisters(to, free), (index) => at(RDI, 4 * lanes * index));
    to.addConstant(RSP, frame);
    to.ret();
    return entry;
  })(out);
  return upTo(count).map((index) => [...out.subarray(index * lanes, (index + 1) * lanes)]);
}

describeInSets("LiveRegisters, by running its code", (set) => {
  it("gives every value back, more of them than registers, in any order", () => {
    const kept = upTo(9).map((index) => ({ key: `v${index}`, value: index + 0.5 }));
    for (const reading of [kept, [...kept].reverse(), [...kept, ...kept]]) {
      const stored = run(set, [2, 0, 1], { values: kept.length, count: reading.length }, (to, registers, place) => {
        for (const { key, value } of kept) {
          to.broadcast(registers.take(key), literal(value));
          registers.settle();
        }
        for (const [index, { key }] of reading.entries()) {
          to.storeVector(place(index), registers.of(key));
          registers.settle();
        }
      });
      expect(stored).toEqual(reading.map(({ value }) => new Array<number>(set.lanes).fill(value)));
    }
  });

  it("computes what plain numbers do for random sums of values old and new, with any number of registers", () => {
    for (let free = 3; free <= set.registers; free++) {
      const stream = randomStream({ root: 3, purpose: "live-registers", item: free });
      const values = [1, 2];
      const steps = upTo(40).map(() => {
        const pair = [stream.integer(values.length), stream.integer(values.length)] as const;
        // Far below 2^24, so that float32 holds every sum.
        values.push((values[pair[0]]! + values[pair[1]]!) % 1000);
        return pair;
      });
      const sizes = { values: values.length, count: values.length };
      const stored = run(set, upTo(free), sizes, (to, registers, place) => {
        const compute = (index: number, emit: (result: Vector) => void): void => {
          emit(registers.take(`v${index}`));
          registers.settle();
        };
        for (const index of [0, 1]) compute(index, (result) => to.broadcast(result, literal(values[index]!)));
        for (const [step, [left, right]] of steps.entries()) {
          const operands = [registers.of(`v${left}`), registers.of(`v${right}`)] as const;
          const over = values[left]! + values[right]! - values[step + 2]!;
          compute(step + 2, (result) => {
            to.vector("vaddps", result, ...operands);
            to.vector("vsubps", result, result, literal(over), { broadcast: true });
          });
        }
        for (const index of values.keys()) {
          to.storeVector(place(index), registers.of(`v${index}`));
          registers.settle();
        }
      });
      expect(stored, `${free} registers`).toEqual(values.map((value) => new Array<number>(set.lanes).fill(value)));
    }
  });
});

describe.each([AVX512, AVX2].map((set) => [set.name, set] as const))("LiveRegisters, %s", (_, set) => {
  const of = (free: readonly Vector[]): { readonly to: Assembler; readonly registers: LiveRegisters } => {
    const to = newAssembler(set);
    return { to, registers: new LiveRegisters(to, free) };
  };

  it("hands out the last register first, and the one given back most recently before others", () => {
    const { registers } = of([4, 5, 6]);
    expect([registers.take("a"), registers.take("b"), registers.take()]).toEqual([6, 5, 4]);
    registers.giveBack(6);
    registers.giveBack(4);
    expect([registers.take(), registers.take()]).toEqual([4, 6]);
    expect(registers.of("b")).toBe(5);
  });

  it("emits no code while there are registers", () => {
    const { to, registers } = of([0, 1]);
    registers.take("a");
    registers.take();
    expect([registers.of("a"), to.size]).toEqual([1, 0]);
  });

  it("takes the register of the value that has had one for longest, and none that the operation at hand has asked for", () => {
    const { registers } = of([0, 1, 2]);
    for (const key of ["a", "b", "c"]) registers.take(key);
    registers.settle();
    expect(registers.take("d")).toBe(2);
    registers.settle();
    // Now b and c have had theirs for longest, but b is asked for.
    expect([registers.of("b"), registers.take("e")]).toEqual([1, 0]);
  });

  it("lets no operation have more registers than there are", () => {
    const { registers } = of([0, 1]);
    registers.take("a");
    registers.take("b");
    expect(() => registers.take()).toThrow("one operation needs more registers than there are");
    registers.settle();
    expect(registers.take()).toBe(1);
  });

  it("puts a value on the stack once, and takes it from there ever after", () => {
    const { to, registers } = of([0]);
    const sizeOf = (emit: () => void): number => {
      const before = to.size;
      emit();
      registers.settle();
      return to.size - before;
    };
    // The place right at the stack pointer is named in a byte less than the others.
    sizeOf(() => registers.take("first"));
    sizeOf(() => registers.take("a"));
    const storeAlone = sizeOf(() => registers.take("b"));
    const storeAndLoad = sizeOf(() => registers.of("a"));
    const loadAlone = sizeOf(() => registers.of("b"));
    expect(storeAlone).toBeGreaterThan(0);
    expect(loadAlone).toBe(storeAndLoad - storeAlone);
    expect(sizeOf(() => registers.of("a"))).toBe(loadAlone);
  });

  it("loads what was in no register yet, and never again: what it was loaded from may be written over", () => {
    const { registers } = of([0]);
    const loads: Vector[] = [];
    const read = (): Vector => registers.of("a", (register) => loads.push(register));
    expect([read(), read()]).toEqual([0, 0]);
    registers.settle();
    registers.take("b");
    registers.settle();
    read();
    expect(loads).toEqual([0]);
  });

  it("knows no value that nobody computed, or whose register was given back", () => {
    const { registers } = of([0]);
    expect(() => registers.of("a")).toThrow("a is computed before it is read");
    const fresh = of([0]).registers;
    fresh.giveBack(fresh.take("a"));
    expect(() => fresh.of("a")).toThrow("a is computed before it is read");
  });
});
