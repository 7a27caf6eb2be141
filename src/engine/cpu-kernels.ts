// Which code computes on the CPU: our own machine code where the processor has AVX-512 or AVX2, else ONNX Runtime.

import { messageOf, SwarrError } from "../base/errors.ts";
import { instructionSets } from "../native/features.ts";
import { AMX, INSTRUCTION_SETS, type InstructionSet } from "../native/instruction-set.ts";
import type { Device } from "./device.ts";

/** Our own machine code by its instructions, the best first; and ONNX Runtime. */
export const CPU_KERNELS = ["amx", "avx512", "avx2", "onnxruntime"] as const;
export type CpuKernels = (typeof CPU_KERNELS)[number];

/** Stands for the best of our own. */
const NATIVE = "native";
const ASKED_FOR = "SWARR_KERNELS asks for them";

export interface KernelFinding {
  readonly kernels: CpuKernels;
  /** why these */
  readonly reason: string;
}

let found: Promise<KernelFinding> | undefined;

/**
 * What single-threaded programs on the CPU run as, found once a process. `SWARR_KERNELS=onnxruntime` rules our own out,
 * `native` insists on them, `amx`, `avx512` and `avx2` on those of one set.
 *
 * @throws `BAD_ARGUMENT` for another value of the variable; `DEVICE_MISSING` where what is asked for cannot be had
 */
export function cpuKernels(): Promise<KernelFinding> {
  found ??= findKernels(process.env["SWARR_KERNELS"]);
  return found;
}

/** What single-threaded programs on a device run as: our own machine code is for the CPU alone. */
export async function kernelsOn(device: Device): Promise<CpuKernels> {
  return device === "cpu" ? (await cpuKernels()).kernels : "onnxruntime";
}

/** The instructions that kernels are written in; null for ONNX Runtime's. */
export function instructionsOf(kernels: CpuKernels): InstructionSet | null {
  return INSTRUCTION_SETS.find(({ name }) => name === kernels) ?? null;
}

/**
 * The same as `cpuKernels` for a value of the variable.
 *
 * @param whyNot  tells why our own kernels of a set cannot be had, or null
 */
export async function findKernels(
  asked: string | undefined,
  whyNot: (set: InstructionSet) => Promise<string | null> = whyNotNative,
): Promise<KernelFinding> {
  const known = [NATIVE, ...CPU_KERNELS];
  if (asked !== undefined && !known.includes(asked)) {
    throw new SwarrError("BAD_ARGUMENT", {
      what: `SWARR_KERNELS is "${asked}".`,
      expected: `one of ${known.join(", ")}, or no such variable.`,
      fix: "Change or unset the environment variable.",
    });
  }
  if (asked === "onnxruntime") return { kernels: asked, reason: ASKED_FOR };
  const wanted = INSTRUCTION_SETS.filter(({ name }) => asked === undefined || asked === NATIVE || asked === name);
  const missing = new Set<string>();
  for (const set of wanted) {
    const why = await whyNot(set);
    if (why === null) {
      return { kernels: set.name, reason: asked === set.name ? ASKED_FOR : `the processor has ${set.needs}` };
    }
    missing.add(why);
  }
  const reason = [...missing].join("; ");
  if (asked === undefined) return { kernels: "onnxruntime", reason };
  throw new SwarrError("DEVICE_MISSING", {
    what: `SWARR_KERNELS asks for ${asked} kernels, which cannot be had here: ${reason}.`,
    expected: `Linux on an x86-64 processor with ${wanted.map(({ needs }) => needs).join(", or ")}, and the package koffi with its binary.`,
    fix: "Unset SWARR_KERNELS: what can be had here then computes.",
  });
}

async function whyNotNative(set: InstructionSet): Promise<string | null> {
  if (!instructionSets().includes(set)) {
    return `${set.name} kernels need Linux on an x86-64 processor with ${set.needs}`;
  }
  try {
    const { MachineCode, mayUseTiles, RETURN } = await import("../native/executable.ts");
    if (set === AMX && !mayUseTiles()) return "the system does not let this process use AMX";
    const code = new MachineCode(RETURN);
    code.call(0n);
    code.release();
    return null;
  } catch (thrown) {
    return messageOf(thrown);
  }
}
