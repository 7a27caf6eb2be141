// Where two recipes differ, key by key.

import { flattened } from "../report/recipe-section.ts";
import type { JsonObject } from "../base/json.ts";
import type { RecipeDiff } from "./api.ts";

/** Keys in the first recipe's order, then those that only the second has; a key absent from one is null there. */
export function recipeDiff(a: JsonObject, b: JsonObject): RecipeDiff {
  const left = new Map(flattened(a));
  const right = new Map(flattened(b));
  const rows = [...new Set([...left.keys(), ...right.keys()])].map((key) => ({
    key,
    a: left.get(key) ?? null,
    b: right.get(key) ?? null,
  }));
  const different = rows.filter((row) => row.a !== row.b);
  return { rows: different, same: rows.length - different.length };
}
