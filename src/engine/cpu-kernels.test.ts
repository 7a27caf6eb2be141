// Which kernels are taken: those asked for, or none; left open, our own where they can be had.

import { describe, expect, it } from "vitest";
import { cpuKernels, findKernels, kernelsOn } from "./cpu-kernels.ts";

const there = async (): Promise<null> => null;
const missing = async (): Promise<string> => "the processor is of another kind";

describe("findKernels", () => {
  it("takes our own where they can be had, else ONNX Runtime's with the reason", async () => {
    expect(await findKernels(undefined, there)).toMatchObject({ kernels: "native" });
    expect(await findKernels(undefined, missing)).toEqual({
      kernels: "onnxruntime",
      reason: "the processor is of another kind",
    });
  });

  it("takes the ones that are asked for", async () => {
    expect(await findKernels("native", there)).toMatchObject({ kernels: "native" });
    for (const whyNot of [there, missing]) {
      expect(await findKernels("onnxruntime", whyNot)).toEqual({
        kernels: "onnxruntime",
        reason: "SWARR_KERNELS asks for them",
      });
    }
  });

  it("replaces none that was asked for by another", async () => {
    await expect(findKernels("native", missing)).rejects.toThrow(
      /SWARR_KERNELS asks for native kernels, .*: the processor is of another kind\..*\[DEVICE_MISSING\]$/,
    );
  });

  it.each(["", "onnx", "Native"])("refuses the value %j", async (asked) => {
    await expect(findKernels(asked, there)).rejects.toThrow(
      /one of native, onnxruntime, or no such variable\..*\[BAD_ARGUMENT\]$/,
    );
  });
});

describe("kernelsOn", () => {
  it("has our own on the CPU alone", async () => {
    expect(await kernelsOn("cpu")).toBe((await cpuKernels()).kernels);
    expect(await kernelsOn("webgpu")).toBe("onnxruntime");
  });
});
