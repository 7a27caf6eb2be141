// The instructions over vectors that the kernels use, as EVEX encodes them.

/** How one instruction over vectors is encoded. */
export interface VectorCode {
  readonly map: 1 | 2 | 3;
  /** the prefix: none, 66, F3, F2 */
  readonly prefix: 0 | 1 | 2 | 3;
  readonly w: 0 | 1;
  readonly opcode: number;
  /** bytes of a whole memory operand, by which short displacements count; 64 when left out */
  readonly bytes?: number;
  /** vector length: 0, 1, 2 for 128, 256, 512 bits; 2 when left out */
  readonly length?: 0 | 1 | 2;
}

/** EVEX opcodes: [map, prefix, W, opcode] as in Intel's Software Developer's Manual, volume 2. */
export const VECTOR = {
  vmovups: { map: 1, prefix: 0, w: 0, opcode: 0x10 },
  vmovupsStore: { map: 1, prefix: 0, w: 0, opcode: 0x11 },
  vmovss: { map: 1, prefix: 2, w: 0, opcode: 0x10, bytes: 4, length: 0 },
  vmovssStore: { map: 1, prefix: 2, w: 0, opcode: 0x11, bytes: 4, length: 0 },
  vbroadcastss: { map: 2, prefix: 1, w: 0, opcode: 0x18, bytes: 4 },
  vaddps: { map: 1, prefix: 0, w: 0, opcode: 0x58 },
  vmulps: { map: 1, prefix: 0, w: 0, opcode: 0x59 },
  vsubps: { map: 1, prefix: 0, w: 0, opcode: 0x5c },
  vminps: { map: 1, prefix: 0, w: 0, opcode: 0x5d },
  vdivps: { map: 1, prefix: 0, w: 0, opcode: 0x5e },
  vmaxps: { map: 1, prefix: 0, w: 0, opcode: 0x5f },
  vsqrtps: { map: 1, prefix: 0, w: 0, opcode: 0x51 },
  vsqrtss: { map: 1, prefix: 2, w: 0, opcode: 0x51, bytes: 4, length: 0 },
  vdivss: { map: 1, prefix: 2, w: 0, opcode: 0x5e, bytes: 4, length: 0 },
  vfmadd132ps: { map: 2, prefix: 1, w: 0, opcode: 0x98 },
  vfmadd213ps: { map: 2, prefix: 1, w: 0, opcode: 0xa8 },
  vfmadd231ps: { map: 2, prefix: 1, w: 0, opcode: 0xb8 },
  vfnmadd213ps: { map: 2, prefix: 1, w: 0, opcode: 0xac },
  vfnmadd231ps: { map: 2, prefix: 1, w: 0, opcode: 0xbc },
  vpxord: { map: 1, prefix: 1, w: 0, opcode: 0xef },
  vpandd: { map: 1, prefix: 1, w: 0, opcode: 0xdb },
  vpord: { map: 1, prefix: 1, w: 0, opcode: 0xeb },
  vpaddd: { map: 1, prefix: 1, w: 0, opcode: 0xfe },
  vpsubd: { map: 1, prefix: 1, w: 0, opcode: 0xfa },
  vpmulld: { map: 2, prefix: 1, w: 0, opcode: 0x40 },
  vpminsd: { map: 2, prefix: 1, w: 0, opcode: 0x39 },
  vblendmps: { map: 2, prefix: 1, w: 0, opcode: 0x65 },
  vpermps: { map: 2, prefix: 1, w: 0, opcode: 0x16 },
  vrndscaleps: { map: 3, prefix: 1, w: 0, opcode: 0x08 },
  vrangeps: { map: 3, prefix: 1, w: 0, opcode: 0x50 },
  vscalefps: { map: 2, prefix: 1, w: 0, opcode: 0x2c },
  vgetexpps: { map: 2, prefix: 1, w: 0, opcode: 0x42 },
  vgetmantps: { map: 3, prefix: 1, w: 0, opcode: 0x26 },
  vcvttps2dq: { map: 1, prefix: 2, w: 0, opcode: 0x5b },
  vcvtdq2ps: { map: 1, prefix: 0, w: 0, opcode: 0x5b },
  vunpcklps: { map: 1, prefix: 0, w: 0, opcode: 0x14 },
  vunpckhps: { map: 1, prefix: 0, w: 0, opcode: 0x15 },
  vunpcklpd: { map: 1, prefix: 1, w: 1, opcode: 0x14 },
  vunpckhpd: { map: 1, prefix: 1, w: 1, opcode: 0x15 },
  vshuff32x4: { map: 3, prefix: 1, w: 0, opcode: 0x23 },
  vpermilps: { map: 3, prefix: 1, w: 0, opcode: 0x04 },
  vpermw: { map: 2, prefix: 1, w: 1, opcode: 0x8d },
  vcvtne2ps2bf16: { map: 2, prefix: 3, w: 0, opcode: 0x72 },
  vdpbf16ps: { map: 2, prefix: 2, w: 0, opcode: 0x52 },
  vpslld: { map: 1, prefix: 1, w: 0, opcode: 0x72 },
} as const satisfies Record<string, VectorCode>;

export type VectorOp = keyof typeof VECTOR;
