// A reporter that only counts: vitest hands it every test at the end, and it writes three numbers to SWARR_COUNTS.

import fs from "node:fs";

export default class CountReporter {
  onTestRunEnd(modules, strayErrors) {
    // An error between tests, or a file that does not load, belongs to no test and is a failure all the same.
    const counts = { passed: 0, failed: strayErrors.length, skipped: 0 };
    for (const module of modules) {
      counts.failed += module.errors().length;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        counts[state === "passed" || state === "failed" ? state : "skipped"] += 1;
      }
    }
    fs.writeFileSync(process.env["SWARR_COUNTS"], JSON.stringify(counts));
  }
}
