// The instructions over vectors that the kernels use, by what their encodings have in common.

/** How one instruction over vectors is encoded. */
export interface VectorCode {
  readonly map: 1 | 2 | 3;
  /** the prefix: none, 66, F3, F2 */
  readonly prefix: 0 | 1 | 2 | 3;
  readonly w: 0 | 1;
  readonly opcode: number;
  /** bytes of a whole memory operand, by which short displacements of EVEX count; a vector when left out */
  readonly bytes?: number;
  /** vector length: 0, 1, 2 for 128, 256, 512 bits; that of the set when left out */
  readonly length?: 0 | 1 | 2;
}

/** In every set, under the names of AVX-512: [map, prefix, W, opcode] as in Intel's Software Developer's Manual, volume 2. */
export const COMMON = {
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
  vpermps: { map: 2, prefix: 1, w: 0, opcode: 0x16 },
  vrndscaleps: { map: 3, prefix: 1, w: 0, opcode: 0x08 },
  vcvttps2dq: { map: 1, prefix: 2, w: 0, opcode: 0x5b },
  vcvtdq2ps: { map: 1, prefix: 0, w: 0, opcode: 0x5b },
  vunpcklps: { map: 1, prefix: 0, w: 0, opcode: 0x14 },
  vunpckhps: { map: 1, prefix: 0, w: 0, opcode: 0x15 },
  vunpcklpd: { map: 1, prefix: 1, w: 1, opcode: 0x14 },
  vunpckhpd: { map: 1, prefix: 1, w: 1, opcode: 0x15 },
  vpermilps: { map: 3, prefix: 1, w: 0, opcode: 0x04 },
  vaddpd: { map: 1, prefix: 1, w: 1, opcode: 0x58 },
  vmulpd: { map: 1, prefix: 1, w: 1, opcode: 0x59 },
  vsubpd: { map: 1, prefix: 1, w: 1, opcode: 0x5c },
  vdivpd: { map: 1, prefix: 1, w: 1, opcode: 0x5e },
  vsqrtpd: { map: 1, prefix: 1, w: 1, opcode: 0x51 },
  vbroadcastsd: { map: 2, prefix: 1, w: 1, opcode: 0x19, bytes: 8 },
  vcvtps2pd: { map: 1, prefix: 0, w: 0, opcode: 0x5a, bytes: 32 },
  vcvtpd2ps: { map: 1, prefix: 1, w: 1, opcode: 0x5a },
  vpslld: { map: 1, prefix: 1, w: 0, opcode: 0x72 },
} as const satisfies Record<string, VectorCode>;

/** In AVX-512 alone, or with another length than in AVX2. */
export const IN_AVX512 = {
  vmovupsHalfStore: { map: 1, prefix: 0, w: 0, opcode: 0x11, bytes: 32, length: 1 },
  vblendmps: { map: 2, prefix: 1, w: 0, opcode: 0x65 },
  vrangeps: { map: 3, prefix: 1, w: 0, opcode: 0x50 },
  vscalefps: { map: 2, prefix: 1, w: 0, opcode: 0x2c },
  vgetexpps: { map: 2, prefix: 1, w: 0, opcode: 0x42 },
  vgetmantps: { map: 3, prefix: 1, w: 0, opcode: 0x26 },
  vshuff32x4: { map: 3, prefix: 1, w: 0, opcode: 0x23 },
  vpsrld: { map: 1, prefix: 1, w: 0, opcode: 0x72 },
  vpermw: { map: 2, prefix: 1, w: 1, opcode: 0x8d },
  vcvtne2ps2bf16: { map: 2, prefix: 3, w: 0, opcode: 0x72 },
  vdpbf16ps: { map: 2, prefix: 2, w: 0, opcode: 0x52 },
} as const satisfies Record<string, VectorCode>;

/** In AVX2 alone, what it has instead of masks and of wider shuffles; or with another length than in AVX-512. */
export const IN_AVX2 = {
  vmovupsHalfStore: { map: 1, prefix: 0, w: 0, opcode: 0x11, length: 0 },
  vblendps: { map: 3, prefix: 1, w: 0, opcode: 0x0c },
  vblendvps: { map: 3, prefix: 1, w: 0, opcode: 0x4a },
  vcmpps: { map: 1, prefix: 0, w: 0, opcode: 0xc2 },
  vcvtps2dq: { map: 1, prefix: 1, w: 0, opcode: 0x5b },
  vmaskmovps: { map: 2, prefix: 1, w: 0, opcode: 0x2c },
  vmaskmovpsStore: { map: 2, prefix: 1, w: 0, opcode: 0x2e },
  vmovmskps: { map: 1, prefix: 0, w: 0, opcode: 0x50 },
  vpsrad: { map: 1, prefix: 1, w: 0, opcode: 0x72 },
  vperm2f128: { map: 3, prefix: 1, w: 0, opcode: 0x06 },
} as const satisfies Record<string, VectorCode>;

export type Avx512Op = keyof typeof COMMON | keyof typeof IN_AVX512;
export type Avx2Op = keyof typeof COMMON | keyof typeof IN_AVX2;
export type VectorOp = Avx512Op | Avx2Op;
