// The executable as the shell starts it.

import { spawnSync } from "node:child_process";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { scratchFolder } from "../../test/support/scratch-folder.ts";

const MAIN = path.resolve(import.meta.dirname, "../../dist/cli/main.js");

function swarr(...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [MAIN, ...args], { encoding: "utf8" });
}

// Windows takes no command line of this length.
describe.skipIf(process.platform === "win32")("swarr", () => {
  it("takes a command line of 100 kB, which alone would end the engine's start", () => {
    const model = path.join(scratchFolder(), "tiny");
    expect(swarr("init", "--out", model, "--d", "16", "--layers", "1").status).toBe(0);
    const ids = Array.from({ length: 28_000 }, (_, i) => 100 + (i % 100));
    const { status, stdout, stderr } = swarr("logprobs", model, "--ids", ids.join(), "--window", "8", "--json");
    expect(status, stderr).toBe(0);
    expect((JSON.parse(stdout) as { ids: unknown }).ids).toEqual(ids);
  });
});
