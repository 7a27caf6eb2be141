// Installing for real, with nothing but the npm registry in reach: the packed package, and a fresh checkout.

import { spawnSync, type SpawnSyncReturns } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT, filesBelow, npmCli } from "../scripts/lib/repository.mjs";

const npm = npmCli();
const online = spawnSync(process.execPath, [npm, "ping"], { timeout: 20_000 }).status === 0;

/** Sends every request but the registry's to a port where nobody listens, unless a proxy is how this machine reaches it. */
function registryOnly(): NodeJS.ProcessEnv {
  const environment = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(?:VITEST|SWARR_)/.test(name)),
  );
  if (Object.keys(environment).some((name) => /^(?:npm_config_)?https?_?proxy$/i.test(name))) return environment;
  const { hostname } = new URL(
    spawnSync(process.execPath, [npm, "config", "get", "registry"], { encoding: "utf8" }).stdout.trim(),
  );
  const nowhere = "http://127.0.0.1:9";
  return {
    ...environment,
    HTTPS_PROXY: nowhere,
    HTTP_PROXY: nowhere,
    NO_PROXY: hostname,
    GLOBAL_AGENT_HTTPS_PROXY: nowhere,
    GLOBAL_AGENT_HTTP_PROXY: nowhere,
    GLOBAL_AGENT_NO_PROXY: hostname,
  };
}

function run(args: readonly string[], cwd: string, more: NodeJS.ProcessEnv = {}): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, args, { cwd, encoding: "utf8", env: { ...registryOnly(), ...more } });
}

function inScratch(work: (folder: string) => void): void {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "swarr-install-"));
  try {
    work(folder);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

describe.skipIf(!online)("npm install of the packed package", () => {
  it("needs no development package, imports, and answers --help", () => {
    inScratch((folder) => {
      run([npm, "pack", "--ignore-scripts", "--pack-destination", folder], ROOT);
      const archive = filesBelow(folder).find((file) => file.endsWith(".tgz")) ?? "";
      fs.writeFileSync(path.join(folder, "package.json"), `{ "private": true, "type": "module" }`);
      const skip = { ONNXRUNTIME_NODE_INSTALL: "skip" };
      const install = run([npm, "install", "--no-audit", "--no-fund", `./${archive}`], folder, skip);
      expect(install.status, install.stderr).toBe(0);
      expect(fs.existsSync(path.join(folder, "node_modules", "typescript"))).toBe(false);
      const imported = run(["-e", `import("swarr").then((s) => console.log(typeof s.SwarrError))`], folder);
      expect(imported.stdout.trim(), imported.stderr).toBe("function");
      const help = run([path.join(folder, "node_modules/swarr/dist/cli/main.js"), "--help"], folder);
      expect(help.status, help.stderr).toBe(0);
      expect(help.stdout).toContain("Usage: swarr");
    });
  });
});

describe.skipIf(!online)("a fresh checkout", () => {
  it("sets itself up when its tests are run, and npm ci alone does the same", () => {
    inScratch((folder) => {
      const left = new Set(["node_modules", "dist", ".git", "runs", "swarr-demo"]);
      for (const name of fs.readdirSync(ROOT)) {
        if (!left.has(name)) fs.cpSync(path.join(ROOT, name), path.join(folder, name), { recursive: true });
      }
      const test = run([npm, "test", "--", "src/base/errors"], folder);
      expect(test.status, test.stderr + test.stdout).toBe(0);
      expect(test.stdout.trimEnd().split("\n").at(-1)).toMatch(/^[1-9]\d* passed, 0 failed$/);
      for (const name of ["node_modules", "dist"]) fs.rmSync(path.join(folder, name), { recursive: true });
      const install = run([npm, "ci"], folder);
      expect(install.status, install.stderr).toBe(0);
      const version = run([path.join(path.dirname(npm), "npx-cli.js"), "swarr", "--version"], folder);
      expect(version.stdout, version.stderr).toMatch(/^\d+\.\d+\.\d+/);
    });
  });
});
