// `swarr probe`: does this folder or server really run the window that the certificate is for?

import type { Command } from "commander";
import type { Certificate } from "../../checkpoint/certificate.ts";
import type { ProbeEvidence, ServedLogProbs } from "../../checkpoint/certificate-verdict.ts";
import type { CommandModule } from "../command.ts";
import { withInterrupt } from "../interrupt.ts";
import { JSON_FLAG, note, printResult } from "../output.ts";

interface ProbeFlags {
  readonly certificate?: string;
  readonly protocol?: string;
  readonly endpointModel?: string;
  readonly apiKeyEnv?: string;
  readonly json?: boolean;
}

export const probeCommand: CommandModule = {
  name: "probe",
  summary: "run an export's certificate against a folder or a server",
  example: "swarr probe http://127.0.0.1:8000 --certificate my-model-w4096",
  register(program: Command): void {
    program
      .command("probe <target>")
      .description(
        "Compares log-probs with the certificate's: right-window, off-by-one, full-attention, or other. A folder runs on\n" +
          "swarr's own engine as its config states; a server is asked through vLLM's, SGLang's, llama.cpp's or the plain\n" +
          "completions protocol. Exit status 0 for the right window, else 2.",
      )
      .option(
        "--certificate <path>",
        "the certificate, or the exported folder that holds it (default: the target's own)",
      )
      .option("--protocol <name>", "vllm, echo, sglang, llama.cpp or openai (default: the first that answers)")
      .option("--endpoint-model <name>", "the model's name at the server (default: the only one it lists)")
      .option("--api-key-env <name>", "environment variable that holds the server's key")
      .option(...JSON_FLAG)
      .action(probe);
  },
};

async function probe(target: string, flags: ProbeFlags): Promise<void> {
  const { judge } = await import("../../checkpoint/certificate-verdict.ts");
  const { certificate, served } = await withInterrupt("Start the probe again.", (signal) =>
    /^https?:\/\//.test(target) ? askServer(target, flags, signal) : readFolder(target, flags),
  );
  const evidence = judge(certificate, served);
  for (const remark of remarks(evidence)) note(remark);
  const { result } = evidence;
  printResult(flags.json, result, () => table(evidence));
  if (result.verdict === "right-window") return;
  const { SwarrError } = await import("../../base/errors.ts");
  throw new SwarrError("PROBE_FAILED", {
    what: `${target} ${FINDINGS[result.verdict]}${result.verdict === "off-by-one" ? `: a window of ${evidence.nearest}` : ""}.`,
    expected: `a window of ${result.window}, the query counted.`,
    fix: "Serve it with a program that honours the window, or correct what it was told about it.",
  });
}

const FINDINGS = {
  "off-by-one": "is off by one",
  "full-attention": "runs full attention",
  other: "runs something else: another model, another window, or arithmetic far too coarse",
} as const;

interface Asked {
  readonly certificate: Certificate;
  readonly served: readonly ServedLogProbs[];
}

async function readFolder(target: string, flags: ProbeFlags): Promise<Asked> {
  for (const [flag, value] of [
    ["--protocol", flags.protocol],
    ["--endpoint-model", flags.endpointModel],
    ["--api-key-env", flags.apiKeyEnv],
  ]) {
    if (value === undefined) continue;
    throw await badArgument(`${flag} is given, but ${target} is no server.`, "a server's address with it.");
  }
  const { openModel } = await import("../../checkpoint/open-model.ts");
  const { loadCheckpoint } = await import("../../checkpoint/load.ts");
  const { logProbsOfFolder } = await import("../certify.ts");
  const folder = await openModel(target, note);
  const certificate = await certificateAt(flags.certificate ?? folder);
  return { certificate, served: await logProbsOfFolder(certificate, await loadCheckpoint(folder)) };
}

async function askServer(url: string, flags: ProbeFlags, signal: AbortSignal): Promise<Asked> {
  if (!URL.canParse(url)) throw await badArgument(`"${url}" is no web address.`, "one such as http://127.0.0.1:8000.");
  const { askEndpoint } = await import("../../checkpoint/certificate-endpoint.ts");
  const apiKey = flags.apiKeyEnv === undefined ? undefined : process.env[flags.apiKeyEnv];
  if (flags.apiKeyEnv !== undefined && (apiKey === undefined || apiKey === "")) {
    throw await badArgument(
      `The environment variable ${flags.apiKeyEnv} is empty or not set.`,
      "the server's key in it.",
    );
  }
  const { endpointModel: model, protocol } = flags;
  const options = { url, model, protocol, apiKey, signal, report: note };
  const certificate = await certificateAt(flags.certificate ?? (await folderOf(options)));
  return { certificate, served: await askEndpoint(certificate, options) };
}

/** A server on this machine says which folder it serves; for others the certificate has to be at hand. */
async function folderOf(options: { readonly url: string; readonly signal: AbortSignal }): Promise<string> {
  const fs = await import("node:fs");
  const path = await import("node:path");
  const { CERTIFICATE_NAME } = await import("../../checkpoint/certificate.ts");
  const { servedFolder } = await import("../../checkpoint/certificate-endpoint.ts");
  const local = ["127.0.0.1", "localhost", "[::1]"].includes(new URL(options.url).hostname);
  const folder = local ? await servedFolder(options) : null;
  const found = [folder, "."].find((one) => one !== null && fs.existsSync(path.join(one, CERTIFICATE_NAME)));
  if (found === undefined || found === null) {
    const { SwarrError } = await import("../../base/errors.ts");
    throw new SwarrError("FILE_MISSING", {
      what: `No ${CERTIFICATE_NAME} is at hand for ${options.url}${folder === null ? "" : `, which serves ${folder}`}.`,
      expected: "the certificate that swarr export wrote.",
      fix: "Name it, or the exported folder, with --certificate.",
    });
  }
  note(`Certificate: ${path.join(found, CERTIFICATE_NAME)}`);
  return found;
}

async function certificateAt(place: string): Promise<Certificate> {
  const fs = await import("node:fs");
  const path = await import("node:path");
  const { CERTIFICATE_NAME, readCertificate } = await import("../../checkpoint/certificate.ts");
  const isFolder = fs.statSync(place, { throwIfNoEntry: false })?.isDirectory() ?? false;
  return readCertificate(isFolder ? path.join(place, CERTIFICATE_NAME) : place);
}

async function badArgument(what: string, expected: string): Promise<Error> {
  const { SwarrError } = await import("../../base/errors.ts");
  return new SwarrError("BAD_ARGUMENT", { what, expected, fix: "See swarr probe --help." });
}

function remarks({ noise, standardErrors, unknown, result }: ProbeEvidence): readonly string[] {
  const known = result.candidates[0]!.tokens;
  return [
    ...(unknown > 0
      ? [`${unknown} of ${known + unknown} golden tokens were not in the server's lists and do not count.`]
      : []),
    ...(noise !== null ? [`Before the window's edge log-probs are off by ${noise.toPrecision(2)} nats a token.`] : []),
    ...(standardErrors < 3
      ? [`The two nearest candidates are too close to call: ${standardErrors.toFixed(1)} standard errors apart.`]
      : []),
  ];
}

function table({ result, nearest }: ProbeEvidence): string {
  const rows = result.candidates.map(({ window, meanAbs, maxAbs, tokens }) => {
    const name = window === null ? "full attention" : `window ${window}`;
    const cells = [meanAbs.toPrecision(3), maxAbs.toPrecision(3), String(tokens)].map((cell) => cell.padStart(11));
    return `${window === nearest ? ">" : " "} ${name.padEnd(16)}${cells.join("")}`;
  });
  const title = `${result.verdict} (certificate: window ${result.window}; margin ${result.margin.toPrecision(2)} nats a token)`;
  return [
    title,
    `  ${"candidate".padEnd(16)}${["mean |d|", "max |d|", "tokens"].map((cell) => cell.padStart(11)).join("")}`,
    ...rows,
  ].join("\n");
}
