// Emitted code that runs, and what the assembler refuses; its bytes are compared in test/golden/encodings.test.ts.

import { describe, expect, it } from "vitest";
import { fencedArray } from "../../test/support/fenced-array.ts";
import { describeInSets, kernelOf } from "../../test/support/native-kernel.ts";
import {
  at,
  indexed,
  JUMP,
  literal,
  R8,
  R9,
  RAX,
  RCX,
  RDI,
  RDX,
  RSI,
  RSP,
  type Assembler,
  type Label,
  type Memory,
  type Vector,
  type VectorOptions,
} from "./assembler.ts";
import { Avx2Assembler, SPARE } from "./avx2.ts";
import { Avx512Assembler } from "./avx512.ts";
import { AVX2, AVX512, type InstructionSet } from "./instruction-set.ts";
import { newAssembler } from "./new-assembler.ts";

/** Runs code whose first argument is an array of numbers, and returns the array. */
function run(set: InstructionSet, numbers: readonly number[], emit: (to: Assembler) => void): number[] {
  const array = BigInt64Array.from(numbers, BigInt);
  kernelOf(set, (to) => entryOf(to, () => emit(to)))(array);
  return Array.from(array, Number);
}

/** A function of a few instructions. */
function entryOf(to: Assembler, emit: () => void): Label {
  const entry = to.bound();
  emit();
  to.ret();
  return entry;
}

/** The second source of an instruction. */
interface Operand extends Pick<VectorOptions, "broadcast"> {
  readonly second: Vector | Memory;
}

describeInSets("Assembler, by running its code", (set) => {
  /** One of the last registers, whose numbers take other bits than those of the first. */
  const high = set.registers - 2;
  const cases = [
    [1, 2],
    [2, 2],
    [2, 1],
    [-1, 1],
    [1, -1],
  ] as const;
  const unsigned = (value: number): bigint => BigInt.asUintN(64, BigInt(value));
  it.each([
    ["less", (a: number, b: number) => a < b],
    ["notZero", (a: number, b: number) => a !== b],
    ["zero", (a: number, b: number) => a === b],
    ["greaterOrEqual", (a: number, b: number) => a >= b],
    ["below", (a: number, b: number) => unsigned(a) < unsigned(b)],
    ["aboveOrEqual", (a: number, b: number) => unsigned(a) >= unsigned(b)],
  ] as const)("jumps forward on %s exactly when the comparison says so", (condition, holds) => {
    for (const [a, b] of cases) {
      const [taken] = run(set, [a, b], (to) => {
        const end = to.label();
        to.load(RCX, at(RDI));
        to.load(R8, at(RDI, 8));
        to.moveConstant(RAX, 1);
        to.compare(RCX, R8);
        to.jumpIf(JUMP[condition], end);
        to.moveConstant(RAX, 0);
        to.bind(end);
        to.store(at(RDI), RAX);
      });
      expect(taken, `${a} ${condition} ${b}`).toBe(Number(holds(a, b)));
    }
  });

  it("adds 1 to 100 in a loop that jumps backward", () => {
    const [total] = run(set, [0], (to) => {
      to.moveConstant(RCX, 100);
      to.moveConstant(RAX, 0);
      const again = to.bound();
      to.add(RAX, RCX);
      to.addConstant(RCX, -1);
      to.jumpIf(JUMP.notZero, again);
      to.store(at(RDI), RAX);
    });
    expect(total).toBe(5050);
  });

  it("calls code behind and ahead of the call, and knows how far apart the two are", () => {
    let [behindAt, aheadAt] = [0, 0];
    const [forward, backward, distance] = run(set, [0, 0, 0], (to) => {
      const [start, ahead] = [to.label(), to.label()];
      to.jump(start);
      const behind = to.bound();
      behindAt = behind.position;
      to.addConstant(RAX, 7);
      to.ret();
      to.bind(start);
      to.moveConstant(RAX, 1);
      to.call(ahead);
      to.store(at(RDI), RAX);
      to.call(behind);
      to.store(at(RDI, 8), RAX);
      to.addressOf(R8, ahead);
      to.addressOf(R9, behind);
      to.sub(R8, R9);
      to.store(at(RDI, 16), R8);
      to.ret();
      to.align(64);
      to.bind(ahead);
      aheadAt = ahead.position;
      to.multiplyConstant(RAX, 3);
    });
    // 1·3, then + 7
    expect([forward, backward]).toEqual([3, 10]);
    expect(aheadAt % 64).toBe(0);
    expect(distance).toBe(aheadAt - behindAt);
  });

  it("computes with constants where GNU as writes another encoding: short factors, and long ones on rax", () => {
    const [product, sum, equal, larger] = run(set, [5, 0, 0, 0], (to) => {
      to.load(R9, at(RDI));
      to.multiplyConstant(R9, -3);
      to.store(at(RDI), R9);
      to.moveConstant(RAX, 2 ** 40);
      to.addConstant(RAX, -1000);
      to.store(at(RDI, 8), RAX);
      to.moveConstant(RAX, 1000);
      for (const [i, value] of [1000, 1001].entries()) {
        const same = to.label();
        to.moveConstant(RCX, 1);
        to.compareConstant(RAX, value);
        to.jumpIf(JUMP.zero, same);
        to.moveConstant(RCX, 0);
        to.bind(same);
        to.store(at(RDI, 16 + 8 * i), RCX);
      }
    });
    expect([product, sum, equal, larger]).toEqual([-15, 2 ** 40 - 1000, 1, 0]);
  });

  it("reads each number behind the code, from one lane, all lanes, and before an immediate", () => {
    const out = new Float32Array(3 * set.lanes);
    kernelOf(set, (to) => {
      const entry = to.bound();
      to.loadScalar(0, literal(-1.5));
      to.storeVector(at(RDI), 0);
      to.broadcast(1, literal(2.7));
      to.storeVector(at(RDI, 4 * set.lanes), 1);
      // Rounding downward, 9: 2.7 becomes 2, then minus 1.5.
      to.vector("vrndscaleps", 1, 0, literal(2.7), { broadcast: true, immediate: 9 });
      to.vector("vaddps", 1, 1, literal(-1.5), { broadcast: true });
      to.storeVector(at(RDI, 8 * set.lanes), 1);
      to.ret();
      return entry;
    })(out);
    expect([...out]).toEqual([
      -1.5,
      ...new Array<number>(set.lanes - 1).fill(0),
      ...new Array<number>(set.lanes).fill(Math.fround(2.7)),
      ...new Array<number>(set.lanes).fill(0.5),
    ]);
  });

  it("fills all lanes with any constant, to the bit", () => {
    for (const value of [0, -0, 1, -1, 1e-45, -3.4e38, Infinity, -Infinity]) {
      const out = new Float32Array(set.lanes).fill(7);
      kernelOf(set, (to) => {
        const entry = to.bound();
        to.broadcast(high, literal(value));
        to.storeVector(at(RDI), high);
        to.ret();
        return entry;
      })(out);
      expect([...out]).toEqual(new Array<number>(set.lanes).fill(Math.fround(value)));
    }
  });

  it("leaves lanes outside a mask: zero when loaded, untouched when stored", () => {
    const from = Float32Array.from({ length: set.lanes }, (_, i) => i + 1);
    const out = new Float32Array(2 * set.lanes).fill(9);
    kernelOf(set, (to) => {
      const entry = to.bound();
      to.maskOf(1, 5);
      to.loadVector(2, at(RSI), 1);
      to.storeVector(at(RDI), 2);
      to.maskOf(7, 3);
      to.loadVector(2, at(RSI));
      to.storeVector(at(RDI, 4 * set.lanes), 2, 7);
      to.ret();
      return entry;
    })(out, from);
    const zeros = new Array<number>(set.lanes - 5).fill(0);
    expect([...out]).toEqual([1, 2, 3, 4, 5, ...zeros, 1, 2, 3, ...new Array<number>(set.lanes - 3).fill(9)]);
  });

  it("computes in the lanes of a mask alone, on operands of every kind: the others are kept, or zero", () => {
    const [left, before] = [3, -1].map((from) => Float32Array.from({ length: set.lanes }, (_, i) => from + i));
    for (let count = 1; count < set.lanes; count++) {
      const right = Float32Array.from({ length: count }, (_, i) => 0.5 + 100 * i);
      const operands: readonly (readonly [Operand, (i: number) => number])[] = [
        [{ second: high - 1 }, (i) => right[i]!],
        [{ second: at(RSI) }, (i) => right[i]!],
        [{ second: at(RSI, 4 * (count - 1)), broadcast: true }, () => right[count - 1]!],
        [{ second: literal(-7.5), broadcast: true }, () => -7.5],
      ];
      for (const [{ second, ...options }, valueOf] of operands) {
        for (const zero of [false, true]) {
          const out = before!.slice();
          kernelOf(set, (to) =>
            entryOf(to, () => {
              to.maskOf(5, count);
              to.loadVector(high - 1, at(RSI), 5);
              to.loadVector(high, at(RDI));
              to.loadVector(0, at(RDX));
              to.vector("vsubps", high, 0, second, { ...options, mask: 5, zero });
              to.storeVector(at(RDI), high);
            }),
          )(out, fencedArray(right), left!);
          const wanted = Array.from(before!, (kept, i) => (i < count ? left![i]! - valueOf(i) : zero ? 0 : kept));
          expect([...out], `${count} lanes, ${JSON.stringify({ second, zero })}`).toEqual(wanted);
        }
      }
    }
  });

  it("moves the lanes of a mask alone between registers, and from memory", () => {
    const before = Float32Array.from({ length: set.lanes }, (_, i) => -1 - i);
    for (let count = 1; count < set.lanes; count++) {
      const from = fencedArray(Float32Array.from({ length: count }, (_, i) => i));
      for (const second of [high, at(RSI)]) {
        for (const zero of [false, true]) {
          const out = before.slice();
          kernelOf(set, (to) =>
            entryOf(to, () => {
              to.maskOf(3, count);
              to.loadVector(high, at(RSI), 3);
              to.loadVector(1, at(RDI));
              to.vector("vmovups", 1, 0, second, { mask: 3, zero });
              to.storeVector(at(RDI), 1);
            }),
          )(out, from);
          const wanted = Array.from(before, (kept, i) => (i < count ? from[i]! : zero ? 0 : kept));
          expect([...out], `${count} lanes, ${JSON.stringify({ second, zero })}`).toEqual(wanted);
        }
      }
    }
  });

  it("compares lanes: 1 where the left is greater, a bit where both are equal, neither where one is no number", () => {
    const [left, right] = [
      [1, 2, 3, NaN, 5, NaN, -0, Infinity],
      [2, 2, 1, 4, NaN, NaN, 0, 3e38],
    ].map((values) => Float32Array.from({ length: set.lanes }, (_, i) => values[i % 8]!));
    const greater = new Float32Array(3 * set.lanes);
    const equal = new BigInt64Array(1);
    kernelOf(set, (to) =>
      entryOf(to, () => {
        to.loadVector(high, at(RSI));
        to.loadVector(1, at(RDX));
        to.oneWhereGreater(3, high, 1);
        for (const [place, register] of [3, high, 1].entries())
          to.storeVector(at(RDI, 4 * set.lanes * place), register);
        to.lanesWhereEqual(RSI, high, 1);
        to.store(at(RCX), RSI);
      }),
    )(greater, left!, right!, equal);
    const wanted = Array.from(left!, (value, i) => Number(value > right![i]!));
    expect([...greater]).toEqual([...wanted, ...left!, ...right!]);
    const bits = Array.from(left!, (value, i) => (value === right![i] ? 2 ** i : 0));
    expect(Number(equal[0])).toBe(bits.reduce((sum, bit) => sum + bit));
  });

  it("keeps jumps right in code larger than its first buffer", () => {
    const [count] = run(set, [0], (to) => {
      const end = to.label();
      to.load(RAX, at(RDI));
      const skip = to.label();
      to.jump(skip);
      to.jump(end);
      to.bind(skip);
      for (let i = 0; i < 20_000; i++) to.addConstant(RAX, 1);
      to.bind(end);
      to.store(at(RDI), RAX);
    });
    expect(count).toBe(20_000);
  });
});

describe.each([AVX512, AVX2].map((set) => [set.name, set] as const))("Assembler, %s", (_, set) => {
  const refusals: Readonly<Record<string, (to: Assembler) => void>> = {
    "a label is bound once": (to) => {
      const label = to.bound();
      to.bind(label);
    },
    "the stack pointer is no index": (to) => to.load(RAX, indexed(RDI, RSP, 8)),
    "a displacement of 2147483648 fits an instruction": (to) => to.load(RAX, at(RDI, 2 ** 31)),
    "a displacement of 0.5 fits an instruction": (to) => to.vector("vaddps", 0, 0, at(RDI, 0.5)),
    "4294967296 fits an instruction": (to) => to.addConstant(RAX, 2 ** 32),
    "bits are sought in the first eight registers": (to) => to.lowestBit(R8),
  };
  it.each(Object.entries(refusals))("refuses what has no encoding: %s", (message, emit) => {
    expect(() => emit(newAssembler(set))).toThrow(message);
  });
});

describe("Avx512Assembler", () => {
  const refusals: Readonly<Record<string, (to: Avx512Assembler) => void>> = {
    "masks are set from the first eight registers": (to) => to.setMask(1, R8),
    "masks are read into the first eight registers": (to) => to.readMask(R8, 1),
    "AVX-512 has no vblendvps": (to) => to.vector("vblendvps", 0, 0, 0),
  };
  it.each(Object.entries(refusals))("refuses what has no encoding: %s", (message, emit) => {
    expect(() => emit(new Avx512Assembler())).toThrow(message);
  });
});

describe("Avx2Assembler", () => {
  const refusals: Readonly<Record<string, (to: Avx2Assembler) => void>> = {
    "AVX2 has no vscalefps": (to) => to.vector("vscalefps", 0, 0, 0),
    "AVX2 has no vfmadd231ps under a mask": (to) => {
      to.maskOf(1, 3);
      to.vector("vfmadd231ps", 0, 0, 0, { mask: 1 });
    },
    "mask 2 is set before it is used": (to) => to.loadVector(0, at(RDI), 2),
    "what is stored under a mask is not in the register of the mask": (to) => {
      to.maskOf(1, 3);
      to.storeVector(at(RDI), SPARE, 1);
    },
    "lanes are read into the first eight registers": (to) => to.lanesWhereEqual(R8, 0, 0),
  };
  it.each(Object.entries(refusals))("refuses what has no encoding: %s", (message, emit) => {
    expect(() => emit(new Avx2Assembler())).toThrow(message);
  });
});
