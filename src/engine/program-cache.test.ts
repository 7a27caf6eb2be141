// Which compiled programs stay.

import { describe, expect, it } from "vitest";
import { ProgramCache, type Compiled } from "./program-cache.ts";

const GIBIBYTE = 2 ** 30;

function recorded(bytes: number): {
  readonly cache: ProgramCache<string>;
  readonly disposed: string[];
  readonly compiled: string[];
  readonly get: (key: string) => Promise<string>;
} {
  const cache = new ProgramCache<string>();
  const [disposed, compiled]: [string[], string[]] = [[], []];
  const compile = (key: string): Promise<Compiled<string>> => {
    compiled.push(key);
    return Promise.resolve({ made: key, bytes, dispose: () => Promise.resolve(void disposed.push(key)) });
  };
  return { cache, disposed, compiled, get: (key) => cache.get(key, () => compile(key)) };
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
