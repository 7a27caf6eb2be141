// The packed package installed by npm itself from the registry, with the install script of its engine switched off.

import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT, filesBelow, npmCli } from "../scripts/lib/repository.mjs";

const npm = npmCli();
const online = spawnSync(process.execPath, [npm, "ping"], { timeout: 20_000 }).status === 0;

describe.skipIf(!online)("npm install of the packed package", () => {
  it("installs into an empty folder without development packages, imports, and answers --help", () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "swarr-install-"));
    try {
      const run = (args: readonly string[], cwd: string): { status: number | null; stdout: string; stderr: string } =>
        spawnSync(process.execPath, args, {
          cwd,
          encoding: "utf8",
          env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: "skip" },
        });
      run([npm, "pack", "--ignore-scripts", "--pack-destination", folder], ROOT);
      const archive = filesBelow(folder).find((file) => file.endsWith(".tgz")) ?? "";
      fs.writeFileSync(path.join(folder, "package.json"), `{ "private": true, "type": "module" }`);
      const install = run([npm, "install", "--no-audit", "--no-fund", `./${archive}`], folder);
      expect(install.status, install.stderr).toBe(0);
      expect(fs.existsSync(path.join(folder, "node_modules", "typescript"))).toBe(false);
      const imported = run(["-e", `import("swarr").then((s) => console.log(typeof s.SwarrError))`], folder);
      expect(imported.stdout.trim(), imported.stderr).toBe("function");
      const help = run([path.join(folder, "node_modules/swarr/dist/cli/main.js"), "--help"], folder);
      expect(help.status, help.stderr).toBe(0);
      expect(help.stdout).toContain("Usage: swarr");
    } finally {
      fs.rmSync(folder, { recursive: true, force: true });
    }
  });
});
