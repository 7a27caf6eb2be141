// Emitted code that runs, and what the assembler refuses; its bytes are compared in test/golden/encodings.test.ts.

import { describe, expect, it } from "vitest";
import { kernelOf } from "../../test/support/native-kernel.ts";
import { Assembler, at, JUMP, literal, R8, R9, RAX, RCX, RDI, RSI, RSP, indexed } from "./assembler.ts";
import { hasAvx512 } from "./features.ts";

/** Runs code whose first argument is an array of numbers, and returns the array. */
function run(numbers: readonly number[], emit: (to: Assembler) => void): number[] {
  const array = BigInt64Array.from(numbers, BigInt);
  kernelOf((to) => {
    const entry = to.bound();
    emit(to);
    to.ret();
    return entry;
  })(array);
  return Array.from(array, Number);
}

describe.skipIf(!hasAvx512())("Assembler, by running its code", () => {
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
      const [taken] = run([a, b], (to) => {
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
    const [total] = run([0], (to) => {
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
    const [forward, backward, distance] = run([0, 0, 0], (to) => {
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
    const [product, sum, equal, larger] = run([5, 0, 0, 0], (to) => {
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
    const out = new Float32Array(48);
    kernelOf((to) => {
      const entry = to.bound();
      to.loadScalar(0, literal(-1.5));
      to.storeVector(at(RDI), 0);
      to.broadcast(1, literal(2.7));
      to.storeVector(at(RDI, 64), 1);
      // Rounding downward, 9: 2.7 becomes 2, then minus 1.5.
      to.vector("vrndscaleps", 1, 0, literal(2.7), { broadcast: true, immediate: 9 });
      to.vector("vaddps", 1, 1, literal(-1.5), { broadcast: true });
      to.storeVector(at(RDI, 128), 1);
      to.ret();
      return entry;
    })(out);
    expect([...out]).toEqual([
      -1.5,
      ...new Array<number>(15).fill(0),
      ...new Array<number>(16).fill(Math.fround(2.7)),
      ...new Array<number>(16).fill(0.5),
    ]);
  });

  it("fills all lanes with any constant, to the bit", () => {
    for (const value of [0, -0, 1, -1, 1e-45, -3.4e38, Infinity, -Infinity]) {
      const out = new Float32Array(16).fill(7);
      kernelOf((to) => {
        const entry = to.bound();
        to.broadcastConstant(20, value);
        to.storeVector(at(RDI), 20);
        to.ret();
        return entry;
      })(out);
      expect([...out]).toEqual(new Array<number>(16).fill(Math.fround(value)));
    }
  });

  it("leaves lanes outside a mask: zero when loaded, untouched when stored", () => {
    const [from, out] = [Float32Array.from({ length: 16 }, (_, i) => i + 1), new Float32Array(32).fill(9)];
    kernelOf((to) => {
      const entry = to.bound();
      to.maskOf(1, 5);
      to.loadVector(2, at(RSI), 1);
      to.storeVector(at(RDI), 2);
      to.maskOf(7, 3);
      to.loadVector(2, at(RSI));
      to.storeVector(at(RDI, 64), 2, 7);
      to.ret();
      return entry;
    })(out, from);
    const zeros = new Array<number>(11).fill(0);
    expect([...out]).toEqual([1, 2, 3, 4, 5, ...zeros, 1, 2, 3, ...new Array<number>(13).fill(9)]);
  });

  it("keeps jumps right in code larger than its first buffer", () => {
    const [count] = run([0], (to) => {
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

describe("Assembler", () => {
  const refusals: Readonly<Record<string, (to: Assembler) => void>> = {
    "a label is bound once": (to) => {
      const label = to.bound();
      to.bind(label);
    },
    "the stack pointer is no index": (to) => to.load(RAX, indexed(RDI, RSP, 8)),
    "a displacement of 2147483648 fits an instruction": (to) => to.load(RAX, at(RDI, 2 ** 31)),
    "a displacement of 0.5 fits an instruction": (to) => to.vector("vaddps", 0, 0, at(RDI, 0.5)),
    "4294967296 fits an instruction": (to) => to.addConstant(RAX, 2 ** 32),
    "masks are set from the first eight registers": (to) => to.setMask(1, R8),
    "masks are read into the first eight registers": (to) => to.readMask(R8, 1),
    "bits are sought in the first eight registers": (to) => to.lowestBit(R8),
  };
  it.each(Object.entries(refusals))("refuses what has no encoding: %s", (message, emit) => {
    expect(() => emit(new Assembler())).toThrow(message);
  });
});
