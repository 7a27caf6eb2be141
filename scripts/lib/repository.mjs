// Where things are, and how one program is started from another without a shell, on any system.

import { spawn } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
export const CACHE = path.join(ROOT, "node_modules", ".cache", "swarr");

/** Absolute path of a program's script inside node_modules, such as `("typescript", "bin/tsc")`. */
export function toolScript(packageName, script) {
  const require = createRequire(path.join(ROOT, "package.json"));
  try {
    return path.join(path.dirname(require.resolve(`${packageName}/package.json`)), script);
  } catch {
    return path.join(ROOT, "node_modules", packageName, script);
  }
}

/**
 * Starts node on a script, shares this process's terminal, and gives its exit status. Ctrl-C reaches the child by itself
 * (one terminal, one process group); this process waits for the child's own ending.
 */
export function runNode(script, args = [], options = {}) {
  return runProgram(process.execPath, [script, ...args], options);
}

export function runProgram(program, args, options = {}) {
  return new Promise((resolve, reject) => {
    const wait = () => undefined;
    process.on("SIGINT", wait);
    const child = spawn(program, args, { stdio: "inherit", cwd: ROOT, ...options });
    child.on("error", reject);
    child.on("close", (status, signal) => {
      process.off("SIGINT", wait);
      resolve(status ?? (signal === "SIGINT" ? 130 : 1));
    });
  });
}

/** Runs npm through node itself: `npm` is a shell script on Windows, which cannot be started without a shell. */
export function runNpm(args, options = {}) {
  return runNode(npmCli(), args, options);
}

/** The npm that started us, the one that came with this node, or the first one on the path. */
export function npmCli() {
  const started = process.env["npm_execpath"];
  const beside = path.dirname(process.execPath);
  const folders = [beside, ...(process.env["PATH"] ?? "").split(path.delimiter)];
  const places = [
    ...(started === undefined ? [] : [path.join(path.dirname(started), "npm-cli.js")]),
    ...folders.flatMap((folder) => [
      path.join(folder, "node_modules", "npm", "bin", "npm-cli.js"),
      path.join(folder, "..", "lib", "node_modules", "npm", "bin", "npm-cli.js"),
    ]),
  ];
  const found = places.find((place) => fs.existsSync(place));
  if (found !== undefined) return found;
  throw new Error("npm was not found. Start this through npm, for example: npm test");
}

/** Every file below a folder, relative, with forward slashes, sorted; nothing when the folder is missing. */
export function filesBelow(folder) {
  if (!fs.existsSync(folder)) return [];
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).split(path.sep).join("/"))
    .sort();
}
