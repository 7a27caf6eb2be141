import { describe, expect, it } from "vitest";
import { expectClose } from "../../test/support/expect-close.ts";
import { sameBits } from "../../test/support/gemm-case.ts";
import { tolerances } from "../../test/support/tolerances.ts";
import { randomStream } from "../base/seeds.ts";
import { input, type GraphNode } from "../graph/node.ts";
import { graphOf } from "../graph/check.ts";
import { gemm, matmul } from "../graph/ops/contract.ts";
import { add, neg } from "../graph/ops/elementwise.ts";
import { reshape, slice } from "../graph/ops/move.ts";
import { sizeOf } from "../tensor/tensor.ts";
import { cpuKernels, type CpuKernels } from "./cpu-kernels.ts";
import type { CompileOptions } from "./engine.ts";
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
      amx: "nothing",
      avx512: "the processor lacks avx512_bf16",
      avx2: `the kernels are avx2 (${reason})`,
      onnxruntime: `ONNX Runtime computes here (${reason})`,
    };
    const refused = expect(requirePrecision("bfloat16", "cpu")).rejects;
    await refused.toThrow(`cannot be had here: ${missing[kernels]}. Expected device: cpu with amx or avx512 kernels`);
    await refused.toThrow(/\[DEVICE_MISSING\]$/);
  });
});

/** Large enough for seven products where there are any. */
const SIDE = 512;

describe("an engine in float32", () => {
  const [a, b] = [input("a", [SIDE, SIDE]), input("b", [SIDE, SIDE])];
  const [x, w] = ["x", "w"].map((purpose) => {
    const stream = randomStream({ root: 1, purpose });
    return Float32Array.from({ length: SIDE * SIDE }, () => stream.uniform() - 0.5);
  }) as [Float32Array, Float32Array];

  async function product(
    node: GraphNode,
    precision: Precision = "float32",
    options: CompileOptions = { quickestProducts: true },
  ): Promise<Float32Array> {
    const program = await createEngine({ threads: 1, precision }).compile(graphOf({ y: node }), options);
    const y = new Float32Array(sizeOf(node.shape));
    await program.run({ a: x, b: w }, { y });
    await program.dispose();
    return y;
  }

  const linearMaps = [
    { name: "as they are", node: gemm(a, b, {}) },
    { name: "one turned", node: gemm(a, b, { transB: true }) },
    { name: "the other turned and added to a matrix", node: add(a, gemm(a, b, { transA: true })) },
  ];

  it.each(linearMaps)("multiplies large linear maps, $name, in the quickest way in training", async ({ node }) => {
    const { kernels } = await cpuKernels();
    const [quickest, plain] = [await product(node), await product(node, "float32-plain")];
    expect(sameBits(quickest, plain)).toBe(kernels === "onnxruntime" || kernels === "avx512");
    expectClose(quickest, plain, kernels === "avx2" ? tolerances.seven32 : tolerances.engine32);
  });

  it("multiplies plainly where the quickest way is not asked for", async () => {
    const node = gemm(a, b, {});
    expect(sameBits(await product(node, "float32", {}), await product(node, "float32-plain"))).toBe(true);
  });

  it("multiplies products of attention plainly", async () => {
    const node = matmul(reshape(a, [1, SIDE, SIDE]), reshape(b, [1, SIDE, SIDE]));
    expect(sameBits(await product(node), await product(node, "float32-plain"))).toBe(true);
  });

  it.each([
    { name: "an odd number of rows", rows: SIDE - 1, inTiles: true },
    { name: "few rows", rows: 128, inTiles: true },
    { name: "fewer rows than a panel of tiles", rows: 31, inTiles: false },
  ])("multiplies $name plainly where no tile registers do", async ({ rows, inTiles }) => {
    const node = gemm(slice(a, 0, 0, rows), b, {});
    const isPlain = !(inTiles && (await cpuKernels()).kernels === "amx");
    expect(sameBits(await product(node), await product(node, "float32-plain"))).toBe(isPlain);
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
