// Every op: its gradient against finite differences in float64, and each engine's value and gradient against float64.

import { afterAll, describe, expect, it } from "vitest";
import { DEVICES, type Device } from "../../src/engine/device.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { createNativeEngine } from "../../src/engine/native-engine.ts";
import { createOnnxEngine } from "../../src/engine/onnx-engine.ts";
import { gradients } from "../../src/graph/autodiff.ts";
import { graphOf } from "../../src/graph/check.ts";
import { interpret } from "../../src/graph/interpret.ts";
import { nameOfInput, type GraphNode } from "../../src/graph/node.ts";
import { instructionSets } from "../../src/native/features.ts";
import { sizeOf, type TensorData } from "../../src/tensor/tensor.ts";
import { expectClose } from "../support/expect-close.ts";
import { expectGradients, randomValues, weighedTotal } from "../support/gradient-check.ts";
import { tolerances } from "../support/tolerances.ts";
import { OP_CASES, type OpCase } from "./op-cases.ts";

/** `SWARR_TEST_DEVICE=webgpu` runs the suite there; a device that is missing fails it. */
const device = (process.env["SWARR_TEST_DEVICE"] ?? "cpu") as Device;
expect(DEVICES).toContain(device);
/** ONNX Runtime on that device; on the CPU our own machine code too, in every set of instructions that the processor has. */
const engines: readonly { readonly kernels: string; readonly engine: Engine }[] = [
  { kernels: "onnxruntime", engine: createOnnxEngine(1, device) },
  ...(device === "cpu" ? instructionSets() : []).map((set) => ({ kernels: set.name, engine: createNativeEngine(set) })),
];
const seen = new Set<string>();

function sourcesOf({ inputs, tables = [] }: OpCase): readonly GraphNode[] {
  return inputs.filter((node) => node.type === "float32" && !tables.includes(nameOfInput(node)));
}

function valuesOf({ inputs, range }: OpCase, seed: number): Record<string, Float64Array> {
  return randomValues(inputs, seed, ...(range ?? [-1.5, 1.5]));
}

describe.each(OP_CASES)("$name", (opCase) => {
  const output = opCase.build(...opCase.inputs);

  it("differentiates as central differences do", () => {
    const values = valuesOf(opCase, 11);
    if (opCase.constantGradient) {
      const zero = gradients(weighedTotal(output, 7), sourcesOf(opCase));
      const named = graphOf(Object.fromEntries(zero.map((node, i) => [`g${i}`, node])));
      for (const value of Object.values(interpret(named, values))) expect(value.every((g) => g === 0)).toBe(true);
    } else expectGradients(output, sourcesOf(opCase), values, opCase.name);
  });

  it.each(engines)("gives on $kernels the values and gradients of the float64 interpreter", async (each) => {
    const { kernels, engine } = each;
    const sources = opCase.constantGradient ? [] : sourcesOf(opCase);
    const grads = gradients(weighedTotal(output, 7), sources);
    const graph = graphOf({
      value: output,
      ...Object.fromEntries(grads.map((g, i) => [`d_${nameOfInput(sources[i]!)}`, g])),
    });
    const exact = Object.fromEntries(
      Object.entries(valuesOf(opCase, 23)).map(([name, value]) => [name, Float64Array.from(value, Math.fround)]),
    );
    const wanted = interpret(graph, exact);
    const inputs: Record<string, TensorData> = Object.fromEntries(
      Object.entries(graph.inputs).map(([name, node]) => [
        name,
        node.type === "int32" ? Int32Array.from(exact[name]!) : Float32Array.from(exact[name]!),
      ]),
    );
    const outputs = Object.fromEntries(
      Object.entries(graph.outputs).map(([name, node]) => [name, new Float32Array(sizeOf(node.shape))]),
    );
    const program = await engine.compile(graph);
    await program.run(inputs, outputs);
    await program.dispose();
    for (const [name, value] of Object.entries(outputs)) expectClose(value, wanted[name]!, tolerances.engine32, name);
    seen.add(`${kernels} ${opCase.name}`);
  });
});

afterAll(() => {
  expect(seen.size).toBe(engines.length * OP_CASES.length);
});
