// The sets of vector instructions that kernels are written for.

/** What kernels ask of a set: how much a vector holds, and how many there are. */
export interface InstructionSet {
  readonly name: "amx" | "avx512" | "avx2";
  /** what the processor has to have, in words and as Linux names it */
  readonly needs: string;
  readonly flags: readonly string[];
  /** float32 of a vector register */
  readonly lanes: 16 | 8;
  /** vector registers that kernels may use, from 0 on */
  readonly registers: 32 | 15;
}

export const AVX512: InstructionSet = {
  name: "avx512",
  needs: "AVX-512",
  flags: ["avx512f", "avx512bw", "avx512dq", "avx512vl"],
  lanes: 16,
  registers: 32,
};

/** AVX-512 beside tile registers that multiply bfloat16. */
export const AMX: InstructionSet = {
  ...AVX512,
  name: "amx",
  needs: "AVX-512 and AMX",
  flags: [...AVX512.flags, "avx512_bf16", "amx_tile", "amx_bf16"],
};

/** Of its sixteen registers the assembler keeps one for itself. */
export const AVX2: InstructionSet = {
  name: "avx2",
  needs: "AVX2 and FMA",
  flags: ["avx2", "fma"],
  lanes: 8,
  registers: 15,
};

/** The best first. */
export const INSTRUCTION_SETS: readonly InstructionSet[] = [AMX, AVX512, AVX2];

/** Bytes of a line of the caches, which holds whole vectors of every set. */
export const LINE_BYTES = 64;
