// Where graphs can run on this machine: what is there, whether it computes rightly, how fast, and why not.

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import ort from "onnxruntime-node";
import { builtNeighbour } from "../base/built-file.ts";
import { deviceMissing, type Device, type DeviceChoice } from "./device.ts";

export interface ProviderFinding {
  readonly name: Device | "coreml" | "dml";
  /** part of the onnxruntime-node build for this system */
  readonly inBuild: boolean;
  readonly usable: boolean;
  /** why it is not usable, or what its probe showed */
  readonly reason: string;
  /** of a 1024-wide product, inputs and outputs in host memory; null where it is not usable */
  readonly gflops: number | null;
}

/** What the probing process writes as its last line. */
export type ProbeOutcome =
  | { readonly kind: "measured"; readonly worst: number; readonly gflops: number }
  | { readonly kind: "failed"; readonly message: string };

const PROVIDERS = ["cpu", "webgpu", "cuda", "coreml", "dml"] as const;

/** Largest difference to the CPU, relative to the largest number; float32 rounding of the probe's graph stays below 1e-6. */
const MOST_DIFFERENCE = 1e-4;

const PROBE_LIMIT_MS = 60_000;

/** Every provider there could be, probed one after the other; takes a second or two. */
export async function findProviders(): Promise<readonly ProviderFinding[]> {
  const findings: ProviderFinding[] = [];
  for (const name of PROVIDERS) findings.push(await findProvider(name));
  return findings;
}

async function findProvider(name: ProviderFinding["name"]): Promise<ProviderFinding> {
  const refused = (inBuild: boolean, reason: string): ProviderFinding => ({
    name,
    inBuild,
    usable: false,
    reason,
    gflops: null,
  });
  if (!ort.listSupportedBackends().some((backend) => backend.name === name)) {
    return refused(false, `onnxruntime-node has no such provider on ${process.platform} ${process.arch}`);
  }
  if (name === "coreml" || name === "dml") return refused(true, "swarr does not drive this provider");
  const outcome = await probe(name);
  if (outcome.kind === "failed") return refused(true, outcome.message);
  const { worst, gflops } = outcome;
  if (!(worst <= MOST_DIFFERENCE)) {
    return refused(
      true,
      `it computes something else than the CPU: results differ by ${worst.toPrecision(2)} of their size`,
    );
  }
  const agreement = name === "cpu" ? "always there" : `agrees with the CPU to ${worst.toPrecision(2)}`;
  return { name, inBuild: true, usable: true, reason: agreement, gflops };
}

/**
 * Settles a recipe's device, once, before anything runs.
 *
 * @throws `DEVICE_MISSING` with the reason; no device is ever replaced by another
 */
export async function resolveDevice(choice: DeviceChoice): Promise<Device> {
  if (choice === "cpu") return choice;
  return settle(choice, choice === "auto" ? await findProviders() : [await findProvider(choice)]);
}

/** The same from findings that are there already. */
export function settle(choice: DeviceChoice, findings: readonly ProviderFinding[]): Device {
  if (choice === "cpu") return choice;
  if (choice === "auto") return fastest(findings);
  const finding = findings.find(({ name }) => name === choice);
  if (finding?.usable === true) return choice;
  throw deviceMissing(choice, finding?.reason ?? "it was not looked for");
}

/** Of the engine beneath. */
export function engineVersion(): string {
  return ort.env.versions.node ?? ort.env.versions.common;
}

/** The usable one with the fastest product; the CPU is always usable. */
export function fastest(findings: readonly ProviderFinding[]): Device {
  let best: { device: Device; gflops: number } = { device: "cpu", gflops: 0 };
  for (const { name, usable, gflops } of findings) {
    if (!usable || gflops === null || name === "coreml" || name === "dml") continue;
    if (gflops > best.gflops) best = { device: name, gflops };
  }
  return best.device;
}

/** Runs in a process of its own: a driver may print, crash or hang. */
function probe(device: Device): Promise<ProbeOutcome> {
  const file = builtNeighbour(import.meta.url, "provider-probe");
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [fileURLToPath(file), device], {
      stdio: ["ignore", "pipe", "pipe"],
      timeout: PROBE_LIMIT_MS,
      killSignal: "SIGKILL",
    });
    let [out, err] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
    child.on("error", (thrown) => resolve({ kind: "failed", message: thrown.message }));
    child.on("close", (code, signal) =>
      resolve(outcomeOf(out, err, code === null ? String(signal) : `status ${code}`)),
    );
  });
}

/** @param ending  how the process ended, for the message when it said nothing */
export function outcomeOf(out: string, err: string, ending: string): ProbeOutcome {
  const last = out.trimEnd().split("\n").at(-1) ?? "";
  if (!last.startsWith("{")) return { kind: "failed", message: `its probe ended with ${ending}` };
  const outcome = JSON.parse(last) as ProbeOutcome;
  return outcome.kind === "failed" ? { kind: "failed", message: readable(outcome.message, err) } : outcome;
}

/** The part of a runtime's message that a person can use; what its libraries could not load is on stderr. */
function readable(message: string, err: string): string {
  const unloaded = /Couldn't load [^\n]+|libcud\w+[^\n]*cannot open[^\n]*/.exec(err)?.[0];
  if (/Failed to load shared library/.test(message)) {
    return `its libraries cannot be loaded${unloaded === undefined ? "" : ` (${unloaded})`}; docs/dependencies.md says how to install them`;
  }
  const sentence = message
    .replace(/^.*was false\.\s*/s, "")
    .trim()
    .split("\n")[0]!
    .replace(/\.$/, "");
  return unloaded === undefined ? sentence : `${sentence} (${unloaded.trim()})`;
}
