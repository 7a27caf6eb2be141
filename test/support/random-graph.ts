// Seeded random graphs of every op, with the values of their inputs: small, tame in float32, and shared in odd ways.

import { randomStream, type RandomStream } from "../../src/base/seeds.ts";
import { filled, input, nameOfInput, scalar, type Graph, type GraphNode } from "../../src/graph/node.ts";
import { graphOf } from "../../src/graph/check.ts";
import { gemm, matmul } from "../../src/graph/ops/contract.ts";
import { inverseRmsOf, rmsNorm, rotate } from "../../src/graph/ops/decoder.ts";
import * as elementwise from "../../src/graph/ops/elementwise.ts";
import { addAt, gatherRows, pick, scatterAddRows } from "../../src/graph/ops/index.ts";
import { concat, pad, reshape, slice, transpose } from "../../src/graph/ops/move.ts";
import { broadcastTo, sum, total } from "../../src/graph/ops/reduce.ts";
import { argmax, countAbove, cumulativeSum, logSoftmax, mean, softmax } from "../../src/graph/ops/rowwise.ts";
import { sizeOf, type Shape, type TensorData } from "../../src/tensor/tensor.ts";

export interface RandomGraph {
  readonly graph: Graph;
  readonly values: Readonly<Record<string, Float64Array>>;
}

/** Larger values than this, and comparisons closer than CLEAR, would tell float32 from float64 without any fault. */
const LARGEST = 12;
const CLEAR = 1e-3;
const MOST_ELEMENTS = 600;
const SHAPES: readonly Shape[] = [
  [],
  [5],
  [4, 4],
  [3, 5],
  [2, 3, 4],
  [4, 1],
  [1, 5],
  [2, 17],
  [35],
  [3, 68],
  [1, 4, 16],
];

const { add, cast, div, exp, greater, log, maximum, minimum, mul, neg, sigmoid, silu, sqrt, stopGradient, sub } =
  elementwise;

/** A graph of about `steps` nodes beyond its inputs. */
export function randomGraph(seed: number, steps = 24): RandomGraph {
  const growing = new Growing(randomStream({ root: seed, purpose: "random-graph" }));
  for (let tries = 0; growing.made < steps && tries < 8 * steps; tries++) growing.grow();
  return growing.finish();
}

class Growing {
  made = 0;
  readonly #stream: RandomStream;
  readonly #known = new Map<GraphNode, Float64Array>();
  /** float32 nodes that may be read, old ones too */
  readonly #pool: GraphNode[] = [];
  #inputs = 0;

  constructor(stream: RandomStream) {
    this.#stream = stream;
    for (let i = 0; i < 4; i++) this.#input(this.#pick(SHAPES));
  }

  grow(): void {
    // Late nodes are read more often: graphs grow deep as well as wide.
    const late = this.#pool.slice(-6);
    const node = this.#pick(this.#makers())(this.#pick(this.#chance(0.6) ? late : this.#pool));
    if (node === null || this.#known.has(node) || !this.#isTame(node)) return;
    this.made++;
    this.#pool.push(node);
  }

  finish(): RandomGraph {
    const names = ["a", "b", "c", "d"].slice(0, 1 + this.#stream.integer(4));
    const outputs = names.map((name) => [name, this.#pick(this.#pool.slice(4))] as const);
    const graph = graphOf({ ...Object.fromEntries(outputs), last: this.#pool.at(-1)! });
    const values = Object.entries(graph.inputs).map(([name, node]) => [name, this.#known.get(node)!] as const);
    return { graph, values: Object.fromEntries(values) };
  }

  #chance(share: number): boolean {
    return this.#stream.uniform() < share;
  }

  #pick<Item>(items: readonly Item[]): Item {
    return items[this.#stream.integer(items.length)]!;
  }

  #input(shape: Shape): GraphNode {
    const node = input(`in${this.#inputs++}`, shape);
    this.#known.set(
      node,
      Float64Array.from({ length: sizeOf(shape) }, () => Math.fround(this.#stream.normal())),
    );
    this.#pool.push(node);
    return node;
  }

  /** Indices below `limit`. */
  #ids(shape: Shape, limit: number): GraphNode {
    const node = input(`ids${this.#inputs++}`, shape, "int32");
    this.#known.set(
      node,
      Float64Array.from({ length: sizeOf(shape) }, () => this.#stream.integer(limit)),
    );
    return node;
  }

  /** A node that is there already, if one fits; else a new input of that shape. */
  #existing(shape: Shape): GraphNode {
    const same = this.#pool.filter((node) => node.shape.join() === shape.join());
    return same.length > 0 && this.#chance(0.8) ? this.#pick(same) : this.#input(shape);
  }

  /** What stretches to the shape of `x`, or what `x` stretches to. */
  #partner(x: GraphNode): GraphNode {
    const fits = ({ shape }: GraphNode): boolean => {
      const [long, short] = shape.length > x.shape.length ? [shape, x.shape] : [x.shape, shape];
      const lead = long.length - short.length;
      return short.every((size, i) => size === long[lead + i] || size === 1 || long[lead + i] === 1);
    };
    const choices = this.#pool.filter(fits);
    return this.#chance(0.15) ? scalar(this.#pick([-0.5, 0.25, 2])) : this.#pick(choices);
  }

  /** Computes the node's value; whether float32 will give nearly the same. */
  #isTame(node: GraphNode): boolean {
    if (sizeOf(node.shape) > MOST_ELEMENTS) return false;
    const value = this.#valueOf(node);
    return value?.every((x) => Math.abs(x) <= LARGEST) === true;
  }

  #valueOf(node: GraphNode): Float64Array | null {
    const known = this.#known.get(node);
    if (known !== undefined) return known;
    const inputs = node.inputs.map((each) => this.#valueOf(each));
    if (inputs.some((each) => each === null)) return null;
    const given = inputs as readonly Float64Array[];
    if (node.op.name === "greater" && !this.#isClear(sub(...(node.inputs as [GraphNode, GraphNode])))) return null;
    if (node.op.name === "argmax" && !hasClearMaximum(given[0]!, node.inputs[0]!.shape.at(-1)!)) return null;
    const value = node.op.value(given, node);
    this.#known.set(node, value);
    return value;
  }

  #isClear(difference: GraphNode): boolean {
    return this.#valueOf(difference)?.every((x) => Math.abs(x) > CLEAR) === true;
  }

  #makers(): readonly ((x: GraphNode) => GraphNode | null)[] {
    return [...this.#elementwise(), ...this.#elementwise(), ...this.#moves(), ...this.#rows(), ...this.#matrices()];
  }

  #elementwise(): readonly ((x: GraphNode) => GraphNode | null)[] {
    const binary = [add, add, sub, mul, mul, maximum, minimum, greater];
    return [
      (x) => this.#pick(binary)(x, this.#partner(x)),
      (x) => this.#pick(binary)(this.#partner(x), x),
      (x) => div(x, maximum(this.#partner(x), scalar(0.5))),
      (x) => this.#pick([neg, sigmoid, silu])(x),
      (x) => this.#pick([exp(minimum(x, scalar(1))), log(maximum(x, scalar(0.5))), sqrt(maximum(x, scalar(0.3)))]),
      (x) => this.#pick([stopGradient(x), elementwise.withGradient(x, [this.#pick(this.#pool)], () => [null])]),
      (x) => mul(x, filled(x.shape, 0.5)),
    ];
  }

  #moves(): readonly ((x: GraphNode) => GraphNode | null)[] {
    return [
      (x) => reshape(x, this.#pick([[sizeOf(x.shape)], [1, ...x.shape], [...x.shape, 1], [...x.shape].reverse()])),
      (x) =>
        transpose(
          x,
          this.#pick([[...x.shape.keys()].reverse(), [...x.shape.keys()].sort(() => this.#stream.uniform() - 0.5)]),
        ),
      (x) =>
        broadcastTo(x, [this.#pick([1, 2, 3]), ...x.shape.map((size) => (size === 1 ? this.#pick([1, 3]) : size))]),
      (x) => this.#sliced(x),
      (x) => this.#sliced(x),
      (x) => (x.shape.length === 0 ? null : pad(x, this.#axis(x), this.#stream.integer(3), this.#stream.integer(3))),
      (x) => (x.shape.length === 0 ? null : concat([x, this.#existing(x.shape), x], this.#axis(x))),
      (x) => (x.shape.length === 0 ? null : sum(x, [this.#axis(x)])),
      (x) =>
        x.shape.length < 3
          ? total(x)
          : sum(
              x,
              this.#pick([
                [0, 1],
                [0, 2],
                [1, 2],
              ]),
            ),
    ];
  }

  #axis(x: GraphNode): number {
    return this.#stream.integer(x.shape.length);
  }

  #sliced(x: GraphNode): GraphNode | null {
    if (x.shape.length === 0) return null;
    const axis = this.#chance(0.6) ? 0 : this.#axis(x);
    const start = this.#stream.integer(x.shape[axis]!);
    return slice(x, axis, start, start + 1 + this.#stream.integer(x.shape[axis]! - start));
  }

  #rows(): readonly ((x: GraphNode) => GraphNode | null)[] {
    const ofRows = (make: (x: GraphNode) => GraphNode) => (x: GraphNode) => (x.shape.length === 0 ? null : make(x));
    return [
      ofRows((x) => this.#pick([softmax, logSoftmax, cumulativeSum])(x)),
      ofRows((x) => sum(x, [x.shape.length - 1])),
      ofRows((x) => cast(argmax(x), "float32")),
      ofRows((x) => countAbove(x, mean(x))),
      ofRows((x) => sub(x, mean(x))),
    ];
  }

  #matrices(): readonly ((x: GraphNode) => GraphNode | null)[] {
    const ofMatrix = (make: (x: GraphNode, rows: number, width: number) => GraphNode) => (x: GraphNode) =>
      x.shape.length === 2 ? make(x, x.shape[0]!, x.shape[1]!) : null;
    return [
      ofMatrix((x, _, width) => gemm(x, this.#existing([width, this.#pick([1, 1, 4, 5, width])]), {})),
      ofMatrix((x, rows) => gemm(x, this.#existing([this.#pick([1, 3, 20]), rows]), { transA: true, transB: true })),
      ofMatrix((x, rows, width) =>
        gemm(x, this.#existing([width, width]), {}, this.#pick([x, this.#existing([rows, width])])),
      ),
      ofMatrix((x, _, width) => add(x, gemm(x, this.#existing([width, width]), {}))),
      ofMatrix((x, rows, width) =>
        add(gemm(x, x, { transB: true }), gemm(this.#existing([rows, width]), x, { transB: true })),
      ),
      (x) => (x.shape.length < 3 ? null : matmul(x, x, { transB: true, scale: 0.3 })),
      ofMatrix((x, rows) => gatherRows(x, this.#ids(this.#pick([[3], [2, 2]]), rows))),
      ofMatrix((x, rows) => scatterAddRows(x, this.#ids([rows], rows), x)),
      ofMatrix((x, rows, width) => scatterAddRows(filled([7, width], this.#pick([0, 1])), this.#ids([rows], 7), x)),
      ofMatrix((x, rows, width) => pick(x, this.#ids([rows], width))),
      ofMatrix((x, rows, width) => addAt(x, this.#ids([rows], width), this.#existing([rows, 1]))),
      ofMatrix((x, _, width) => rmsNorm(x, this.#existing([width]), 0.1)),
      ofMatrix((x, _, width) => inverseRmsOf(rmsNorm(x, this.#existing([width]), 0.1))),
      ofMatrix((x, _, width) => {
        const norm = rmsNorm(x, this.#existing([width]), 0.1);
        return mul(norm, mul(inverseRmsOf(norm), inverseRmsOf(norm)));
      }),
      (x) => this.#rotated(x),
    ];
  }

  #rotated(x: GraphNode): GraphNode | null {
    const [batch, tokens, width] = x.shape;
    if (x.shape.length !== 3 || width! % 2 === 1) return null;
    const heads = width! % 4 === 0 ? 2 : 1;
    const half = width! / 2 / heads;
    const [cos, sin] = [this.#existing([6, half]), this.#existing([6, half])];
    return rotate(x, cos, this.#chance(0.5) ? neg(sin) : sin, this.#ids([batch!, tokens!], 6), heads);
  }
}

function hasClearMaximum(values: Float64Array, width: number): boolean {
  for (let start = 0; start < values.length; start += width) {
    const [first, second = -Infinity] = values
      .slice(start, start + width)
      .sort()
      .reverse();
    if (!(first! - second > CLEAR)) return false;
  }
  return true;
}

/** Arrays of the graph's own types that hold these values. */
export function arraysFor({ graph, values }: RandomGraph): Record<string, TensorData> {
  return Object.fromEntries(
    Object.values(graph.inputs).map((node) => [
      nameOfInput(node),
      node.type === "int32"
        ? Int32Array.from(values[nameOfInput(node)]!)
        : Float32Array.from(values[nameOfInput(node)]!),
    ]),
  );
}
