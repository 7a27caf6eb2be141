// The sets of vector instructions that kernels are written for.

/** What kernels ask of a set: how much a vector holds, and how many there are. */
export interface InstructionSet {
  readonly name: "avx512" | "avx2";
  /** float32 of a vector register */
  readonly lanes: 16 | 8;
  /** vector registers that kernels may use, from 0 on */
  readonly registers: 32 | 15;
}

/** AVX-512 F, BW, DQ and VL. */
export const AVX512: InstructionSet = { name: "avx512", lanes: 16, registers: 32 };

/** AVX2 with FMA; of its sixteen registers the assembler keeps one for itself. */
export const AVX2: InstructionSet = { name: "avx2", lanes: 8, registers: 15 };

/** The best first. */
export const INSTRUCTION_SETS: readonly InstructionSet[] = [AVX512, AVX2];

/** Bytes of a line of the caches, which holds whole vectors of every set. */
export const LINE_BYTES = 64;
