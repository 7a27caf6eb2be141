// Builds dist/ from src/: the compiler for the package, the bundler for the dashboard's page. Skips what has not changed.

import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { ROOT, filesBelow, runNode, toolScript } from "./repository.mjs";

const DIST = path.join(ROOT, "dist");
/** Beside what it vouches for; package.json keeps it out of the package. */
const STAMP = path.join(DIST, ".build.json");

/** @returns exit status; 0 also when dist/ was already up to date */
export async function build({ force = false } = {}) {
  const inputs = inputHash();
  if (!force && isCurrent(inputs)) return 0;
  const status = await runNode(toolScript("typescript", "bin/tsc"), ["-p", "tsconfig.build.json"]);
  if (status !== 0) return status;
  removeOrphans();
  if (fs.existsSync(path.join(ROOT, "src/dashboard/page/index.html"))) {
    const page = await runNode(toolScript("vite", "bin/vite.js"), [
      "build",
      "--logLevel",
      "error",
      "src/dashboard/page",
    ]);
    if (page !== 0) return page;
  }
  // npm marks a package's executables when it installs it; a checkout has to do so itself.
  fs.chmodSync(path.join(DIST, "cli", "main.js"), 0o755);
  fs.writeFileSync(STAMP, JSON.stringify({ inputs }));
  return 0;
}

/** Whether the compiler is there at all; it is not when swarr was installed without its development packages. */
export function canBuild() {
  return fs.existsSync(toolScript("typescript", "bin/tsc"));
}

function isCurrent(inputs) {
  try {
    const stamped = JSON.parse(fs.readFileSync(STAMP, "utf8")).inputs;
    return stamped === inputs && fs.existsSync(path.join(DIST, "cli", "main.js"));
  } catch {
    return false;
  }
}

function inputHash() {
  const hash = createHash("sha256");
  const sources = filesBelow(path.join(ROOT, "src")).map((file) => `src/${file}`);
  for (const file of [...sources, "tsconfig.json", "tsconfig.build.json", "package-lock.json"]) {
    if (file.endsWith(".test.ts")) continue;
    hash
      .update(`${file}\0`)
      .update(fs.readFileSync(path.join(ROOT, file)))
      .update("\0");
  }
  return hash.digest("hex");
}

/** Removes built files whose source is gone, so that a stale module cannot be imported by accident. */
function removeOrphans() {
  for (const file of filesBelow(DIST)) {
    const source = /^(.*)\.(?:js|d\.ts)$/.exec(file)?.[1];
    if (source === undefined || file.startsWith("dashboard/page/")) continue;
    if (!fs.existsSync(path.join(ROOT, "src", `${source}.ts`))) fs.rmSync(path.join(DIST, file));
  }
}
