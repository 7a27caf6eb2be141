// A 16 x 16 tile of float32 turned in registers.

import type { Assembler } from "./assembler.ts";

/** Rows in registers 0 to 15 become columns in registers 0 to 15; 16 to 31 are overwritten. */
export function turnTile(to: Assembler): void {
  for (let pair = 0; pair < 8; pair++) {
    to.vector("vunpcklps", 16 + 2 * pair, 2 * pair, 2 * pair + 1);
    to.vector("vunpckhps", 17 + 2 * pair, 2 * pair, 2 * pair + 1);
  }
  for (let four = 0; four < 16; four += 4) {
    to.vector("vunpcklpd", four, 16 + four, 18 + four);
    to.vector("vunpckhpd", four + 1, 16 + four, 18 + four);
    to.vector("vunpcklpd", four + 2, 17 + four, 19 + four);
    to.vector("vunpckhpd", four + 3, 17 + four, 19 + four);
  }
  // Register 4i + j now holds, of rows 4i to 4i + 3, the columns j, 4 + j, 8 + j and 12 + j: a quarter each.
  const EVEN = { immediate: 0x88 };
  const ODD = { immediate: 0xdd };
  for (let j = 0; j < 4; j++) {
    to.vector("vshuff32x4", 16, j, 4 + j, EVEN);
    to.vector("vshuff32x4", 17, 8 + j, 12 + j, EVEN);
    to.vector("vshuff32x4", 18, j, 4 + j, ODD);
    to.vector("vshuff32x4", 19, 8 + j, 12 + j, ODD);
    to.vector("vshuff32x4", j, 16, 17, EVEN);
    to.vector("vshuff32x4", 4 + j, 18, 19, EVEN);
    to.vector("vshuff32x4", 8 + j, 16, 17, ODD);
    to.vector("vshuff32x4", 12 + j, 18, 19, ODD);
  }
}
