// `swarr export`, `swarr probe` and `swarr serve` as a person runs them, one after the other.

import { spawn, type ChildProcess } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import os from "node:os";
import type { ProbeResult } from "../../checkpoint/certificate-verdict.ts";
import { runCli } from "../program.ts";

const MAIN = path.resolve(import.meta.dirname, "../../../dist/cli/main.js");
/** No server outlives its test by much. */
const LIFETIME_MS = 60_000;

const written = { stdout: "", stderr: "" };
let folder: string;
const at = (name: string): string => path.join(folder, name);

function listen(): void {
  vi.spyOn(process.stdout, "write").mockImplementation((text) => ((written.stdout += String(text)), true));
  vi.spyOn(process.stderr, "write").mockImplementation((text) => ((written.stderr += String(text)), true));
}

async function swarr(...args: readonly string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  written.stdout = "";
  written.stderr = "";
  const status = await runCli(args);
  return { status, ...written };
}

async function probed(...args: readonly string[]): Promise<{ status: number; stderr: string; result: ProbeResult }> {
  const { status, stdout, stderr } = await swarr("probe", ...args, "--json");
  return { status, stderr, result: JSON.parse(stdout) as ProbeResult };
}

interface Server {
  readonly url: string;
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
}

async function served(...args: readonly string[]): Promise<Server> {
  const child = spawn(process.execPath, [MAIN, "serve", ...args, "--port", "0", "--json"], {
    stdio: ["ignore", "pipe", "inherit"],
    timeout: LIFETIME_MS,
  });
  const ended = new Promise<number | null>((resolve) => child.on("exit", resolve));
  const line = await Promise.race([
    new Promise<string>((resolve) => child.stdout.once("data", (chunk: Buffer) => resolve(chunk.toString()))),
    ended.then((status) => `{"url":"the server ended with ${status}"}`),
  ]);
  return { url: (JSON.parse(line) as { readonly url: string }).url, child, ended };
}

beforeAll(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "swarr-probe-"));
  listen();
  await swarr("init", "--out", at("base"), "--d", "32", "--seed", "2");
  await swarr("convert", at("base"), "--window", "8", "--out", at("windowed"));
  fs.writeFileSync(path.join(at("windowed"), "README.md"), "---\nlicense: mit\n---\n# The base model\n");
  expect((await swarr("export", at("windowed"), "--out", at("exported"))).status, written.stderr).toBe(0);
  vi.restoreAllMocks();
});
afterAll(() => {
  fs.rmSync(folder, { recursive: true, force: true });
});
beforeEach(listen);
afterEach(() => {
  vi.restoreAllMocks();
});

/** A copy of the export whose config.json is changed. */
function tampered(name: string, change: (config: Record<string, unknown>) => void): string {
  fs.cpSync(at("exported"), at(name), { recursive: true });
  const file = path.join(at(name), "config.json");
  const config = JSON.parse(fs.readFileSync(file, "utf8")) as Record<string, unknown>;
  change(config);
  fs.writeFileSync(file, JSON.stringify(config));
  return at(name);
}

describe("swarr export", () => {
  it("leaves the weights byte-equal and says in figures what the certificate can tell", async () => {
    const { status, stdout } = await swarr("export", at("windowed"), "--out", at("again"), "--json");
    expect(status).toBe(0);
    const document = JSON.parse(stdout) as { certificate: { margin: number; tokens: number } };
    expect(document).toMatchObject({ family: "qwen2", window: 8, windows: [8, 8], reason: null });
    expect(document.certificate).toMatchObject({ prompts: 8, tokens: 384, edge: 8, candidates: [8, 7, 9, null] });
    expect(document.certificate.margin).toBeGreaterThan(0.01);
    const weights = (name: string): Buffer => fs.readFileSync(path.join(at(name), "model.safetensors"));
    expect(weights("again").equals(weights("base"))).toBe(true);
    // The same model and version give the same certificate.
    const certificate = (name: string): string =>
      fs.readFileSync(path.join(at(name), "swarr-certificate.json"), "utf8");
    expect(certificate("again")).toBe(certificate("exported"));
  });

  it("writes a model card that states the window and keeps the licence", () => {
    const card = fs.readFileSync(path.join(at("exported"), "README.md"), "utf8");
    expect(card).toContain("**W = 8, the query counted**");
    expect(card).toContain('license: "mit"');
    expect(card).not.toContain("The base model");
  });

  it("gives a full-attention model no certificate and says why", async () => {
    const { status, stdout, stderr } = await swarr("export", at("base"), "--out", at("full"), "--json");
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ window: null, certificate: null });
    expect((JSON.parse(stdout) as { reason: string }).reason).toMatch(/full attention/);
    expect(stderr).toContain("No certificate: every layer has full attention");
    expect(fs.existsSync(path.join(at("full"), "swarr-certificate.json"))).toBe(false);
    const probe = await swarr("probe", at("full"));
    expect([probe.status, probe.stderr]).toEqual([2, expect.stringMatching(/swarr-certificate\.json.*FILE_MISSING/)]);
  });

  it("refuses a taken place before any work, and converting an export leaves its certificate behind", async () => {
    const refused = await swarr("export", at("windowed"), "--out", at("exported"));
    expect([refused.status, refused.stderr]).toEqual([2, expect.stringContaining("[FILE_EXISTS]")]);
    await swarr("convert", at("exported"), "--window", "16", "--out", at("wider"));
    expect(fs.existsSync(path.join(at("wider"), "swarr-certificate.json"))).toBe(false);
  });
});

describe("swarr probe", () => {
  it("finds the right window in the export itself: status 0 and the figures of all candidates", async () => {
    const { status, result } = await probed(at("exported"));
    expect([status, result.verdict, result.window]).toEqual([0, "right-window", 8]);
    expect(Object.keys(result)).toEqual(["verdict", "window", "candidates", "margin"]);
    expect(Object.keys(result.candidates[0]!)).toEqual(["window", "meanAbs", "maxAbs", "tokens"]);
    expect(result.candidates[0]!.maxAbs).toBeLessThan(1e-5);
    const others = result.candidates.slice(1).map(({ meanAbs }) => meanAbs);
    expect(result.margin).toBeCloseTo(Math.min(...others), 5);
  });

  it("tells folders apart whose config states another window, none, or whose weights are others", async () => {
    const wider = tampered("off", (config) => (config["sliding_window"] = 9));
    expect(await probed(wider)).toMatchObject({ status: 2, result: { verdict: "off-by-one", window: 8 } });
    const full = tampered("none", (config) => {
      config["use_sliding_window"] = false;
      config["layer_types"] = ["full_attention", "full_attention"];
    });
    const probe = await probed(full);
    expect(probe).toMatchObject({ status: 2, result: { verdict: "full-attention" } });
    expect(probe.stderr).toMatch(/runs full attention\..*\[PROBE_FAILED\]/);
    await swarr("init", "--out", at("other"), "--d", "32", "--seed", "3");
    const other = await probed(at("other"), "--certificate", at("exported"));
    expect(other).toMatchObject({ status: 2, result: { verdict: "other" } });
  });

  it("takes what is no address for the user's mistake", async () => {
    const { status, stderr } = await swarr("probe", "http://[bad", "--certificate", at("exported"));
    expect([status, stderr]).toEqual([2, expect.stringMatching(/"http:\/\/\[bad" is no web address.*BAD_ARGUMENT/)]);
  });

  it("finds the certificate of a folder served on this machine, and stops its server with Ctrl-C", async () => {
    const server = await served(at("exported"));
    expect(await probed(server.url)).toMatchObject({ status: 0, result: { verdict: "right-window" } });
    server.child.kill("SIGINT");
    expect(await server.ended).toBe(0);
    const gone = await swarr("probe", server.url, "--certificate", at("exported"));
    expect([gone.status, gone.stderr]).toEqual([2, expect.stringMatching(/gave no answer.*\[NETWORK\]/)]);
  });

  it("sees a server that runs another window than the folder states", async () => {
    const server = await served(at("exported"), "--window", "7");
    const { status, result } = await probed(server.url, "--protocol", "echo");
    expect([status, result.verdict]).toEqual([2, "off-by-one"]);
    const [, less] = result.candidates;
    expect([less!.window, less!.maxAbs < 1e-5]).toEqual([7, true]);
    server.child.kill("SIGTERM");
    expect(await server.ended).toBe(0);
  });

  it.each([
    [
      ["http://127.0.0.1:9", "--protocol", "smoke", "--certificate", "EXPORTED"],
      /protocol is "smoke"\. Expected one of vllm, echo.*BAD_ARGUMENT/,
    ],
    [["EXPORTED", "--protocol", "vllm"], /--protocol is given, but .* is no server.*BAD_ARGUMENT/],
    [["EXPORTED", "--certificate", "nowhere.json"], /nowhere\.json.*FILE_MISSING/],
    [["http://127.0.0.1:9", "--api-key-env", "SWARR_NO_SUCH_KEY"], /SWARR_NO_SUCH_KEY is empty.*BAD_ARGUMENT/],
  ])("refuses %j with status 2 and a sentence", async (args, message) => {
    const real = args.map((arg) => (arg === "EXPORTED" ? at("exported") : arg));
    const { status, stderr } = await swarr("probe", ...real);
    expect([status, stderr]).toEqual([2, expect.stringMatching(message)]);
  });
});
