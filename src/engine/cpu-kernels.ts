// Which code computes on the CPU: our own machine code where the processor has AVX-512, else ONNX Runtime.

import { messageOf, SwarrError } from "../base/errors.ts";
import { hasAvx512 } from "../native/features.ts";
import type { Device } from "./device.ts";

export const CPU_KERNELS = ["native", "onnxruntime"] as const;
export type CpuKernels = (typeof CPU_KERNELS)[number];

export interface KernelFinding {
  readonly kernels: CpuKernels;
  /** why these */
  readonly reason: string;
}

let found: Promise<KernelFinding> | undefined;

/**
 * What single-threaded programs on the CPU run as, found once a process. `SWARR_KERNELS=onnxruntime` rules our own out,
 * `SWARR_KERNELS=native` insists on them.
 *
 * @throws `BAD_ARGUMENT` for another value of the variable; `DEVICE_MISSING` where `native` is asked for and cannot be had
 */
export function cpuKernels(): Promise<KernelFinding> {
  found ??= findKernels(process.env["SWARR_KERNELS"]);
  return found;
}

/** What single-threaded programs on a device run as: our own machine code is for the CPU alone. */
export async function kernelsOn(device: Device): Promise<CpuKernels> {
  return device === "cpu" ? (await cpuKernels()).kernels : "onnxruntime";
}

/**
 * The same as `cpuKernels` for a value of the variable.
 *
 * @param whyNot  tells why our own kernels cannot be had, or null
 */
export async function findKernels(
  asked: string | undefined,
  whyNot: () => Promise<string | null> = whyNotNative,
): Promise<KernelFinding> {
  if (asked !== undefined && !CPU_KERNELS.some((each) => each === asked)) {
    throw new SwarrError("BAD_ARGUMENT", {
      what: `SWARR_KERNELS is "${asked}".`,
      expected: `one of ${CPU_KERNELS.join(", ")}, or no such variable.`,
      fix: "Change or unset the environment variable.",
    });
  }
  if (asked === "onnxruntime") return { kernels: "onnxruntime", reason: "SWARR_KERNELS asks for them" };
  const missing = await whyNot();
  if (missing === null) return { kernels: "native", reason: "the processor has AVX-512" };
  if (asked === undefined) return { kernels: "onnxruntime", reason: missing };
  throw new SwarrError("DEVICE_MISSING", {
    what: `SWARR_KERNELS asks for native kernels, which cannot be had here: ${missing}.`,
    expected: "Linux on an x86-64 processor with AVX-512, and the package koffi with its binary.",
    fix: "Unset SWARR_KERNELS: ONNX Runtime then computes.",
  });
}

async function whyNotNative(): Promise<string | null> {
  if (!hasAvx512()) return "native kernels need Linux on an x86-64 processor with AVX-512";
  try {
    const { MachineCode, RETURN } = await import("../native/executable.ts");
    const code = new MachineCode(RETURN);
    code.call(0n);
    code.release();
    return null;
  } catch (thrown) {
    return messageOf(thrown);
  }
}
