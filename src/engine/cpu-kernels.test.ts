// Which kernels are taken: those asked for, or none; left open, our own where they can be had.

import { describe, expect, it } from "vitest";
import { canUse } from "../../test/support/can-use.ts";
import { AMX, AVX2, AVX512, INSTRUCTION_SETS, type InstructionSet } from "../native/instruction-set.ts";
import { CPU_KERNELS, cpuKernels, findKernels, instructionsOf, kernelsOn } from "./cpu-kernels.ts";

const there = async (): Promise<null> => null;
const missing = async (): Promise<string> => "the processor is of another kind";
const lacks =
  (...lacking: readonly InstructionSet[]) =>
  async (set: InstructionSet): Promise<string | null> =>
    lacking.includes(set) ? `no ${set.name}` : null;

describe("findKernels", () => {
  it("takes the best of our own that can be had, else ONNX Runtime's with the reason", async () => {
    expect(await findKernels(undefined, there)).toEqual({
      kernels: "amx",
      reason: "the processor has AVX-512 and AMX",
    });
    expect(await findKernels(undefined, lacks(AMX))).toEqual({
      kernels: "avx512",
      reason: "the processor has AVX-512",
    });
    expect(await findKernels(undefined, lacks(AMX, AVX512))).toEqual({
      kernels: "avx2",
      reason: "the processor has AVX2 and FMA",
    });
    expect(await findKernels(undefined, lacks(AMX, AVX2))).toMatchObject({ kernels: "avx512" });
    expect(await findKernels(undefined, missing)).toEqual({
      kernels: "onnxruntime",
      reason: "the processor is of another kind",
    });
    const each = async ({ name }: InstructionSet): Promise<string> => `no ${name}`;
    expect(await findKernels(undefined, each)).toEqual({
      kernels: "onnxruntime",
      reason: "no amx; no avx512; no avx2",
    });
  });

  it("takes the ones that are asked for", async () => {
    expect(await findKernels("native", there)).toMatchObject({ kernels: "amx" });
    expect(await findKernels("native", lacks(AMX))).toMatchObject({ kernels: "avx512" });
    expect(await findKernels("native", lacks(AMX, AVX512))).toMatchObject({ kernels: "avx2" });
    expect(await findKernels("amx", there)).toMatchObject({ kernels: "amx" });
    for (const whyNot of [there, lacks(AVX2)]) {
      expect(await findKernels("avx512", whyNot)).toMatchObject({ kernels: "avx512" });
    }
    for (const whyNot of [there, lacks(AVX512)]) {
      expect(await findKernels("avx2", whyNot)).toMatchObject({ kernels: "avx2" });
    }
    for (const whyNot of [there, missing]) {
      expect(await findKernels("onnxruntime", whyNot)).toEqual({
        kernels: "onnxruntime",
        reason: "SWARR_KERNELS asks for them",
      });
    }
  });

  it.each([
    ["native", missing, "the processor is of another kind"],
    ["amx", lacks(AMX), "no amx"],
    ["avx512", lacks(AVX512), "no avx512"],
    ["avx2", lacks(AVX2), "no avx2"],
  ])("replaces %s, which was asked for, by no others", async (asked, whyNot, why) => {
    await expect(findKernels(asked, whyNot)).rejects.toThrow(
      new RegExp(`SWARR_KERNELS asks for ${asked} kernels, .*: ${why}\\..*\\[DEVICE_MISSING\\]$`),
    );
  });

  it("gives here nothing that the processor lacks", async () => {
    const best = INSTRUCTION_SETS.find(canUse)?.name;
    expect([best, "onnxruntime"]).toContain((await findKernels(undefined)).kernels);
    for (const { name } of [AMX, AVX512, AVX2].filter((set) => !canUse(set))) {
      await expect(findKernels(name)).rejects.toThrow(
        new RegExp(`${name} kernels need Linux on an x86-64 processor with AVX|does not let this process use AMX`),
      );
    }
  });

  it.each(["", "onnx", "Native", "AVX2"])("refuses the value %j", async (asked) => {
    await expect(findKernels(asked, there)).rejects.toThrow(
      /one of native, amx, avx512, avx2, onnxruntime, or no such variable\..*\[BAD_ARGUMENT\]$/,
    );
  });
});

describe("instructionsOf", () => {
  it("names the set of our own kernels, and none of ONNX Runtime's", () => {
    expect(CPU_KERNELS.map(instructionsOf)).toEqual([AMX, AVX512, AVX2, null]);
  });
});

describe("kernelsOn", () => {
  it("has our own on the CPU alone", async () => {
    expect(await kernelsOn("cpu")).toBe((await cpuKernels()).kernels);
    expect(await kernelsOn("webgpu")).toBe("onnxruntime");
  });
});
