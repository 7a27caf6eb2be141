// Ops that look elements up by index, or add to them there.

import { invariant } from "../../base/invariant.ts";
import { sizeOf } from "../../tensor/tensor.ts";
import { filled, makeNode, type GraphNode, type Op } from "../node.ts";
import { reshape } from "./move.ts";

const gatherRowsOp: Op = {
  name: "gatherRows",
  signature: ([table, ids]) => ({ type: table!.type, shape: [...ids!.shape, table!.shape[1]!] }),
  value: ([table, ids], node) => {
    const width = node.shape.at(-1)!;
    const out = new Float64Array(sizeOf(node.shape));
    ids!.forEach((id, i) => out.set(table!.subarray(id * width, (id + 1) * width), i * width));
    return out;
  },
  gradient: (node, upstream) => {
    const [table, ids] = node.inputs;
    const rows = reshape(upstream, [sizeOf(ids!.shape), table!.shape[1]!]);
    return [scatterAddRows(filled(table!.shape, 0), reshape(ids!, [sizeOf(ids!.shape)]), rows), null];
  },
};

/** Row `ids[i]` of a [rows, width] table, for every i: [...ids, width]. */
export function gatherRows(table: GraphNode, ids: GraphNode): GraphNode {
  invariant(table.shape.length === 2 && ids.type === "int32", "gatherRows takes a matrix and int32 ids");
  return makeNode(gatherRowsOp, [table, ids]);
}

const scatterAddRowsOp: Op = {
  name: "scatterAddRows",
  signature: ([base]) => ({ type: base!.type, shape: base!.shape }),
  value: ([base, ids, rows], node) => {
    const width = node.shape[1]!;
    const out = base!.slice();
    ids!.forEach((id, i) => {
      for (let j = 0; j < width; j++) out[id * width + j]! += rows![i * width + j]!;
    });
    return out;
  },
  gradient: (node, upstream) => [upstream, null, gatherRows(upstream, node.inputs[1]!)],
};

/** `base` [rows, width] plus `rows[i]` ([count, width]) added to its row `ids[i]`; repeated ids add up. */
export function scatterAddRows(base: GraphNode, ids: GraphNode, rows: GraphNode): GraphNode {
  invariant(ids.shape.length === 1 && rows.shape[0] === ids.shape[0], "scatterAddRows takes one row an id");
  return makeNode(scatterAddRowsOp, [base, ids, rows]);
}

export function isScatterAddRows(node: GraphNode): boolean {
  return node.op === scatterAddRowsOp;
}

const pickOp: Op = {
  name: "pick",
  signature: ([x, ids]) => {
    invariant(x!.shape.length === 2 && ids!.shape[0] === x!.shape[0], "pick takes [rows, width] and one id a row");
    return { type: x!.type, shape: [x!.shape[0]!, 1] };
  },
  value: ([x, ids], node) => {
    const width = node.inputs[0]!.shape[1]!;
    return Float64Array.from(ids!, (id, row) => x![row * width + id]!);
  },
  gradient: (node, upstream) => {
    const [x, ids] = node.inputs;
    return [addAt(filled(x!.shape, 0), ids!, upstream), null];
  },
};

/** Element `ids[row]` of each row of x [rows, width]: [rows, 1]. */
export function pick(x: GraphNode, ids: GraphNode): GraphNode {
  return makeNode(pickOp, [x, ids]);
}

const addAtOp: Op = {
  name: "addAt",
  signature: ([base]) => ({ type: base!.type, shape: base!.shape }),
  value: ([base, ids, values], node) => {
    const width = node.shape[1]!;
    const out = base!.slice();
    ids!.forEach((id, row) => {
      out[row * width + id]! += values![row]!;
    });
    return out;
  },
  gradient: (node, upstream) => [upstream, null, pick(upstream, node.inputs[1]!)],
};

/** `base` [rows, width] plus `values[row]` ([rows, 1]) added to element `ids[row]` of each row. */
export function addAt(base: GraphNode, ids: GraphNode, values: GraphNode): GraphNode {
  return makeNode(addAtOp, [base, ids, values]);
}
