// What the processor is said to have, against what the system tells another way.

import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import { describe, expect, it } from "vitest";
import { secondCacheBytes } from "./features.ts";

/** Other systems, other C libraries and some virtual machines say nothing, or nothing there. */
const isTold =
  fs.existsSync("/sys/devices/system/cpu/cpu0/cache/index2/size") &&
  /^[1-9]/.test(spawnSync("getconf", ["LEVEL2_CACHE_SIZE"], { encoding: "utf8" }).stdout);

describe("secondCacheBytes", () => {
  it.skipIf(!isTold)("is the figure that the C library gives, 2 MiB at most", () => {
    const told = Number(execFileSync("getconf", ["LEVEL2_CACHE_SIZE"], { encoding: "utf8" }));
    expect(secondCacheBytes()).toBe(Math.min(told, 2 ** 21));
  });
});
