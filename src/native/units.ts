// What is computed together: elementwise nodes of one shape and the row sums of them become one loop, the rest stays alone.

import { isConstant, isInput, nodesInOrder, type GraphNode } from "../graph/node.ts";
import { sameShape } from "../tensor/shape.ts";
import { sizeOf, type Shape } from "../tensor/tensor.ts";
import { POINTWISE_OPS } from "./pointwise-ops.ts";
import { POINTWISE_ARGUMENTS } from "./pointwise.ts";
import { uniformValue } from "./uniform.ts";

/** Nodes computed by one kernel. */
export interface Unit {
  readonly kind: "loop" | "single";
  /** of a loop: the shape it runs over */
  readonly shape: Shape;
  /** in the order of the graph; a norm with its 1/rms */
  readonly nodes: readonly GraphNode[];
}

/** The node itself, or what it stands for with the same elements in the same shape. */
export function plainly(node: GraphNode): GraphNode {
  const { name } = node.op;
  return name === "closedForm" || name === "stopGradient" ? plainly(node.inputs[0]!) : node;
}

/** Where a node's elements lie: in the memory of `source`, from element `offset` on. Views have no memory of their own. */
export interface Place {
  readonly source: GraphNode;
  readonly offset: number;
}

export function placeOf(node: GraphNode): Place {
  const { name } = node.op;
  const input = node.inputs[0];
  if (name === "reshape" || name === "closedForm" || name === "stopGradient") return placeOf(input!);
  if (name !== "slice") return { source: node, offset: 0 };
  const axis = node.attributes["axis"] as number;
  if (node.shape.slice(0, axis).some((size) => size > 1)) return { source: node, offset: 0 };
  const { source, offset } = placeOf(input!);
  return { source, offset: offset + Number(node.attributes["start"]) * sizeOf(node.shape.slice(axis + 1)) };
}

/** The node whose memory holds this node's elements. */
export function sourceOf(node: GraphNode): GraphNode {
  return placeOf(node).source;
}

/** A product with one column, which is a sum over the rows of elementwise products. */
export function isRowProduct({ op, attributes, inputs, shape }: GraphNode): boolean {
  return op.name === "gemm" && shape[1] === 1 && inputs.length === 2 && attributes["transA"] !== true;
}

function isRowSum(node: GraphNode): boolean {
  if (node.op.name !== "sum") return false;
  const axes = node.attributes["axes"] as readonly number[];
  return axes.length === 1 && axes[0] === node.shape.length - 1;
}

/** The shape a node's loop runs over; null where it is no part of a loop. */
function loopShape(node: GraphNode): Shape | null {
  if (node.type !== "float32") return null;
  if (POINTWISE_OPS.has(node.op.name)) return node.shape;
  return isRowSum(node) || isRowProduct(node) ? node.inputs[0]!.shape : null;
}

/** Whether a node gives one number a row of its loop. */
export function isReduction(node: GraphNode): boolean {
  return isRowSum(node) || isRowProduct(node);
}

/** Whether a node has to be computed at all, other than as another's view or as a number in the code. */
function isComputed(node: GraphNode): boolean {
  return !isInput(node) && !isConstant(node) && sourceOf(node) === node && uniformValue(node) === undefined;
}

/** What a unit may hold, so that arguments suffice and few values need the stack. */
const MOST_NODES = 24;

interface Draft {
  readonly shape: Shape | null;
  readonly nodes: GraphNode[];
  /** drafts whose values these nodes read, and drafts that read theirs; may name merged ones */
  readonly needs: Set<Draft>;
  readonly neededBy: Set<Draft>;
  /** the highest position of its nodes, and of those of the drafts it needs, near or far */
  latest: number;
  mergedInto: Draft | null;
}

const current = (draft: Draft): Draft => (draft.mergedInto === null ? draft : current(draft.mergedInto));

/** Units in an order in which each comes after those it reads. */
export function unitsOf(outputs: readonly GraphNode[]): readonly Unit[] {
  const order = nodesInOrder(outputs).filter(isComputed);
  const position = new Map(order.map((node, i) => [node, i]));
  const drafts = new Map<GraphNode, Draft>();
  const readers = readersOf(order, outputs);
  for (const node of order) {
    const sources = node.inputs.map(sourceOf).filter((source) => drafts.has(source));
    if (node.op.name === "inverseRms") {
      const norm = drafts.get(plainly(node.inputs[1]!))!;
      norm.nodes.push(node);
      drafts.set(node, norm);
      continue;
    }
    const draft: Draft = {
      shape: loopShape(node),
      nodes: [node],
      needs: new Set(sources.map((source) => drafts.get(source)!)),
      neededBy: new Set(),
      latest: position.get(node)!,
      mergedInto: null,
    };
    for (const need of draft.needs) current(need).neededBy.add(draft);
    drafts.set(node, draft);
    if (draft.shape === null) continue;
    for (const source of node.inputs.map(plainly)) {
      // A loop sees a value only in the shape it was computed in.
      const other = drafts.get(source);
      if (other === undefined || isReduction(source)) continue;
      join(current(other), current(draft), readers, position);
    }
  }
  return inOrder([...new Set([...drafts.values()].map(current))], position).map(({ shape, nodes }) => ({
    kind: shape === null ? "single" : "loop",
    shape: shape ?? nodes[0]!.shape,
    nodes,
  }));
}

/** Who reads each node's memory; an output counts as read by null. */
export type Readers = ReadonlyMap<GraphNode, readonly (GraphNode | null)[]>;

export function readersOf(order: readonly GraphNode[], outputs: readonly GraphNode[]): Readers {
  const readers = new Map<GraphNode, (GraphNode | null)[]>();
  const add = (source: GraphNode, reader: GraphNode | null): void => {
    readers.set(source, [...(readers.get(source) ?? []), reader]);
  };
  for (const node of order) for (const input of new Set(node.inputs.map(sourceOf))) add(input, node);
  for (const output of outputs) add(sourceOf(output), null);
  return readers;
}

function join(first: Draft, second: Draft, readers: Readers, position: ReadonlyMap<GraphNode, number>): void {
  if (first === second || first.shape === null || second.shape === null) return;
  if (!sameShape(first.shape, second.shape)) return;
  const nodes = [...first.nodes, ...second.nodes].sort((a, b) => position.get(a)! - position.get(b)!);
  if (nodes.length > MOST_NODES || arraysOf(nodes, readers) > POINTWISE_ARGUMENTS.length) return;
  if (readsOwnOtherwise(nodes) || readsColumnOtherwise(nodes)) return;
  const both = new Set([first, second]);
  const reach = new Set<Draft>();
  const earliest = position.get(nodes[0]!)!;
  const dependsOnEither = (draft: Draft): boolean => {
    if (both.has(draft)) return true;
    if (draft.latest < earliest || reach.has(draft)) return false;
    reach.add(draft);
    return [...draft.needs].some((need) => dependsOnEither(current(need)));
  };
  for (const draft of both) {
    for (const need of draft.needs) {
      const other = current(need);
      if (!both.has(other) && dependsOnEither(other)) return;
    }
  }
  second.nodes.splice(0, second.nodes.length, ...nodes);
  for (const need of first.needs) second.needs.add(need);
  for (const reader of first.neededBy) second.neededBy.add(reader);
  first.mergedInto = second;
  for (const others of [second.needs, second.neededBy])
    for (const other of others) if (current(other) === second) others.delete(other);
  raise(second, Math.max(first.latest, second.latest));
}

/** Tells a draft and those that need it, near or far, of a node that late. */
function raise(draft: Draft, latest: number): void {
  draft.latest = latest;
  const open = [draft];
  for (let told = open.pop(); told !== undefined; told = open.pop()) {
    for (const reader of [...told.neededBy].map(current)) {
      if (reader.latest >= latest) continue;
      reader.latest = latest;
      open.push(reader);
    }
  }
}

/** Whether a loop reads values of its own that it has only later: its row sums, or its values in another shape. */
function readsOwnOtherwise(nodes: readonly GraphNode[]): boolean {
  const own = new Set(nodes);
  return nodes.some(({ inputs }) =>
    inputs.some((input) => own.has(sourceOf(input)) && (!own.has(plainly(input)) || isReduction(plainly(input)))),
  );
}

/** Whether the column of a row product, which runs along the rows, is also read down the rows as any [rows, 1]. */
function readsColumnOtherwise(nodes: readonly GraphNode[]): boolean {
  const columns = new Set(
    nodes
      .filter((node) => isRowProduct(node) && node.attributes["transB"] !== true)
      .map(({ inputs }) => plainly(inputs[1]!)),
  );
  return nodes.some((node) =>
    node.inputs.slice(0, isRowProduct(node) ? 1 : 3).some((input) => columns.has(plainly(input))),
  );
}

/** Arrays a loop of these nodes reads and writes. */
function arraysOf(nodes: readonly GraphNode[], readers: Readers): number {
  const own = new Set(nodes);
  return arraysRead(nodes).length + nodes.filter((node) => isKept(node, own, readers)).length;
}

/** What a loop of these nodes reads from memory, each once. */
export function arraysRead(nodes: readonly GraphNode[]): readonly GraphNode[] {
  const own = new Set(nodes);
  const read = nodes.flatMap(({ inputs }) => inputs.map(plainly));
  return [...new Set(read)].filter((input) => !own.has(input) && uniformValue(input) === undefined);
}

/** Whether a loop has to write a node's values: something outside of it reads them, or reads them in another shape. */
export function isKept(node: GraphNode, own: ReadonlySet<GraphNode>, readers: Readers): boolean {
  if (isReduction(node)) return true;
  // A source of a closed form that is read nowhere else has no reader.
  return (readers.get(node) ?? []).some(
    (reader) => reader === null || !own.has(reader) || !reader.inputs.some((input) => plainly(input) === node),
  );
}

/**
 * Drafts in an order in which each comes after those it needs: the draft that needs the most others and what it needs in the order of the
 * graph, and everything else as soon as what it needs is there, for it frees what it alone still reads. So a weight's gradient is
 * computed beside that of its input, and not at the end.
 */
function inOrder(drafts: readonly Draft[], position: ReadonlyMap<GraphNode, number>): readonly Draft[] {
  const last = (draft: Draft): number => position.get(draft.nodes.at(-1)!)!;
  const sorted = [...drafts].sort((a, b) => last(a) - last(b));
  const main = neediest(sorted);
  const ready = new Map<Draft, number>();
  const order: Draft[] = [];
  const visit = (draft: Draft): void => {
    if (ready.has(draft)) return;
    ready.set(draft, 0);
    for (const need of draft.needs) visit(current(need));
    const after = Math.max(-1, ...[...draft.needs].map((need) => ready.get(current(need))!));
    ready.set(draft, main.has(draft) ? order.length : after);
    order.push(draft);
  };
  for (const draft of main) visit(draft);
  for (const draft of sorted) visit(draft);
  const visited = new Map(order.map((draft, i) => [draft, i]));
  return order.sort((a, b) => ready.get(a)! - ready.get(b)! || visited.get(a)! - visited.get(b)!);
}

/** Of all drafts that nothing needs, the one that needs the most others; it and those, in their order. */
function neediest(sorted: readonly Draft[]): ReadonlySet<Draft> {
  let most = new Set<Draft>();
  for (const end of sorted.filter(({ neededBy }) => neededBy.size === 0)) {
    const found = new Set<Draft>();
    const open = [end];
    for (let draft = open.pop(); draft !== undefined; draft = open.pop()) {
      if (found.has(draft)) continue;
      found.add(draft);
      for (const need of draft.needs) open.push(current(need));
    }
    if (found.size > most.size) most = found;
  }
  return new Set(sorted.filter((draft) => most.has(draft)));
}
