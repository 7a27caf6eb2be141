// What the processor is said to have, against what the system tells another way.

import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { secondCacheBytes } from "./features.ts";

describe("secondCacheBytes", () => {
  it.skipIf(process.platform !== "linux")("is the system's own figure, 2 MiB at most", () => {
    const told = Number(execFileSync("getconf", ["LEVEL2_CACHE_SIZE"], { encoding: "utf8" }));
    if (told > 0) expect(secondCacheBytes()).toBe(Math.min(told, 2 ** 21));
    else expect(secondCacheBytes() === undefined || secondCacheBytes()! > 0).toBe(true);
  });
});
