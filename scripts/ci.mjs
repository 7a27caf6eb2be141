// What CI runs once the checkout is set up: every suite and check, within half an hour; the last line is the total.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { ROOT, runNode, runNpm, runProgram } from "./lib/repository.mjs";
import { checkFinding } from "./lib/finding.mjs";
import { runSuite } from "./lib/suites.mjs";

/** After this no further Node is tried: two or three minutes each, within half an hour in all. */
const LATEST_START_MS = 25 * 60_000;

const total = { passed: 0, failed: 0 };
const remarks = [];
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "swarr-ci-"));

function count(name, { passed, failed, skipped = 0 }) {
  total.passed += passed;
  total.failed += failed;
  remarks.push(`${name}: ${passed} passed, ${failed} failed, ${skipped} skipped`);
}

async function suite(name, label = name, environment = {}) {
  heading(`tests: ${label}`);
  count(label, await runSuite(name, [], environment));
}

/** A command that either holds or does not; it counts as one test. */
async function step(name, run) {
  heading(name);
  const started = performance.now();
  const status = await run();
  count(name, { passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1 });
  console.log(`${name}: status ${status}, ${Math.round((performance.now() - started) / 1000)} s`);
}

function heading(text) {
  console.log(`\n==== ${text} (${new Date().toISOString()})`);
}

// The README's two commands, exactly as written there.
heading("npm test");
const countsFile = path.join(scratch, "counts.json");
const testStatus = await runNpm(["test"], { env: { ...process.env, SWARR_COUNTS_COPY: countsFile } });
const none = { passed: 0, failed: testStatus === 0 ? 0 : 1 };
count("npm test", fs.existsSync(countsFile) ? JSON.parse(fs.readFileSync(countsFile, "utf8")) : none);
await step("npm run demo", () => runNpm(["run", "demo", "--", "--out", path.join(scratch, "demo")]));
await step("the finding", () => checkFinding(path.join(scratch, "demo", "results.json")));
await step("check", () => runNode(path.join(ROOT, "scripts/check.mjs"), ["--no-tests"]));
await suite("faults", "planted faults");
await suite("slow");

const data = process.env.SWARR_DATA ?? path.resolve(ROOT, "../shared/data");
if (fs.existsSync(data)) {
  await suite("data", "real data", { SWARR_DATA: data });
  await step("recipes/gsm8k.yaml, cut down", () => gsm8k(data));
} else remarks.push(`real data: left out, ${data} does not exist`);

if (process.env.SWARR_CHROMIUM) await suite("e2e", "browser");
else remarks.push("browser: left out, no Chromium on this machine and none to install");

for (const major of [22, 24]) {
  if (performance.now() < LATEST_START_MS) await onNode(major);
  else remarks.push(`Node ${major}: left out, the half hour is nearly over`);
}
fs.rmSync(scratch, { recursive: true, force: true });

console.log(`\n==== summary\n${remarks.join("\n")}`);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;

/** The fast suite on another Node, taken from the npm registry as a package. */
async function onNode(major) {
  const name = `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
  const folder = path.join(scratch, `node-${major}`);
  fs.mkdirSync(folder);
  fs.writeFileSync(path.join(folder, "package.json"), "{}");
  const status = await runNpm(["install", "--no-audit", "--silent", `${name}@${major}`], { cwd: folder });
  const node = path.join(folder, "node_modules", name, "bin", process.platform === "win32" ? "node.exe" : "node");
  if (status !== 0 || !fs.existsSync(node)) remarks.push(`Node ${major}: left out, ${name} could not be installed`);
  else await step(`npm test on Node ${major}`, () => runProgram(node, [path.join(ROOT, "scripts/test.mjs")]));
}

/** The real-data recipe in two minutes: every part of it on real text, fewer steps and problems. */
async function gsm8k(folder) {
  const settings = [
    `data.train=${path.join(folder, "gsm8k/train.jsonl")}`,
    `data.test=${path.join(folder, "gsm8k/test.jsonl")}`,
    "sft.steps=6",
    "rl.steps=1",
    "rl.promptsPerStep=4",
    "eval.limit=8",
  ];
  const flags = settings.flatMap((setting) => ["--set", setting]);
  const out = path.join(scratch, "gsm8k");
  return runNode(path.join(ROOT, "dist/cli/main.js"), ["run", "recipes/gsm8k.yaml", "--out", out, ...flags]);
}
