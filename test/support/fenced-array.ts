// Arrays that end where a page ends that nothing may touch: code that reads or writes behind them ends the process.

import koffi from "koffi";
import { NativeBlock } from "../../src/native/executable.ts";

const PAGE = 4096;
const NOTHING = 0;

/** A copy of `values` with a forbidden page behind its last element. It is never given back. */
export function fencedArray(values: Float32Array): Float32Array {
  const held = Math.ceil(values.byteLength / PAGE) * PAGE;
  const block = new NativeBlock(held + PAGE);
  const mprotect = koffi.load(null).func("int mprotect(uintptr_t, size_t, int)") as (...values: unknown[]) => number;
  if (mprotect(block.address + BigInt(held), PAGE, NOTHING) !== 0) throw new Error("the system fences no memory");
  const array = new Float32Array(block.view(), held - values.byteLength, values.length);
  array.set(values);
  return array;
}
