// A square tile of float32 turned in registers.

import type { Assembler } from "./assembler.ts";

/** A row to a register becomes a column to a register, as many as a vector has lanes, from register 0 on; the others are overwritten, AVX2's spare one too. */
export function turnTile(to: Assembler): void {
  const { lanes } = to;
  for (let pair = 0; pair < lanes; pair += 2) {
    to.vector("vunpcklps", lanes + pair, pair, pair + 1);
    to.vector("vunpckhps", lanes + pair + 1, pair, pair + 1);
  }
  for (let four = 0; four < lanes; four += 4) {
    const own = lanes + four;
    to.vector("vunpcklpd", four, own, own + 2);
    to.vector("vunpckhpd", four + 1, own, own + 2);
    to.vector("vunpcklpd", four + 2, own + 1, own + 3);
    to.vector("vunpckhpd", four + 3, own + 1, own + 3);
  }
  // Register 4i + j now holds, of rows 4i to 4i + 3, the columns j, 4 + j and so on: four elements each.
  if (lanes === 16) joinQuarters(to);
  else joinHalves(to);
}

function joinQuarters(to: Assembler): void {
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

function joinHalves(to: Assembler): void {
  const [LOW, HIGH] = [{ immediate: 0x20 }, { immediate: 0x31 }];
  for (let j = 0; j < 4; j++) {
    to.vector("vperm2f128", 8, j, 4 + j, HIGH);
    to.vector("vperm2f128", j, j, 4 + j, LOW);
    to.copyVector(4 + j, 8);
  }
}
