// Lowerings that differ on WebGPU, whose provider lacks a kernel or gets one wrong: no part of a graph may be left to the CPU.

import { sizeOf } from "../tensor/tensor.ts";
import type { Lowerings } from "./lower.ts";
import type { Lowering } from "./lowering.ts";
import { ONNX_TYPE } from "./onnx-proto.ts";

/** Found by running test/conformance with `SWARR_TEST_DEVICE=webgpu` on ONNX Runtime 1.30. */
export const WEBGPU_LOWERINGS: Lowerings = {
  // No FusedMatMul.
  matmul: (to, node, [a, b]) => {
    const { transA, transB, scale } = node.attributes;
    const rank = node.shape.length;
    const product = to.emit("MatMul", [
      transA === true ? swapLastAxes(to, a!, rank) : a!,
      transB === true ? swapLastAxes(to, b!, rank) : b!,
    ]);
    return scale === 1 ? product : to.emit("Mul", [product, to.fill([], scale as number)]);
  },
  // No LogSoftmax.
  logSoftmax: (to, _, [x]) => {
    const last = to.int64([-1]);
    const shifted = to.emit("Sub", [x!, to.emit("ReduceMax", [x!, last], { keepdims: 1 })]);
    const total = to.emit("ReduceSum", [to.emit("Exp", [shifted]), last], { keepdims: 1 });
    return to.emit("Sub", [shifted, to.emit("Log", [total])]);
  },
  // The norm's second output is not 1/rms there.
  rmsNorm: (to, node, inputs) =>
    to.emit("SimplifiedLayerNormalization", inputs, {
      axis: -1,
      epsilon: { float: node.attributes["epsilon"] as number },
    }),
  inverseRms: (to, node, [x]) => {
    const width = node.inputs[0]!.shape[1]!;
    const squares = to.emit("ReduceSumSquare", [x!, to.int64([1])], { keepdims: 1 });
    const mean = to.emit("Mul", [squares, to.fill([], 1 / width)]);
    const shifted = to.emit("Add", [mean, to.fill([], node.attributes["epsilon"] as number)]);
    return to.emit("Div", [to.fill([], 1), to.emit("Sqrt", [shifted])]);
  },
  // ArgMax gives int64, which nothing there turns into int32: the least index whose value is the largest.
  argmax: (to, node, [x]) => {
    const columns = node.inputs[0]!.shape.at(-1)!;
    const last = to.int64([-1]);
    const largest = to.emit("Equal", [x!, to.emit("ReduceMax", [x!, last], { keepdims: 1 })]);
    const indices = to.constant({
      type: "float32",
      shape: [columns],
      data: Float32Array.from({ length: columns }, (_, i) => i),
    });
    const candidates = to.emit("Where", [largest, indices, to.fill([], columns)]);
    const least = to.emit("ReduceMin", [candidates, last], { keepdims: 0 });
    return to.emit("Cast", [least], { to: ONNX_TYPE.int32 });
  },
  // An int64 cannot be reshaped there, so the shape comes first.
  scatterAddRows: (to, node, [base, ids, rows]) => {
    const column = to.reshape(ids!, [sizeOf(node.inputs[1]!.shape), 1]);
    const index = to.emit("Cast", [column], { to: ONNX_TYPE.int64 });
    return to.emit("ScatterND", [base!, index, rows!], { reduction: "add" });
  },
};

function swapLastAxes(to: Lowering, x: string, rank: number): string {
  const order = Array.from({ length: rank }, (_, axis) => axis);
  [order[rank - 2], order[rank - 1]] = [rank - 1, rank - 2];
  return to.emit("Transpose", [x], { perm: order });
}
