// The peak belongs to the process that asks, not to the one that started it.

import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { peakMemoryBytes } from "./peak-memory.ts";

it("covers what is held now, and is not passed on to a child", () => {
  const held = Buffer.alloc(3e8, 1);
  expect(peakMemoryBytes()).toBeGreaterThan(held.length);
  const built = new URL("../../dist/base/peak-memory.js", import.meta.url).href;
  const script = `import { peakMemoryBytes } from ${JSON.stringify(built)}; console.log(peakMemoryBytes());`;
  const child = Number(execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" }));
  expect(child).toBeGreaterThan(1e7);
  expect(child).toBeLessThan(held.length);
});
