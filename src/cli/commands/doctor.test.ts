// `swarr doctor` as a person runs it.

import os from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { captureOutput, catalogueOf } from "../../../test/support/captured-cli.ts";
import { CPU_KERNELS, cpuKernels, type KernelFinding } from "../../engine/cpu-kernels.ts";
import { runCli } from "../program.ts";
import { doctorCommand } from "./doctor.ts";

const MINIATURE = path.resolve(import.meta.dirname, "../../../recipes/miniature.yaml");
const catalogue = catalogueOf(doctorCommand);

const written = captureOutput();

interface Found {
  readonly cores: number;
  readonly memoryBytes: number;
  readonly cpuKernels: KernelFinding;
  readonly providers: readonly { readonly name: string; readonly usable: boolean; readonly reason: string }[];
  readonly recipe: { readonly device: string; readonly parameters: number; readonly fitsMemory: boolean };
}

describe("swarr doctor", () => {
  it("reports this machine and what the recipe needs of it, as one JSON document", async () => {
    expect(await runCli(["doctor", MINIATURE, "--json"], catalogue)).toBe(0);
    const found = JSON.parse(written.stdout) as Found;
    expect(found).toMatchObject({ cores: os.availableParallelism(), memoryBytes: os.totalmem() });
    expect(found.cpuKernels).toEqual(await cpuKernels());
    expect(CPU_KERNELS).toContain(found.cpuKernels.kernels);
    expect(found.recipe).toMatchObject({ device: "cpu", parameters: 303_744, fitsMemory: true });
    for (const device of found.providers.filter(({ usable, name }) => !usable && name === "cuda")) {
      written.stderr = "";
      expect(await runCli(["doctor", MINIATURE, "--set", `device=${device.name}`], catalogue)).toBe(2);
      expect(written.stderr).toContain(device.reason);
      expect(written.stderr).toContain("[DEVICE_MISSING]");
    }
  });

  it("says in one line what computes on the CPU, and why", async () => {
    expect(await runCli(["doctor"], catalogue)).toBe(0);
    const { kernels, reason } = await cpuKernels();
    expect(written.stdout).toContain(`\nkernels of runs on the CPU: ${kernels} (${reason})\n`);
  });

  it("refuses a recipe that would not run before it measures anything", async () => {
    expect(await runCli(["doctor", MINIATURE, "--set", "sft.stepz=3"], catalogue)).toBe(2);
    expect(written.stdout).toBe("");
    expect(written.stderr).toContain("stepz");
  });
});
