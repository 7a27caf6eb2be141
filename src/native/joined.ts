// Values that are computed where a concatenation wants them, instead of being copied there.

import type { GraphNode } from "../graph/node.ts";
import { sizeOf } from "../tensor/tensor.ts";
import type { UnitCalls } from "./kernel-call.ts";
import { placeOf, type Place } from "./units.ts";

/** The memory a value is part of, whole, and the element of it where the value begins. */
export type Parts = ReadonlyMap<GraphNode, Place>;

export interface JoinedUnits {
  /** the units without the copies that are not needed */
  readonly units: readonly UnitCalls[];
  readonly parts: Parts;
}

/**
 * Finds the inputs of concatenations that can be computed in place: whole values of the program's own memory, that lie one
 * after the other in the result. Each is part of one result, once; wherever else it is wanted it is copied to.
 *
 * @param placed  values whose memory is elsewhere, such as an output's
 */
export function joinParts(units: readonly UnitCalls[], placed: (node: GraphNode) => boolean): JoinedUnits {
  const own = new Set(units.flatMap(({ writes }) => writes).filter((node) => !placed(node)));
  const parts = new Map<GraphNode, Place>();
  const joined = units.map((unit): UnitCalls => {
    const [whole] = unit.writes;
    if (whole === undefined || !own.has(whole) || !joinsInOrder(whole)) return unit;
    let offset = 0;
    const needed = whole.inputs.map((input) => {
      const { source, offset: within } = placeOf(input);
      const fits = within === 0 && sizeOf(source.shape) === sizeOf(input.shape);
      const joins = fits && own.has(source) && !parts.has(source);
      if (joins) parts.set(source, { source: whole, offset });
      offset += sizeOf(input.shape);
      return !joins;
    });
    return { ...unit, calls: unit.calls.filter((_, i) => needed[i]) };
  });
  return { units: joined, parts };
}

/** Whether a node is its inputs one after the other in memory. */
function joinsInOrder({ op, attributes, shape }: GraphNode): boolean {
  return op.name === "concat" && shape.slice(0, attributes["axis"] as number).every((size) => size === 1);
}

/** The memory a value lies in when parts of parts are followed to the end. */
export function wholeOf(node: GraphNode, parts: Parts): Place {
  const part = parts.get(node);
  if (part === undefined) return { source: node, offset: 0 };
  const { source, offset } = wholeOf(part.source, parts);
  return { source, offset: offset + part.offset };
}
