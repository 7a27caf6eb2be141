// npm run check: format, types, lint, documents, then the fast tests (which hold the architecture). `--no-tests` leaves the last out.

import fs from "node:fs";
import path from "node:path";
import { ROOT, runNode, toolScript } from "./lib/repository.mjs";
import { setUp } from "./lib/setup.mjs";

const pageTypes = "src/dashboard/page/tsconfig.json";
const STEPS = [
  ["format", () => runNode(toolScript("prettier", "bin/prettier.cjs"), ["--check", "--log-level", "warn", "."])],
  ["types", () => runNode(toolScript("typescript", "bin/tsc"), ["--noEmit"])],
  ["types of the page", () => runNode(toolScript("typescript", "bin/tsc"), ["--noEmit", "-p", pageTypes]), pageTypes],
  ["lint", () => runNode(toolScript("eslint", "bin/eslint.js"), ["--max-warnings", "0", "."])],
  ["documents", () => runNode(path.join(ROOT, "scripts", "docs-check.mjs"))],
  ["tests", () => runNode(path.join(ROOT, "scripts", "test.mjs"))],
];

await setUp();
const broken = [];
for (const [name, run, needs] of STEPS) {
  if (name === "tests" && process.argv.includes("--no-tests")) continue;
  if (needs !== undefined && !fs.existsSync(path.join(ROOT, needs))) continue;
  console.log(`\n== ${name}`);
  if ((await run()) !== 0) broken.push(name);
}
console.log(broken.length === 0 ? "\ncheck: all of it holds" : `\ncheck: not in order: ${broken.join(", ")}`);
process.exitCode = broken.length === 0 ? 0 : 1;
