// A device is used or refused with its reason; none is replaced by another.

import { describe, expect, it } from "vitest";
import type { SwarrError } from "../base/errors.ts";
import { graphOf } from "../graph/check.ts";
import { input } from "../graph/node.ts";
import { add } from "../graph/ops/elementwise.ts";
import { createEngine } from "./create-engine.ts";
import { fastest, findProviders, outcomeOf, resolveDevice, type ProviderFinding } from "./providers.ts";

const findings = await findProviders();
const missing = findings.filter(({ name, usable }) => !usable && (name === "webgpu" || name === "cuda"));

function finding(name: ProviderFinding["name"], usable: boolean, gflops: number | null): ProviderFinding {
  return { name, inBuild: true, usable, reason: "", gflops };
}

describe("findProviders", () => {
  it("names every provider once, with a reason, and measures exactly those that are usable", () => {
    expect(findings.map(({ name }) => name)).toEqual(["cpu", "webgpu", "cuda", "coreml", "dml"]);
    for (const { reason, usable, gflops } of findings) {
      expect(reason).not.toBe("");
      expect(gflops !== null && gflops > 0).toBe(usable);
    }
    expect(findings[0]).toMatchObject({ name: "cpu", usable: true });
  });
});

describe("resolveDevice", () => {
  it("never gives another device than the one asked for", async () => {
    for (const device of ["cpu", "webgpu", "cuda"] as const) {
      const usable = findings.some(({ name, usable: works }) => name === device && works);
      const settled = await resolveDevice(device).catch((thrown: unknown) => (thrown as SwarrError).code);
      expect(settled).toBe(usable ? device : "DEVICE_MISSING");
    }
  });
});

describe("createEngine", () => {
  it.skipIf(missing.length === 0)("compiles nothing on a device that is not there", async () => {
    const graph = graphOf({ twice: add(input("x", [2]), input("x2", [2])) });
    for (const { name } of missing) {
      const engine = createEngine({ threads: 1, device: name as "webgpu" | "cuda" });
      await expect(engine.compile(graph)).rejects.toMatchObject({ code: "DEVICE_MISSING" });
    }
  });
});

describe("fastest", () => {
  it("takes the quickest usable device, and no quicker one that is not usable", () => {
    expect(fastest([finding("cpu", true, 90), finding("webgpu", true, 400), finding("cuda", false, null)])).toBe(
      "webgpu",
    );
    expect(fastest([finding("cpu", true, 90), finding("webgpu", true, 0.3), finding("cuda", false, 9000)])).toBe("cpu");
  });
});

describe("outcomeOf", () => {
  it("keeps of a runtime's message the sentence a person can use, and what could not be loaded", () => {
    const message =
      "/src/webgpu_context.cc:136 Initialize() status == Success was false. Failed to get a WebGPU adapter: No supported adapters\n";
    const out = `noise of a driver\n${JSON.stringify({ kind: "failed", message })}\n`;
    const err = "Warning: Couldn't load Vulkan: libvulkan.so.1: cannot open shared object file\n    at operator()\n";
    expect(outcomeOf(out, err, "status 0")).toEqual({
      kind: "failed",
      message:
        "Failed to get a WebGPU adapter: No supported adapters (Couldn't load Vulkan: libvulkan.so.1: cannot open shared object file)",
    });
  });

  it("takes a probe that died without a word for a failure", () => {
    expect(outcomeOf("", "", "SIGSEGV")).toEqual({ kind: "failed", message: "its probe ended with SIGSEGV" });
    expect(outcomeOf("noise of a driver\n", "", "SIGKILL")).toMatchObject({ kind: "failed" });
  });
});
