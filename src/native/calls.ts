// Which kernels compute a unit, with what they read and write.

import { invariant } from "../base/invariant.ts";
import { filled, isConstant, isInput, scalar, type GraphNode } from "../graph/node.ts";
import { broadcastStrides, stridesOf } from "../tensor/shape.ts";
import { sizeOf, type Shape } from "../tensor/tensor.ts";
import { PANEL } from "./amx-layout.ts";
import { R8, R9, RCX, RDI, RDX, RSI, type Assembler, type Gpr, type Label } from "./assembler.ts";
import { emitFill, emitStridedCopy } from "./copy.ts";
import { emitBatchedGemm, emitGemm, gemmScratch } from "./gemm.ts";
import type { GemmShape, Products } from "./gemm-shape.ts";
import { emitAddAt, emitConvert, emitGatherRows, emitPick, emitRotate, emitScatterAddRows } from "./index-kernels.ts";
import type { InstructionSet } from "./instruction-set.ts";
import { keyOf, type Argument, type KernelCall, type UnitCalls } from "./kernel-call.ts";
import { loopCall } from "./loop-call.ts";
import { emitPointwise } from "./pointwise.ts";
import { emitArgmax, emitCumulativeSum, emitLogSoftmax, emitRmsNorm, emitSoftmax } from "./rowwise.ts";
import { hasHalves } from "./seven-products.ts";
import { uniformValue } from "./uniform.ts";
import { plainly, sourceOf, type Readers, type Unit } from "./units.ts";

const REGISTERS: readonly Gpr[] = [RDI, RSI, RDX, RCX, R8, R9];

const whole = (node: GraphNode): Argument => ({ node, offset: 0 });

export interface CallOptions {
  /** what the kernels are written in */
  readonly set: InstructionSet;
  /** of linear maps; plain when left out */
  readonly products?: Products;
  /** bytes of the second cache that products are fitted to, whose results stay the same; see GemmShape */
  readonly secondCache?: number | undefined;
}

/** The calls that compute a unit. */
export function callsOf(unit: Unit, readers: Readers, options: CallOptions): UnitCalls {
  if (unit.kind === "loop") return loopCall(unit, readers);
  const [node, second, ...more] = unit.nodes as [GraphNode, GraphNode?, ...GraphNode[]];
  const lower = CALLS[node.op.name];
  invariant(lower !== undefined, `there is a kernel of ${node.op.name}`);
  const { calls, takesOver = [] } = lower(node, { second, ...options });
  // A norm whose 1/rms two gradients ask for gives it to each.
  const again = more.map((same) => copy(whole(second!), whole(same), [sizeOf(same.shape)], [1], [1]));
  return { calls: [...calls, ...again], writes: unit.nodes, takesOver: new Map([[node, takesOver]]) };
}

interface Lowered {
  readonly calls: readonly KernelCall[];
  readonly takesOver?: readonly GraphNode[];
}

interface Around extends CallOptions {
  /** a node that the same kernel computes: the 1/rms of a norm */
  readonly second: GraphNode | undefined;
}

type Lower = (node: GraphNode, around: Around) => Lowered;

function call<Sizes>(
  name: string,
  emit: (to: Assembler, sizes: Sizes) => Label,
  sizes: Sizes,
  given: readonly Argument[],
  scratch = 0,
): KernelCall {
  return {
    key: keyOf(name, sizes),
    emit: (to) => emit(to, sizes),
    arguments: given,
    registers: REGISTERS.slice(0, given.length),
    scratch,
  };
}

/** Rows of the last axis. */
function rowsOf({ shape }: GraphNode): { readonly rows: number; readonly width: number } {
  const width = shape.at(-1) ?? 1;
  return { rows: sizeOf(shape) / width, width };
}

function rowwise(name: string, emit: (to: Assembler, sizes: { rows: number; width: number }) => Label): Lower {
  return (node) => {
    const x = node.inputs[0]!;
    return { calls: [call(name, emit, rowsOf(x), [whole(x), whole(node)])], takesOver: [x] };
  };
}

/** A copy between index spaces: `source` and `target` are strides by axis of `sizes`. */
function copy(from: Argument, to: Argument, sizes: Shape, source: Shape, target: Shape): KernelCall {
  return call("copy", emitStridedCopy, { sizes, sourceStrides: source, targetStrides: target }, [from, to]);
}

function fill(node: GraphNode, value: number): KernelCall {
  return call("fill", emitFill, { count: sizeOf(node.shape), value }, [whole(node)]);
}

function gemmShape(node: GraphNode, { secondCache }: CallOptions): GemmShape {
  const { transA, transB, scale } = node.attributes;
  const [rows, columns] = node.inputs[0]!.shape.slice(-2) as [number, number];
  const [m, n] = node.shape.slice(-2) as [number, number];
  return {
    m,
    n,
    k: transA === true ? rows : columns,
    transA: transA === true,
    transB: transB === true,
    adds: node.op.name === "gemm" && node.inputs.length === 3,
    scale: (scale as number | undefined) ?? 1,
    secondCache,
  };
}

/** Whether a node's elements are there before the program runs; a loop need not keep what its own nodes alone read. */
function isGiven(node: GraphNode): boolean {
  const source = sourceOf(node);
  return isInput(source) || isConstant(source);
}

/** What is added to: the base where it is an array, else the result itself, filled before. */
function onBase(node: GraphNode, added: (base: Argument) => KernelCall): Lowered {
  const base = node.inputs[0]!;
  const value = uniformValue(base);
  if (value !== undefined) return { calls: [fill(node, value), added(whole(node))] };
  return { calls: [added(whole(base))], takesOver: [base] };
}

/** A panel of tiles: with fewer rows plain products are quicker (docs/log.md, 2026-11-30). */
const FEWEST_ROWS_SPLIT = PANEL;

/** How a linear map is multiplied. One with a single row is a sum over rows, as a norm's gradient: those are always plain. */
function linearMap(shape: GemmShape, { set, products }: Around): GemmShape {
  if (products === "plain" || shape.m === 1) return shape;
  const inTiles = set.name === "amx";
  if (products === "bfloat16") return inTiles ? { ...shape, amx: "rounded" } : { ...shape, bfloat16: true };
  if (inTiles && shape.m >= FEWEST_ROWS_SPLIT) return { ...shape, amx: "split" };
  return hasHalves(set, shape) ? { ...shape, seven: true } : shape;
}

const CALLS: Readonly<Record<string, Lower>> = {
  gemm: (node, around) => {
    const shape = linearMap(gemmShape(node, around), around);
    const [a, b, c] = node.inputs;
    const given = [whole(a!), whole(b!), whole(node), "scratch", c === undefined ? "none" : whole(c)] as const;
    return {
      calls: [call("gemm", emitGemm, shape, given, gemmScratch(around.set, shape))],
      takesOver: c === undefined ? [] : [c],
    };
  },
  matmul: (node, around) => {
    const shape = gemmShape(node, around);
    const batches = sizeOf(node.shape.slice(0, -2));
    const emit = (to: Assembler, each: GemmShape & { readonly batches: number }): Label =>
      emitBatchedGemm(to, each, each.batches);
    const given = [whole(node.inputs[0]!), whole(node.inputs[1]!), whole(node), "scratch"] as const;
    return { calls: [call("matmul", emit, { ...shape, batches }, given, gemmScratch(around.set, shape))] };
  },
  softmax: rowwise("softmax", emitSoftmax),
  logSoftmax: rowwise("logSoftmax", emitLogSoftmax),
  cumulativeSum: rowwise("cumulativeSum", emitCumulativeSum),
  argmax: (node) => {
    const x = node.inputs[0]!;
    return { calls: [call("argmax", emitArgmax, rowsOf(x), [whole(x), whole(node)])] };
  },
  rmsNorm: (node, { second: inverse }) => {
    const { rows, width } = rowsOf(node);
    const epsilon = node.attributes["epsilon"] as number;
    const given = [...node.inputs.map(whole), whole(node), inverse === undefined ? "scratch" : whole(inverse)] as const;
    return { calls: [call("rmsNorm", emitRmsNorm, { rows, width, epsilon }, given, rows)] };
  },
  rotate: (node) => {
    const [x, cos, sin, positions] = node.inputs as [GraphNode, GraphNode, GraphNode, GraphNode];
    const [batch, tokens] = x.shape as [number, number];
    const [tablePositions, half] = cos.shape as [number, number];
    const sizes = { batch, tokens, heads: node.attributes["heads"] as number, half, tablePositions };
    // A gradient rotates by -sin of a table that is given: the kernel turns the other way by itself.
    const inverse = plainly(sin).op.name === "neg" && isGiven(plainly(sin).inputs[0]!);
    const table = inverse ? plainly(sin).inputs[0]! : sin;
    const given = [x, cos, table, positions, node].map(whole);
    return { calls: [call("rotate", emitRotate, { ...sizes, inverse }, given)], takesOver: [x] };
  },
  gatherRows: (node) => {
    const [table, ids] = node.inputs;
    const sizes = { count: sizeOf(ids!.shape), width: table!.shape[1]! };
    return { calls: [call("gatherRows", emitGatherRows, sizes, [whole(table!), whole(ids!), whole(node)])] };
  },
  scatterAddRows: (node) => {
    const [, ids, rows] = node.inputs;
    const sizes = { tableSize: sizeOf(node.shape), count: sizeOf(ids!.shape), width: node.shape[1]! };
    return onBase(node, (base) =>
      call("scatterAddRows", emitScatterAddRows, sizes, [base, whole(ids!), whole(rows!), whole(node)]),
    );
  },
  pick: (node) => {
    const [x, ids] = node.inputs;
    return { calls: [call("pick", emitPick, rowsOf(x!), [whole(x!), whole(ids!), whole(node)])] };
  },
  addAt: (node) => {
    const [, ids, values] = node.inputs;
    return onBase(node, (base) =>
      call("addAt", emitAddAt, rowsOf(node), [base, whole(ids!), whole(values!), whole(node)]),
    );
  },
  cast: (node) => {
    const x = node.inputs[0]!;
    const { type: from } = x;
    const { type: to } = node;
    invariant((from === "int32" || from === "float32") && (to === "int32" || to === "float32"), `${from} to ${to}`);
    const sizes = { count: sizeOf(node.shape), from, to } as const;
    return { calls: [call("convert", emitConvert, sizes, [whole(x), whole(node)])] };
  },
  transpose: (node) => {
    const x = node.inputs[0]!;
    const strides = stridesOf(x.shape);
    const order = node.attributes["order"] as Shape;
    const source = order.map((axis) => strides[axis]!);
    return { calls: [copy(whole(x), whole(node), node.shape, source, stridesOf(node.shape))] };
  },
  broadcast: (node) => {
    const x = node.inputs[0]!;
    const source = broadcastStrides(x.shape, node.shape);
    return { calls: [copy(whole(x), whole(node), node.shape, source, stridesOf(node.shape))] };
  },
  slice: (node) => {
    const x = node.inputs[0]!;
    const strides = stridesOf(x.shape);
    const offset = Number(node.attributes["start"]) * strides[node.attributes["axis"] as number]!;
    return { calls: [copy({ node: x, offset }, whole(node), node.shape, strides, stridesOf(node.shape))] };
  },
  pad: (node) => {
    const x = node.inputs[0]!;
    const axis = node.attributes["axis"] as number;
    const strides = stridesOf(node.shape);
    const before = Number(node.attributes["before"]);
    const after = node.shape[axis]! - before - x.shape[axis]!;
    const zeros = [
      { offset: 0, count: before },
      { offset: node.shape[axis]! - after, count: after },
    ].filter(({ count }) => count > 0);
    const target = { node, offset: before * strides[axis]! };
    return {
      calls: [
        ...zeros.map(({ offset, count }) => zeroSlab(node, axis, offset, count)),
        copy(whole(x), target, x.shape, stridesOf(x.shape), strides),
      ],
    };
  },
  concat: (node) => {
    const axis = node.attributes["axis"] as number;
    const strides = stridesOf(node.shape);
    let start = 0;
    const calls = node.inputs.map((x) => {
      const target = { node, offset: start * strides[axis]! };
      start += x.shape[axis]!;
      return copy(whole(x), target, x.shape, stridesOf(x.shape), strides);
    });
    return { calls };
  },
  sum: (node, { set }) => ({ calls: sumCalls(node, set) }),
};

const ZERO = scalar(0);

/** Zeros in the indices `offset` to `offset + count` of one axis. */
function zeroSlab(node: GraphNode, axis: number, offset: number, count: number): KernelCall {
  const strides = stridesOf(node.shape);
  const sizes = node.shape.map((size, i) => (i === axis ? count : size));
  const none = node.shape.map(() => 0);
  return copy(whole(ZERO), { node, offset: offset * strides[axis]! }, sizes, none, strides);
}

/** Sums over any axes but the last alone, which is a loop: over leading axes as a product with ones, else after a copy that puts the summed axes last. */
function sumCalls(node: GraphNode, set: InstructionSet): readonly KernelCall[] {
  const x = node.inputs[0]!;
  const axes = node.attributes["axes"] as readonly number[];
  const summed = axes.reduce((product, axis) => product * x.shape[axis]!, 1);
  const n = sizeOf(node.shape);
  if (axes.every((axis, i) => axis === i)) {
    const shape = { m: 1, n, k: summed, transA: false, transB: false, adds: false, scale: 1 };
    const given = [whole(filled([1, summed], 1)), whole(x), whole(node), "scratch"] as const;
    return [call("gemm", emitGemm, shape, given, gemmScratch(set, shape))];
  }
  const order = [...x.shape.keys()].sort((a, b) => Number(axes.includes(a)) - Number(axes.includes(b)) || a - b);
  const strides = stridesOf(x.shape);
  const sizes = order.map((axis) => x.shape[axis]!);
  const moved = copy(
    whole(x),
    "scratch",
    sizes,
    order.map((axis) => strides[axis]!),
    stridesOf(sizes),
  );
  const rows = {
    sizes: [n, summed],
    strides: [[summed, 1]],
    operations: [{ op: "sum", operands: [{ kind: "array", array: 0 }] }],
    kept: [0],
  } as const;
  return [{ ...moved, scratch: n * summed }, call("loop", emitPointwise, rows, ["scratch", whole(node)])];
}
