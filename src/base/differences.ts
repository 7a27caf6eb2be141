// Where two JSON objects differ.

import { isObject, type JsonObject } from "./json.ts";

export interface Difference {
  /** with dots between the levels */
  readonly key: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** Down to the single setting, so that `config.windows` is named and not the whole config. */
export function differences(before: JsonObject, after: JsonObject, prefix = ""): readonly Difference[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return keys.flatMap((name) => {
    const [a, b, key] = [before[name], after[name], `${prefix}${name}`];
    if (isObject(a) && isObject(b)) return differences(a, b, `${key}.`);
    return JSON.stringify(a) === JSON.stringify(b) ? [] : [{ key, before: a, after: b }];
  });
}
