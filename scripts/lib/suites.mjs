// The test suites by name, and running one of them with its outcome counted.

import fs from "node:fs";
import path from "node:path";
import { CACHE, ROOT, runNode, toolScript } from "./repository.mjs";

/** `vitest.config.ts` reads the suite's name from SWARR_SUITE and picks the files by their ending. */
export const SUITES = {
  fast: "every test that needs nothing but the repository: `*.test.ts`",
  slow: "the same, but minutes long: `*.slow.test.ts`",
  faults: "every planted fault; `fast` runs only the quick ones: `test/faults/`",
  data: "on the real data sets, where they are: `*.data.test.ts`",
  e2e: "the dashboard in a real browser: `*.e2e.test.ts`",
};

/**
 * @param filters  test files or parts of their names; all of the suite when empty
 * @returns `{ passed, failed, skipped, status }`; a suite that breaks before any test counts as one failure
 */
export async function runSuite(suite, filters = [], environment = {}) {
  if (!(suite in SUITES)) throw new Error(`No suite "${suite}". Expected one of ${Object.keys(SUITES).join(", ")}.`);
  const countsFile = path.join(CACHE, `counts-${suite}-${process.pid}.json`);
  fs.mkdirSync(CACHE, { recursive: true });
  const reporters = ["--reporter=default", `--reporter=${path.join(ROOT, "scripts/lib/count-reporter.mjs")}`];
  const args = ["run", "--passWithNoTests", ...reporters, ...filters];
  const status = await runNode(toolScript("vitest", "vitest.mjs"), args, {
    env: { ...process.env, ...environment, SWARR_SUITE: suite, SWARR_COUNTS: countsFile },
  });
  const counts = readCounts(countsFile);
  // Whatever else made vitest give up is a failure too.
  return { ...counts, failed: counts.failed === 0 && status !== 0 ? 1 : counts.failed, status };
}

function readCounts(file) {
  try {
    return JSON.parse(fs.readFileSync(file, "utf8"));
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  } finally {
    fs.rmSync(file, { force: true });
  }
}
