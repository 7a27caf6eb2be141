// Graph → ONNX: one function an op.

import { invariant } from "../base/invariant.ts";
import { checkGraph } from "../graph/check.ts";
import { isInput, nameOfInput, nodesInOrder, type Graph, type GraphNode } from "../graph/node.ts";
import { sizeOf, type Shape, type Tensor } from "../tensor/tensor.ts";
import { Lowering } from "./lowering.ts";
import { encodeModel, ONNX_TYPE } from "./onnx-proto.ts";

type Lower = (to: Lowering, node: GraphNode, inputs: readonly string[]) => string;

/** How ops are spelled in ONNX, by name. */
export type Lowerings = Readonly<Record<string, Lower>>;

const same =
  (opType: string): Lower =>
  (to, _, inputs) =>
    to.emit(opType, inputs);

const alias: Lower = (_to, _node, [x]) => x!;

const isTrue = (node: GraphNode, key: string): number => (node.attributes[key] === true ? 1 : 0);

const LOWER: Lowerings = {
  constant: (to, node) => to.constant(node.attributes["tensor"] as Tensor),
  add: same("Add"),
  sub: same("Sub"),
  mul: same("Mul"),
  div: same("Div"),
  maximum: same("Max"),
  minimum: same("Min"),
  greater: (to, _, inputs) => to.emit("Cast", [to.emit("Greater", inputs)], { to: ONNX_TYPE.float32 }),
  neg: same("Neg"),
  exp: same("Exp"),
  log: same("Log"),
  sqrt: same("Sqrt"),
  sigmoid: same("Sigmoid"),
  silu: (to, _, inputs) => to.emit("ms:QuickGelu", inputs, { alpha: { float: 1 } }),
  stopGradient: alias,
  closedForm: alias,
  cast: (to, node, inputs) => to.emit("Cast", inputs, { to: ONNX_TYPE[node.type] }),
  reshape: (to, node, [x]) => to.reshape(x!, node.shape),
  transpose: (to, node, inputs) => to.emit("Transpose", inputs, { perm: node.attributes["order"] as Shape }),
  broadcast: (to, node, [x]) => to.emit("Expand", [x!, to.int64(node.shape)]),
  slice: (to, node, [x]) => {
    const { axis, start, end } = node.attributes;
    return to.emit("Slice", [x!, to.int64([Number(start)]), to.int64([Number(end)]), to.int64([Number(axis)])]);
  },
  pad: (to, node, [x]) => {
    const { axis, before, after } = node.attributes;
    const ends = [before, after].flatMap((count) => node.shape.map((_, i) => (i === axis ? Number(count) : 0)));
    return to.emit("Pad", [x!, to.int64(ends)]);
  },
  concat: (to, node, inputs) => to.emit("Concat", inputs, { axis: node.attributes["axis"] as number }),
  sum: lowerSum,
  softmax: (to, _, inputs) => to.emit("Softmax", inputs, { axis: -1 }),
  logSoftmax: (to, _, inputs) => to.emit("LogSoftmax", inputs, { axis: -1 }),
  cumulativeSum: (to, node, [x]) =>
    to.emit("CumSum", [x!, to.constant({ type: "int32", shape: [], data: Int32Array.of(node.shape.length - 1) })]),
  argmax: (to, _, inputs) =>
    to.emit("Cast", [to.emit("ArgMax", inputs, { axis: -1, keepdims: 0 })], { to: ONNX_TYPE.int32 }),
  gemm: (to, node, inputs) =>
    to.emit("Gemm", inputs, { transA: isTrue(node, "transA"), transB: isTrue(node, "transB") }),
  matmul: (to, node, inputs) =>
    to.emit("ms:FusedMatMul", inputs, {
      transA: isTrue(node, "transA"),
      transB: isTrue(node, "transB"),
      alpha: { float: node.attributes["scale"] as number },
    }),
  gatherRows: (to, _, inputs) => to.emit("Gather", inputs, { axis: 0 }),
  scatterAddRows: (to, node, [base, , rows]) => {
    const ids = node.inputs[1]!;
    const index = to.reshape(to.asInt64(ids), [sizeOf(ids.shape), 1]);
    return to.emit("ScatterND", [base!, index, rows!], { reduction: "add" });
  },
  pick: (to, node, [x, ids]) => to.emit("GatherElements", [x!, to.reshape(ids!, node.shape)], { axis: 1 }),
  addAt: (to, node, [base, ids, values]) =>
    to.emit("ScatterElements", [base!, to.reshape(ids!, node.inputs[2]!.shape), values!], {
      axis: 1,
      reduction: "add",
    }),
  rmsNorm: (to, node, inputs) => {
    const epsilon = { float: node.attributes["epsilon"] as number };
    const [y, inverseRms] = to.emitMany("SimplifiedLayerNormalization", inputs, 2, { axis: -1, epsilon });
    to.byProducts.set(node, inverseRms!);
    return y!;
  },
  inverseRms: (to, node) => {
    const name = to.byProducts.get(node.inputs[1]!);
    invariant(name !== undefined, "the norm was lowered before its by-product is read");
    return name;
  },
  rotate: (to, node, [x, cos, sin]) =>
    to.emit("ms:RotaryEmbedding", [x!, to.asInt64(node.inputs[3]!), cos!, sin!], {
      num_heads: node.attributes["heads"] as number,
    }),
};

/** Leading axes are summed by a product with ones, which is a blocked kernel; others by the reduction. */
function lowerSum(to: Lowering, node: GraphNode, [x]: readonly string[]): string {
  const { shape } = node.inputs[0]!;
  const axes = node.attributes["axes"] as readonly number[];
  const leading = axes.every((axis, i) => axis === i) && axes.length < shape.length;
  if (!leading) return to.emit("ReduceSum", [x!, to.int64(axes)], { keepdims: 1 });
  const rows = sizeOf(shape.slice(0, axes.length));
  const matrix = to.reshape(x!, [rows, sizeOf(shape.slice(axes.length))]);
  return to.reshape(to.emit("Gemm", [to.fill([1, rows], 1), matrix]), node.shape);
}

export interface LowerOptions {
  /** of a device that needs its own */
  readonly lowerings?: Lowerings;
  /** puts an empty sequence of this name before the outputs */
  readonly sequenceFirst?: string | undefined;
}

/** The model bytes that compute the graph's outputs from its inputs. */
export function lowerGraph(graph: Graph, { lowerings = {}, sequenceFirst }: LowerOptions = {}): Uint8Array {
  checkGraph(graph);
  const to = new Lowering();
  if (sequenceFirst !== undefined) to.emitAs(sequenceFirst, "SequenceEmpty");
  for (const node of nodesInOrder(Object.values(graph.outputs))) {
    if (isInput(node)) {
      to.setName(node, nameOfInput(node));
      continue;
    }
    const lower = lowerings[node.op.name] ?? LOWER[node.op.name];
    invariant(lower !== undefined, `there is a lowering of ${node.op.name}`);
    to.setName(
      node,
      lower(
        to,
        node,
        node.inputs.map((child) => to.nameOf(child)),
      ),
    );
  }
  const value = (name: string, node: GraphNode): { name: string; elementType: number; shape: Shape } => ({
    name,
    elementType: ONNX_TYPE[node.type],
    shape: node.shape,
  });
  const outputs = Object.entries(graph.outputs).map(([name, node]) => {
    to.publish(node, name);
    return value(name, node);
  });
  return encodeModel({
    nodes: to.finished(),
    initializers: to.initializers,
    inputs: Object.entries(graph.inputs).map(([name, node]) => value(name, node)),
    outputs,
    sequenceOutputs: sequenceFirst === undefined ? [] : [sequenceFirst],
  });
}
