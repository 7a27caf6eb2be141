// One call of a kernel: its code, and what it is handed.

import type { GraphNode } from "../graph/node.ts";
import type { Assembler, Gpr, Label } from "./assembler.ts";

/** What a kernel is handed: the elements of a node, from `offset` on; scratch memory; or nothing. */
export type Argument = { readonly node: GraphNode; readonly offset: number } | "scratch" | "none";

export interface KernelCall {
  /** equal for equal code */
  readonly key: string;
  readonly emit: (to: Assembler) => Label;
  readonly arguments: readonly Argument[];
  /** the registers of the arguments */
  readonly registers: readonly Gpr[];
  /** elements of scratch memory */
  readonly scratch: number;
}

/** The key of a kernel of these sizes. JSON alone would write one thing for numbers that are not: NaN, the infinities, and 0 with a minus. */
export function keyOf(name: string, sizes: unknown): string {
  const exact = (_: string, value: unknown): unknown => {
    if (Object.is(value, -0)) return "-0";
    return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
  };
  return `${name} ${JSON.stringify(sizes, exact)}`;
}

/** The calls of one unit, and which values may take over the memory of which. */
export interface UnitCalls {
  readonly calls: readonly KernelCall[];
  /** nodes whose memory is written */
  readonly writes: readonly GraphNode[];
  /** of a written node: values whose memory it may take when they are read for the last time here, best first */
  readonly takesOver: ReadonlyMap<GraphNode, readonly GraphNode[]>;
}
