// ONNX model bytes: the part of the ONNX message schema that lowered graphs use, encoded by protobufjs.

import protobuf from "protobufjs/light.js";

/** Field numbers and types as in the public onnx.proto (IR version 10). */
const SCHEMA = {
  nested: {
    AttributeProto: message({
      name: ["string", 1],
      f: ["float", 2],
      i: ["int64", 3],
      s: ["bytes", 4],
      floats: ["float", 7, "repeated"],
      ints: ["int64", 8, "repeated"],
      type: ["int32", 20],
    }),
    NodeProto: message({
      input: ["string", 1, "repeated"],
      output: ["string", 2, "repeated"],
      name: ["string", 3],
      opType: ["string", 4],
      attribute: ["AttributeProto", 5, "repeated"],
      domain: ["string", 7],
    }),
    TensorProto: message({
      dims: ["int64", 1, "repeated"],
      dataType: ["int32", 2],
      name: ["string", 8],
      rawData: ["bytes", 9],
    }),
    Dimension: message({ dimValue: ["int64", 1] }),
    TensorShapeProto: message({ dim: ["Dimension", 1, "repeated"] }),
    TensorTypeProto: message({ elemType: ["int32", 1], shape: ["TensorShapeProto", 2] }),
    SequenceTypeProto: message({ elemType: ["TypeProto", 1] }),
    TypeProto: message({ tensorType: ["TensorTypeProto", 1], sequenceType: ["SequenceTypeProto", 4] }),
    ValueInfoProto: message({ name: ["string", 1], type: ["TypeProto", 2] }),
    GraphProto: message({
      node: ["NodeProto", 1, "repeated"],
      name: ["string", 2],
      initializer: ["TensorProto", 5, "repeated"],
      input: ["ValueInfoProto", 11, "repeated"],
      output: ["ValueInfoProto", 12, "repeated"],
    }),
    OperatorSetIdProto: message({ domain: ["string", 1], version: ["int64", 2] }),
    ModelProto: message({
      irVersion: ["int64", 1],
      producerName: ["string", 2],
      graph: ["GraphProto", 7],
      opsetImport: ["OperatorSetIdProto", 8, "repeated"],
    }),
  },
};

type FieldRow = readonly [type: string, id: number, rule?: "repeated"];

function message(fields: Record<string, FieldRow>): {
  fields: Record<string, { type: string; id: number; rule?: string }>;
} {
  const entries = Object.entries(fields).map(([name, [type, id, rule]]) => [
    name,
    rule === undefined ? { type, id } : { type, id, rule },
  ]);
  return { fields: Object.fromEntries(entries) as Record<string, { type: string; id: number; rule?: string }> };
}

const modelType = protobuf.Root.fromJSON(SCHEMA).lookupType("ModelProto");

/** TensorProto.DataType of the element types graphs use. */
export const ONNX_TYPE = { float32: 1, float64: 11, int64: 7, int32: 6, bool: 9 } as const;

/** AttributeProto.AttributeType of the kinds lowered nodes use. */
const ATTRIBUTE_TYPE = { f: 1, i: 2, s: 3, floats: 6, ints: 7 } as const;

export interface OnnxAttribute {
  readonly name: string;
  readonly type: number;
  readonly f?: number;
  readonly i?: number;
  readonly s?: Uint8Array;
  readonly ints?: readonly number[];
}

export interface OnnxNode {
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly name: string;
  readonly opType: string;
  readonly domain: string;
  readonly attribute: readonly OnnxAttribute[];
}

export interface OnnxTensor {
  readonly dims: readonly number[];
  readonly dataType: number;
  readonly name: string;
  readonly rawData: Uint8Array;
}

export interface OnnxValue {
  readonly name: string;
  readonly elementType: number;
  readonly shape: readonly number[];
}

export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  /** names of outputs that are sequences of float32 tensors; they come before the others */
  readonly sequenceOutputs: readonly string[];
}

/** One attribute; whole numbers become `i` unless `float` is asked for. */
export function onnxAttribute(name: string, value: number | string | readonly number[], float = false): OnnxAttribute {
  if (typeof value === "string") return { name, type: ATTRIBUTE_TYPE.s, s: new TextEncoder().encode(value) };
  if (typeof value !== "number") return { name, type: ATTRIBUTE_TYPE.ints, ints: value };
  return float ? { name, type: ATTRIBUTE_TYPE.f, f: value } : { name, type: ATTRIBUTE_TYPE.i, i: value };
}

/** Model bytes. Opset 21: later ones lack CPU kernels that lowered graphs need. */
export function encodeModel(graph: OnnxGraph): Uint8Array {
  const valueInfo = ({ name, elementType, shape }: OnnxValue): object => ({
    name,
    type: { tensorType: { elemType: elementType, shape: { dim: shape.map((dimValue) => ({ dimValue })) } } },
  });
  const sequenceInfo = (name: string): object => ({
    name,
    type: { sequenceType: { elemType: { tensorType: { elemType: ONNX_TYPE.float32 } } } },
  });
  return modelType
    .encode({
      irVersion: 10,
      producerName: "swarr",
      opsetImport: [
        { domain: "", version: 21 },
        { domain: "com.microsoft", version: 1 },
      ],
      graph: {
        name: "swarr",
        node: graph.nodes,
        initializer: graph.initializers,
        input: graph.inputs.map(valueInfo),
        output: [...graph.sequenceOutputs.map(sequenceInfo), ...graph.outputs.map(valueInfo)],
      },
    })
    .finish();
}
