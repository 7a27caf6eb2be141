// The sum of a register's sixteen lanes.

import type { Assembler, Zmm } from "./assembler.ts";

/** Every lane of `x` := the sum of all lanes, halves added to halves. */
export function emitRowTotal(to: Assembler, x: Zmm, temp: Zmm): void {
  for (const halves of [0x4e, 0xb1]) {
    to.vector("vshuff32x4", temp, x, x, { immediate: halves });
    to.vector("vaddps", x, x, temp);
  }
  for (const halves of [0x4e, 0xb1]) {
    to.vector("vpermilps", temp, 0, x, { immediate: halves });
    to.vector("vaddps", x, x, temp);
  }
}
