// One tiny model, its certificate, and the ways it may be served: the right window, four wrong ones, another model.

import { askEndpoint } from "../../src/checkpoint/certificate-endpoint.ts";
import { makeCertificate } from "../../src/checkpoint/certificate-search.ts";
import { judge, type ProbeEvidence, type ProbeVerdict } from "../../src/checkpoint/certificate-verdict.ts";
import type { Certificate } from "../../src/checkpoint/certificate.ts";
import { certificateModel } from "../../src/cli/certify.ts";
import { withWindow } from "../../src/model/window.ts";
import { serveForeign, type Dialect } from "./foreign-server.ts";
import { byteConfig, files, serveTiny, tokenizer } from "./served-model.ts";
import { tinyWeights } from "./tiny-model.ts";

export const WINDOW = 9;
export const config = byteConfig(WINDOW);
export const weights = tinyWeights(config);

export async function tinyCertificate(): Promise<Certificate> {
  const model = certificateModel({ config, weights, tokenizer, hasTokenizer: true, endIds: files.endIds });
  return makeCertificate(model, { swarr: "0.0.0" });
}

export interface Way {
  readonly name: string;
  readonly verdict: ProbeVerdict;
  readonly window: number | null;
  readonly weightSeed?: number;
}

export const WAYS: readonly Way[] = [
  { name: "its window", verdict: "right-window", window: WINDOW },
  { name: "one less", verdict: "off-by-one", window: WINDOW - 1 },
  { name: "one more", verdict: "off-by-one", window: WINDOW + 1 },
  { name: "full attention", verdict: "full-attention", window: null },
  { name: "another window", verdict: "other", window: WINDOW + 5 },
  { name: "another model", verdict: "other", window: WINDOW, weightSeed: 6 },
];

export interface Outcome extends ProbeEvidence {
  /** which protocol answered */
  readonly through: string;
}

/** Serves the model that way and probes it; a dialect is a server of another kind, null our own. */
export async function probeWay(
  way: Way,
  certificate: Certificate,
  dialect: Dialect | null,
  protocol?: string,
): Promise<Outcome> {
  const served = withWindow(config, way.window);
  const servedWeights = tinyWeights(served, way.weightSeed);
  const server =
    dialect === null
      ? await serveTiny(served, { weights: servedWeights })
      : await serveForeign(dialect, served, servedWeights);
  const lines: string[] = [];
  try {
    const report = (line: string): unknown => lines.push(line);
    const answers = await askEndpoint(certificate, { url: `${server.url}/v1`, protocol, report });
    return { ...judge(certificate, answers), through: lines[0] ?? "" };
  } finally {
    await server.close();
  }
}
