// Which compiled programs stay.

import { describe, expect, it } from "vitest";
import { graphOf } from "../graph/check.ts";
import { input } from "../graph/node.ts";
import type { Engine } from "./engine.ts";
import { ProgramCache } from "./program-cache.ts";

const GIBIBYTE = 2 ** 30;

function recorded(bytes: number): {
  readonly cache: ProgramCache<string>;
  readonly disposed: string[];
  readonly compiled: string[];
  readonly get: (key: string) => Promise<string>;
} {
  const [disposed, compiled]: [string[], string[]] = [[], []];
  const engine: Engine = {
    threads: 1,
    compile: ({ outputs }) => {
      const [key = ""] = Object.keys(outputs);
      compiled.push(key);
      return Promise.resolve({
        run: () => Promise.resolve(),
        dispose: () => Promise.resolve(void disposed.push(key)),
      });
    },
  };
  const cache = new ProgramCache<string>(engine);
  const get = (key: string): Promise<string> =>
    cache.get(key, () => ({ graph: graphOf({ [key]: input(`${key}.in`, [1]) }), made: () => key, heldBytes: bytes }));
  return { cache, disposed, compiled, get };
}

describe("ProgramCache", () => {
  it("compiles once what fits", async () => {
    const { get, compiled, disposed } = recorded(GIBIBYTE / 64);
    for (const key of ["a", "b", "c", "a", "b", "c"]) expect(await get(key)).toBe(key);
    expect(compiled).toEqual(["a", "b", "c"]);
    expect(disposed).toEqual([]);
  });

  it("lets go of the longest out of use, never of the last two", async () => {
    const { get, compiled, disposed } = recorded(GIBIBYTE);
    for (const key of ["a", "b", "a", "c"]) await get(key);
    expect(disposed).toEqual(["b"]);
    await get("b");
    expect(compiled).toEqual(["a", "b", "c", "b"]);
    expect(disposed).toEqual(["b", "a"]);
  });

  it("disposes of what is left", async () => {
    const { cache, get, disposed } = recorded(1);
    await get("a");
    await cache.dispose();
    expect(disposed).toEqual(["a"]);
  });
});
