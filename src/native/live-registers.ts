// The vector registers of straight code: which value lies where, and above the stack pointer what finds none.

import { at, RSP, type Assembler, type Vector } from "./assembler.ts";

/** Registers handed out one operation after another; those that the operation at hand has asked for stay until `settle`. */
export class LiveRegisters {
  readonly #to: Assembler;
  readonly #free: Vector[];
  readonly #registers = new Map<string, Vector>();
  /** bytes above the stack pointer where a value was put, which stays there */
  readonly #slots = new Map<string, number>();
  readonly #inUse = new Set<Vector>();

  /** @param free  registers to hand out, the last one first */
  constructor(to: Assembler, free: readonly Vector[]) {
    this.#to = to;
    this.#free = [...free];
  }

  /** A register, for a value that is asked for by `key` later, or for the operation at hand alone. */
  take(key?: string): Vector {
    const register = this.#free.pop() ?? this.#emptied();
    this.#inUse.add(register);
    if (key !== undefined) this.#registers.set(key, register);
    return register;
  }

  /** The register of a value; `load` puts it there when it was never in one. */
  of(key: string, load?: (register: Vector) => void): Vector {
    const known = this.#registers.get(key);
    if (known !== undefined) {
      this.#inUse.add(known);
      return known;
    }
    const register = this.take(key);
    const slot = this.#slots.get(key);
    if (slot !== undefined) this.#to.loadVector(register, at(RSP, slot));
    else if (load !== undefined) load(register);
    else throw new Error(`${key} is computed before it is read`);
    return register;
  }

  /** A register whose value is needed no longer. */
  giveBack(register: Vector): void {
    for (const [key, held] of this.#registers) if (held === register) this.#registers.delete(key);
    this.#inUse.delete(register);
    this.#free.push(register);
  }

  /** The operation at hand is done. */
  settle(): void {
    this.#inUse.clear();
  }

  /** The register that has held its value for longest, its value now on the stack. */
  #emptied(): Vector {
    const oldest = [...this.#registers].find(([, register]) => !this.#inUse.has(register));
    if (oldest === undefined) throw new Error("one operation needs more registers than there are");
    const [key, register] = oldest;
    if (!this.#slots.has(key)) {
      const slot = 4 * this.#to.lanes * this.#slots.size;
      this.#slots.set(key, slot);
      this.#to.storeVector(at(RSP, slot), register);
    }
    this.#registers.delete(key);
    return register;
  }
}
