// `swarr export`: a folder that states its window, with a certificate by which any server of it can be probed.

import type { Command } from "commander";
import type { Certificate } from "../../checkpoint/certificate.ts";
import type { Checkpoint } from "../../checkpoint/load.ts";
import type { CommandModule } from "../command.ts";
import { outputPath } from "../flags.ts";
import { withInterrupt } from "../interrupt.ts";
import { JSON_FLAG, note, printResult } from "../output.ts";

interface ExportFlags {
  readonly out: string;
  readonly certificate: boolean;
  readonly push?: string;
  readonly json?: boolean;
}

export const exportCommand: CommandModule = {
  name: "export",
  summary: "a checkpoint with a serving certificate and a model card",
  example: "swarr export runs/gsm8k/checkpoints/swa/rl --out my-model-w4096",
  register(program: Command): void {
    program
      .command("export <model>")
      .description(
        "Copies the checkpoint, its window stated in every way its family reads it, and adds a model card and a certificate:\n" +
          "prompts longer than the window with their log-probs under the right window, one less, one more and full attention.\n" +
          "swarr probe runs it against a folder or a server. A full-attention model gets no certificate.",
      )
      .requiredOption("--out <folder>", "where the export goes; must not exist", outputPath)
      .option("--no-certificate", "leave the certificate out")
      .option("--push <name>", "upload the export to the hub as org/name (token: HF_TOKEN)")
      .option(...JSON_FLAG)
      .action(exportModel);
  },
};

async function exportModel(model: string, flags: ExportFlags): Promise<void> {
  const { openModel } = await import("../../checkpoint/open-model.ts");
  const { loadCheckpoint } = await import("../../checkpoint/load.ts");
  const { requireFreePlace } = await import("../../checkpoint/save.ts");
  const { CERTIFICATE_NAME, certificateText } = await import("../../checkpoint/certificate.ts");
  const { convertCheckpoint } = await import("../../checkpoint/convert.ts");
  const { slidingWindow } = await import("../../model/window.ts");
  requireFreePlace(flags.out);
  const push = await pushTarget(flags.push);
  const source = await openModel(model, note);
  const checkpoint = await loadCheckpoint(source);
  const { windows, sinkTokens } = checkpoint.config;
  const window = slidingWindow(windows);
  const reason = whyNone(window, flags.certificate);
  const certificate = reason === null ? await certify(checkpoint) : null;
  if (reason !== null) note(`No certificate: ${reason}`);
  const fullAttentionLayers = [...windows.keys()].filter((layer) => windows[layer] === null);
  const card = window === null ? null : await cardText(source, flags.out, checkpoint, window, certificate);
  const { requireRightWindow } = await import("../certify.ts");
  const converted = await withInterrupt("Start it again; nothing was written.", (signal) =>
    convertCheckpoint({
      source,
      out: flags.out,
      window,
      sinkTokens,
      ...(window === null ? {} : { fullAttentionLayers }),
      added: {
        ...(card === null ? {} : { "README.md": card }),
        ...(certificate === null ? {} : { [CERTIFICATE_NAME]: certificateText(certificate) }),
      },
      inspect: async (folder) => {
        if (certificate !== null) await requireRightWindow(certificate, folder);
      },
      signal,
    }),
  );
  const pushed = push === null ? null : await push(flags.out);
  const { family } = converted.config;
  const figures = certificate === null ? null : figuresOf(certificate);
  const document = { out: flags.out, family, window, windows, certificate: figures, reason };
  printResult(flags.json, { ...document, ...(pushed === null ? {} : { pushed }) }, () => sentence(document));
}

function whyNone(window: number | null, wanted: boolean): string | null {
  if (window === null) return "every layer has full attention, so there is no window that a server could get wrong.";
  return wanted ? null : "--no-certificate is given; a server of this folder cannot be probed.";
}

async function certify(checkpoint: Checkpoint): Promise<Certificate> {
  const { makeCertificate } = await import("../../checkpoint/certificate-search.ts");
  const { certificateModel } = await import("../certify.ts");
  const { packageVersion } = await import("../version.ts");
  return makeCertificate(certificateModel(checkpoint), { swarr: packageVersion(), report: note });
}

async function cardText(
  source: string,
  out: string,
  { config }: Checkpoint,
  window: number,
  certificate: Certificate | null,
): Promise<string> {
  const path = await import("node:path");
  const { modelCard } = await import("../../report/model-card.ts");
  const { packageVersion } = await import("../version.ts");
  const { originOf } = await import("../origin.ts");
  const swarrVersion = packageVersion();
  return modelCard({
    name: path.basename(path.resolve(out)),
    family: config.family,
    ...originOf(source),
    window,
    fullAttentionLayers: [...config.windows.keys()].filter((layer) => config.windows[layer] === null),
    layerCount: config.layerCount,
    sinkTokens: config.sinkTokens,
    // Only what the certificate was run against: the export itself, read again.
    loaders: certificate === null ? [] : [{ loader: `swarr ${swarrVersion}`, verdict: "right-window" }],
    swarrVersion,
  });
}

type Push = (folder: string) => Promise<object>;

/** Checked before the long work; null when nothing is to be pushed. */
async function pushTarget(text: string | undefined): Promise<Push | null> {
  if (text === undefined) return null;
  const { hubSettings, parseHubName } = await import("../../checkpoint/hub-cache.ts");
  const { SwarrError } = await import("../../base/errors.ts");
  const name = parseHubName(text);
  if (name === null) {
    throw new SwarrError("BAD_ARGUMENT", {
      what: `--push is "${text}".`,
      expected: "a name on the hub, as org/name.",
      fix: "Correct the name.",
    });
  }
  return async (folder) => {
    const { pushFolder } = await import("../../checkpoint/hub-push.ts");
    return pushFolder(folder, name, hubSettings(), note);
  };
}

interface CertificateFigures extends Pick<Certificate, "margin" | "edge" | "candidates"> {
  readonly prompts: number;
  readonly tokens: number;
}

function figuresOf({ prompts, margin, edge, candidates }: Certificate): CertificateFigures {
  const tokens = prompts.reduce((total, { compared }) => total + compared.length, 0);
  return { prompts: prompts.length, tokens, edge, candidates, margin };
}

interface Exported {
  readonly out: string;
  readonly family: string;
  readonly window: number | null;
  readonly certificate: CertificateFigures | null;
}

function sentence({ out, family, window, certificate }: Exported): string {
  const plan = window === null ? "full attention" : `a window of ${window}`;
  if (certificate === null) return `${out}: ${family} with ${plan}, without a certificate`;
  const { prompts, tokens, margin } = certificate;
  return (
    `${out}: ${family} with ${plan} and a certificate: ${tokens} tokens of ${prompts} prompts, ` +
    `other windows at least ${margin.toPrecision(2)} nats a token away`
  );
}
