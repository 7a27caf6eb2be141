// Makes a checkout ready: the locked packages installed, dist/ built. Does nothing where nothing is missing.

import fs from "node:fs";
import path from "node:path";
import { build } from "./compile.mjs";
import { ROOT, runNpm } from "./repository.mjs";

/** The first Node that runs swarr; package.json says the same under engines. */
const OLDEST_NODE = [20, 19];

export async function setUp() {
  requireNode();
  if (!isInstalled()) {
    process.stderr.write("Installing the locked packages (npm ci).\n");
    // onnxruntime-node's install script would fetch GPU files from outside the registry; swarr's CPU engine needs none of them.
    const status = await runNpm(["ci"], { env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: "skip" } });
    if (status !== 0) fail(`npm ci ended with status ${status}; its own message is above.`);
  }
  const status = await build();
  if (status !== 0) fail("The build failed; the compiler's message is above.");
}

/** Whether node_modules holds every package of the lock file, at its version. npm writes its own list last, when all is there. */
export function isInstalled(root = ROOT) {
  const present = readPackages(path.join(root, "node_modules", ".package-lock.json"));
  const wanted = readPackages(path.join(root, "package-lock.json"));
  if (present === null || wanted === null) return false;
  return Object.entries(wanted).every(([place, entry]) => {
    if (place === "" || entry.optional === true || entry.devOptional === true) return true;
    return present[place]?.version === entry.version;
  });
}

function readPackages(file) {
  try {
    return JSON.parse(fs.readFileSync(file, "utf8")).packages ?? null;
  } catch {
    return null;
  }
}

function requireNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return;
  fail(
    `Node ${process.versions.node} is too old. Expected Node ${OLDEST_NODE.join(".")} or later. Install a current Node.`,
  );
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
