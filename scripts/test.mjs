// npm test: sets the checkout up if need be, then runs the fast suite (or `--suite NAME`); other arguments pick test files.

import fs from "node:fs";
import { runSuite } from "./lib/suites.mjs";
import { setUp } from "./lib/setup.mjs";

const args = process.argv.slice(2);
const at = args.indexOf("--suite");
const suite = at === -1 ? "fast" : args.splice(at, 2)[1];

await setUp();
const outcome = await runSuite(suite, args);
if (process.env.SWARR_COUNTS_COPY) fs.writeFileSync(process.env.SWARR_COUNTS_COPY, JSON.stringify(outcome));
if (outcome.skipped > 0) console.log(`${outcome.skipped} skipped`);
console.log(`${outcome.passed} passed, ${outcome.failed} failed`);
process.exitCode = outcome.failed === 0 ? 0 : 1;
