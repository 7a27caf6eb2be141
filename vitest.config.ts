// Which files belong to which suite; the suites are described in scripts/lib/suites.mjs.

import os from "node:os";
import { configDefaults, defineConfig } from "vitest/config";

const suite = process.env["SWARR_SUITE"] ?? "fast";
const special = ["slow", "data", "e2e"];

function filesOf(name: string): string[] {
  if (special.includes(name)) return [`src/**/*.${name}.test.ts`, `test/**/*.${name}.test.ts`];
  return name === "faults" ? ["test/faults/*.test.ts"] : ["src/**/*.test.ts", "test/**/*.test.ts"];
}

export default defineConfig({
  test: {
    include: filesOf(suite),
    exclude: [
      ...configDefaults.exclude,
      ...special.filter((name) => name !== suite).map((name) => `**/*.${name}.test.ts`),
    ],
    // The other suites measure, or use all cores themselves.
    ...(suite === "fast" ? { maxWorkers: os.availableParallelism() } : {}),
    testTimeout: suite === "fast" ? 60_000 : 600_000,
    hookTimeout: 60_000,
  },
});
