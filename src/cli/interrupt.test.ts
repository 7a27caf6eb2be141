// Ctrl-C, on real processes: one press stops in order, two end it.

import { spawn } from "node:child_process";
import { describe, expect, it, vi } from "vitest";
import { SwarrError } from "../base/errors.ts";
import { withInterrupt } from "./interrupt.ts";

describe.skipIf(process.platform === "win32")("withInterrupt", () => {
  it("aborts the work's signal on SIGINT with a reason that says how to go on", async () => {
    const told = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    const work = withInterrupt("Go on with: swarr run DIR --resume.", async (signal) => {
      process.kill(process.pid, "SIGINT");
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      signal.throwIfAborted();
    });
    const failure = await work.then(
      () => null,
      (thrown: unknown) => thrown,
    );
    expect(told.mock.calls.join("")).toContain("press Ctrl-C again to quit at once");
    told.mockRestore();
    expect(failure).toBeInstanceOf(SwarrError);
    expect((failure as SwarrError).code).toBe("INTERRUPTED");
    expect((failure as SwarrError).message).toContain("Go on with: swarr run DIR --resume.");
  });

  it("leaves no listener behind", async () => {
    const before = process.listenerCount("SIGINT");
    expect(await withInterrupt("", () => Promise.resolve(7))).toBe(7);
    expect(process.listenerCount("SIGINT")).toBe(before);
  });

  it("ends the process by the second signal (status 130 in a shell), even if the work never stops, after what it is to end first", async () => {
    // A real exit needs a process of its own, which runs the built file.
    const built = new URL("../../dist/cli/interrupt.js", import.meta.url).href;
    const script = `import { withInterrupt } from ${JSON.stringify(built)};
      import fs from "node:fs";
      const work = () => new Promise((resolve) => { setTimeout(resolve, 20000); console.log("ready"); });
      await withInterrupt("", work, () => fs.writeSync(2, "children ended"));`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "pipe", "pipe"] });
    let errors = "";
    child.stderr.on("data", (chunk: Buffer) => {
      errors += chunk.toString();
      if (errors.includes("Ctrl-C again")) child.kill("SIGINT");
    });
    child.stdout.once("data", () => child.kill("SIGINT"));
    const killedBy = await new Promise((resolve) => child.on("exit", (_, signal) => resolve(signal)));
    expect(killedBy, errors).toBe("SIGINT");
    expect(errors).toMatch(/children ended$/);
  });
});
