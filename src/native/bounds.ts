// Indices that a program looks up: machine code trusts them, so those it is handed are checked before it runs, its own after.

import { invariant } from "../base/invariant.ts";
import { isInput, nameOfInput, nodesInOrder, type Graph, type GraphNode } from "../graph/node.ts";
import type { TensorData } from "../tensor/tensor.ts";
import { sourceOf } from "./units.ts";

/** Of an op that looks something up: which input holds the indices, and how many rows or columns there are. */
function lookUp({ op, inputs }: GraphNode): { readonly ids: GraphNode; readonly count: number } | null {
  switch (op.name) {
    case "gatherRows":
    case "scatterAddRows":
      return { ids: inputs[1]!, count: inputs[0]!.shape[0]! };
    case "pick":
    case "addAt":
      return { ids: inputs[1]!, count: inputs[0]!.shape[1]! };
    case "rotate":
      return { ids: inputs[3]!, count: inputs[1]!.shape[0]! };
    default:
      return null;
  }
}

export interface IndexBounds {
  /** by input: one more than its largest legal index */
  readonly inputs: ReadonlyMap<string, number>;
  /** the same by output, of indices that the program itself computes and looks up */
  readonly outputs: ReadonlyMap<string, number>;
}

export function indexBounds({ outputs }: Graph): IndexBounds {
  const bounds = { inputs: new Map<string, number>(), outputs: new Map<string, number>() };
  const names = new Map(Object.entries(outputs).map(([name, node]) => [sourceOf(node), name]));
  const tighten = (of: Map<string, number>, name: string, count: number): void =>
    void of.set(name, Math.min(of.get(name) ?? Infinity, count));
  for (const node of nodesInOrder(Object.values(outputs))) {
    const found = lookUp(node);
    if (found === null) continue;
    const source = sourceOf(found.ids);
    const name = isInput(source) ? nameOfInput(source) : names.get(source);
    invariant(name !== undefined, `indices of ${node.op.name} are an input or an output, where they can be checked`);
    tighten(isInput(source) ? bounds.inputs : bounds.outputs, name, found.count);
  }
  return bounds;
}

/** @throws RangeError for an index outside of its table */
export function checkIndices(bounds: ReadonlyMap<string, number>, arrays: Readonly<Record<string, TensorData>>): void {
  for (const [name, count] of bounds) {
    const ids = arrays[name] as Int32Array | undefined;
    if (ids === undefined) continue;
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i]!;
      if (id < 0 || id >= count)
        throw new RangeError(`element ${i} of "${name}" is ${id}, outside of 0 to ${count - 1}`);
    }
  }
}
