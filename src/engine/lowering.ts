// What the lowering of one op may use: names, constants, and the emission of ONNX nodes.

import { invariant } from "../base/invariant.ts";
import type { GraphNode } from "../graph/node.ts";
import { sizeOf, type Shape, type Tensor } from "../tensor/tensor.ts";
import { ONNX_TYPE, onnxAttribute, type OnnxNode, type OnnxTensor } from "./onnx-proto.ts";

export type OnnxAttributes = Readonly<Record<string, number | string | readonly number[] | { readonly float: number }>>;

/** Collects the ONNX nodes and constants of one graph. */
export class Lowering {
  readonly initializers: OnnxTensor[] = [];
  /** by-products by name, such as a norm's 1/rms */
  readonly byProducts = new Map<GraphNode, string>();
  readonly #nodes: OnnxNode[] = [];
  readonly #names = new Map<GraphNode, string>();
  /** the first output of every node */
  readonly #made = new Set<string>();
  /** output names by the names their producers gave */
  readonly #published = new Map<string, string>();
  readonly #constants = new Map<string, string>();
  #count = 0;

  setName(node: GraphNode, name: string): void {
    this.#names.set(node, name);
  }

  nameOf(node: GraphNode): string {
    const name = this.#names.get(node);
    invariant(name !== undefined, `${node.op.name} was lowered before its reader`);
    return name;
  }

  /** Emits one ONNX node with one output and returns the output's name. `com.microsoft` ops carry the prefix "ms:". */
  emit(opType: string, inputs: readonly string[], attributes: OnnxAttributes = {}): string {
    return this.emitMany(opType, inputs, 1, attributes)[0]!;
  }

  emitMany(opType: string, inputs: readonly string[], outputCount: number, attributes: OnnxAttributes = {}): string[] {
    const id = this.#count++;
    const output = Array.from({ length: outputCount }, (_, i) => `t${id}${i === 0 ? "" : `_${i}`}`);
    const [domain, type] = opType.startsWith("ms:") ? ["com.microsoft", opType.slice(3)] : ["", opType];
    const attribute = Object.entries(attributes).map(([name, value]) =>
      typeof value === "object" && "float" in value
        ? onnxAttribute(name, value.float, true)
        : onnxAttribute(name, value),
    );
    this.#nodes.push({ input: inputs, output, name: `n${id}`, opType: type, domain, attribute });
    this.#made.add(output[0]!);
    return output;
  }

  /** Emits a node without inputs or attributes whose output has a name of the caller's choice. */
  emitAs(name: string, opType: string): void {
    this.#nodes.push({ input: [], output: [name], name: `out_${name}`, opType, domain: "", attribute: [] });
  }

  /** A constant, shared by equal uses. */
  constant(tensor: Tensor): string {
    const { data, shape, type } = tensor;
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const key = data.length <= 64 ? `${type}[${shape.join()}]${Array.from(data as Float32Array).join()}` : undefined;
    const known = key === undefined ? undefined : this.#constants.get(key);
    if (known !== undefined) return known;
    const name = `c${this.initializers.length}`;
    this.initializers.push({ dims: shape, dataType: ONNX_TYPE[type], name, rawData: bytes });
    if (key !== undefined) this.#constants.set(key, name);
    return name;
  }

  /** A constant vector of int64, as shapes and axes are written. */
  int64(values: readonly number[]): string {
    return this.constant({ type: "int64", shape: [values.length], data: BigInt64Array.from(values.map(BigInt)) });
  }

  /** A constant of one repeated float32. */
  fill(shape: Shape, value: number): string {
    return this.constant({ type: "float32", shape, data: new Float32Array(sizeOf(shape)).fill(value) });
  }

  reshape(name: string, shape: Shape): string {
    return this.emit("Reshape", [name, this.int64(shape)]);
  }

  /** Gives the node's value an output name: by renaming where its producer made it for this node alone, else by a copy. */
  publish(node: GraphNode, name: string): void {
    const own = this.nameOf(node);
    if (this.#made.has(own) && !this.#published.has(own)) {
      this.#published.set(own, name);
      return;
    }
    const identity = { opType: "Identity", domain: "", attribute: [] };
    this.#nodes.push({ input: [own], output: [name], name: `out_${name}`, ...identity });
  }

  /** The ONNX nodes so far, under the names they were published by. */
  finished(): readonly OnnxNode[] {
    const named = (names: readonly string[]): string[] => names.map((each) => this.#published.get(each) ?? each);
    return this.#nodes.map((node) => ({ ...node, input: named(node.input), output: named(node.output) }));
  }

  /** The node's value as int64, cast once. */
  asInt64(node: GraphNode): string {
    const known = this.#int64s.get(node);
    if (known !== undefined) return known;
    const name = this.emit("Cast", [this.nameOf(node)], { to: ONNX_TYPE.int64 });
    this.#int64s.set(node, name);
    return name;
  }
  readonly #int64s = new Map<GraphNode, string>();
}
