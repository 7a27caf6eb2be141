import { describe, expect, it } from "vitest";
import { expectClose } from "../../test/support/expect-close.ts";
import { tolerances } from "../../test/support/tolerances.ts";
import { randomStream } from "../base/seeds.ts";
import { input } from "../graph/node.ts";
import { graphOf } from "../graph/check.ts";
import { gemm, matmul } from "../graph/ops/contract.ts";
import { neg } from "../graph/ops/elementwise.ts";
import { reshape, slice } from "../graph/ops/move.ts";
import { sizeOf } from "../tensor/tensor.ts";
import { cpuKernels, type CpuKernels } from "./cpu-kernels.ts";
import { createEngine } from "./create-engine.ts";
import { requirePrecision, whyNotPrecision, type Precision } from "./precision.ts";

const hadHere = (await whyNotPrecision("bfloat16", "cpu")) === null;

describe("requirePrecision", () => {
  it("lets float32 through everywhere", async () => {
    for (const precision of ["float32", "float32-plain"] as const) {
      await expect(requirePrecision(precision, "webgpu")).resolves.toBeUndefined();
    }
  });

  it("refuses bfloat16 on a device other than the CPU", async () => {
    await expect(requirePrecision("bfloat16", "webgpu")).rejects.toThrow(/device is webgpu.*\[DEVICE_MISSING\]/);
  });

  it.skipIf(hadHere)("refuses bfloat16 where it cannot be had, and says what computes or lacks it", async () => {
    const { kernels, reason } = await cpuKernels();
    const missing: Readonly<Record<CpuKernels, string>> = {
      avx512: "the processor lacks avx512_bf16",
      avx2: `the kernels are avx2 (${reason})`,
      onnxruntime: `ONNX Runtime computes here (${reason})`,
    };
    const refused = expect(requirePrecision("bfloat16", "cpu")).rejects;
    await refused.toThrow(`cannot be had here: ${missing[kernels]}. Expected device: cpu with avx512 kernels`);
    await refused.toThrow(/\[DEVICE_MISSING\]$/);
  });
});

describe("an engine in float32", () => {
  const [a, b] = [input("a", [256, 256]), input("b", [256, 256])];
  const [x, w] = ["x", "w"].map((purpose) => {
    const stream = randomStream({ root: 1, purpose });
    return Float32Array.from({ length: 256 * 256 }, () => stream.uniform() - 0.5);
  }) as [Float32Array, Float32Array];

  async function product(precision: Precision, node = gemm(a, b, {})): Promise<Float32Array> {
    const program = await createEngine({ threads: 1, precision }).compile(graphOf({ y: node }));
    const y = new Float32Array(sizeOf(node.shape));
    await program.run({ a: x, b: w }, { y });
    await program.dispose();
    return y;
  }

  it("multiplies large linear maps by seven products where the kernels are our own, and plainly when told to", async () => {
    const [seven, plain] = [await product("float32"), await product("float32-plain")];
    expect([...seven].some((value, i) => value !== plain[i])).toBe((await cpuKernels()).kernels !== "onnxruntime");
    expectClose(seven, plain, tolerances.seven32);
  });

  it("multiplies everything else plainly", async () => {
    const batched = matmul(reshape(a, [1, 256, 256]), reshape(b, [1, 256, 256]));
    expect([...(await product("float32", batched))]).toEqual([...(await product("float32-plain", batched))]);
    const short = gemm(slice(a, 0, 0, 255), b, {});
    expect([...(await product("float32", short))]).toEqual([...(await product("float32-plain", short))]);
  });
});

describe.skipIf(!hadHere)("an engine in bfloat16", () => {
  it("rounds the factors of linear maps, and those alone", async () => {
    const [x, w] = [input("x", [2, 1]), input("w", [2, 1])];
    const graph = graphOf({ linear: gemm(x, w, { transB: true }) });
    const program = await createEngine({ threads: 1, precision: "bfloat16" }).compile(graph);
    const linear = new Float32Array(4);
    // 1 + 2^-9 lies halfway below the step of bfloat16 at 1, which is 2^-7: it becomes 1.
    await program.run({ x: Float32Array.of(1 + 2 ** -9, 3), w: Float32Array.of(1, 2) }, { linear });
    expect([...linear]).toEqual([1, 2, 3, 6]);
    await program.dispose();
  });

  it("refuses a value that is larger than native kernels take", async () => {
    const graph = graphOf({ y: neg(input("x", [2 ** 15, 2 ** 14])) });
    await expect(createEngine({ threads: 1, precision: "bfloat16" }).compile(graph)).rejects.toThrow(
      /takes 2\.0 GiB; precision is bfloat16.*below 2 GiB each.*\[DEVICE_MISSING\]$/s,
    );
  });

  it("is not to be had with several threads inside an operation", () => {
    expect(() => createEngine({ threads: 2, precision: "bfloat16" })).toThrow(/one thread/);
  });
});
