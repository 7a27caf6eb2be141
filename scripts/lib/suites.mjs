// The test suites by name, and running one of them with its outcome counted.

import fs from "node:fs";
import path from "node:path";
import { CACHE, runNode, toolScript } from "./repository.mjs";

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
  const resultFile = path.join(CACHE, `results-${suite}-${process.pid}.json`);
  fs.mkdirSync(CACHE, { recursive: true });
  fs.rmSync(resultFile, { force: true });
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${resultFile}`];
  const status = await runNode(
    toolScript("vitest", "vitest.mjs"),
    ["run", "--passWithNoTests", ...reporters, ...filters],
    {
      env: { ...process.env, ...environment, SWARR_SUITE: suite },
    },
  );
  return { ...readOutcome(resultFile, status), status };
}

function readOutcome(resultFile, status) {
  let result;
  try {
    result = JSON.parse(fs.readFileSync(resultFile, "utf8"));
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  } finally {
    fs.rmSync(resultFile, { force: true });
  }
  const passed = result.numPassedTests;
  const skipped = result.numPendingTests + (result.numTodoTests ?? 0);
  // A file that fails to load has no tests to fail, and an error between tests belongs to none: both still are failures.
  const brokenFiles = result.testResults.filter(
    (file) => file.status === "failed" && file.assertionResults.length === 0,
  );
  const failed = result.numFailedTests + brokenFiles.length;
  return { passed, failed: failed === 0 && status !== 0 ? 1 : failed, skipped };
}
