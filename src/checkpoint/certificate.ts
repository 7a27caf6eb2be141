// The serving certificate: prompts longer than the window with the log-probs that a right and three wrong windows give them.

import path from "node:path";
import { SwarrError } from "../base/errors.ts";
import { readText } from "../base/files.ts";
import { asInteger, asNumber, asObject, asString, parseJson, quote, type JsonObject } from "../base/json.ts";
import type { LayerWindow, ModelConfig } from "../model/config.ts";
import { slidingWindow, withWindow } from "../model/window.ts";

/** The file's name in an exported folder. */
export const CERTIFICATE_NAME = "swarr-certificate.json";

const FORMAT = "swarr-certificate/1";

/**
 * The least margin a certificate may have, in nats a token.
 *
 * A server in bfloat16 is off by 0.01 to 0.03 a token. Where candidates are `d` apart and the noise is `s`, the nearest
 * wins by about `d²/(2.5 s)` with an error of `d/√n`: at d = 0.01, s = 0.03 and n = 500 that is three standard errors.
 */
export const LEAST_MARGIN = 0.01;

export interface GoldenPrompt {
  readonly ids: readonly number[];
  /** null where the text does not give the same ids again */
  readonly text: string | null;
  /** log-probs of ids[1 .. edge-1]: the same under every candidate */
  readonly before: readonly number[];
  /** one row a candidate: log-probs of ids[edge ..] */
  readonly past: readonly (readonly number[])[];
  /** the positions that are compared, all >= edge: where the candidates are furthest apart */
  readonly compared: readonly number[];
}

export interface Certificate {
  /** the version that made it */
  readonly swarr: string;
  readonly family: string;
  readonly vocabularySize: number;
  /** tokens a query sees in the layers that slide, itself counted */
  readonly window: number;
  readonly fullAttentionLayers: readonly number[];
  readonly sinkTokens: number;
  /** the window itself first, then one less, one more, full attention (null); one less is left out for a window of 1 */
  readonly candidates: readonly LayerWindow[];
  /** the first position whose log-prob differs between candidates */
  readonly edge: number;
  /** the least mean distance between two candidates of different verdicts over the compared positions, nats a token */
  readonly margin: number;
  /** the text of each token that is compared, by id, for servers that name tokens by their text; ambiguous ones are left out */
  readonly tokenTexts: Readonly<Record<string, string>>;
  readonly prompts: readonly GoldenPrompt[];
}

/**
 * The windows told apart.
 *
 * @throws `BAD_WINDOW` when no layer slides, or layers slide differently
 */
export function candidatesOf(config: ModelConfig): readonly LayerWindow[] {
  const window = slidingWindow(config.windows);
  if (window === null) {
    throw new SwarrError("BAD_WINDOW", {
      what: "Every layer has full attention, so there is no window to certify.",
      expected: "at least one layer that slides.",
      fix: "Convert the model first: swarr convert MODEL --window W --out DIR.",
    });
  }
  return [window, ...(window === 1 ? [] : [window - 1]), window + 1, null];
}

/** The model as a program runs it that takes `candidate` for the window; null is a program that ignores windows altogether. */
export function candidateConfig(config: ModelConfig, candidate: LayerWindow): ModelConfig {
  if (candidate === null) return withWindow(config, null);
  return { ...config, windows: config.windows.map((window) => (window === null ? null : candidate)) };
}

/** The position whose log-prob is the first to differ: its query is the first that the narrowest candidate hides a key from. */
export function edgeOf(candidates: readonly LayerWindow[], sinkTokens: number): number {
  const narrowest = Math.min(...candidates.map((window) => window ?? Infinity));
  return narrowest + sinkTokens + 1;
}

/** The golden log-prob of a position under a candidate, by its index. */
export function goldenAt(prompt: GoldenPrompt, candidate: number, position: number): number {
  const edge = prompt.before.length + 1;
  return position < edge ? prompt.before[position - 1]! : prompt.past[candidate]![position - edge]!;
}

export function certificateText(certificate: Certificate): string {
  const { prompts, ...facts } = certificate;
  const rows = prompts.map((prompt) => `    ${JSON.stringify(prompt)}`).join(",\n");
  const head = JSON.stringify(
    {
      format: FORMAT,
      convention:
        "the window counts the query: query q sees key k exactly when 0 <= q - k < window; null is full attention",
      ...facts,
    },
    null,
    2,
  );
  return `${head.slice(0, -2)},\n  "prompts": [\n${rows}\n  ]\n}\n`;
}

/**
 * Reads a certificate from a file, or from the exported folder that holds one.
 *
 * @throws `FILE_MISSING`, `BAD_JSON`, or `BAD_DATA` when it contradicts itself
 */
export function readCertificate(file: string): Certificate {
  return parseCertificate(readText(file, "the serving certificate"), path.basename(file));
}

/** @throws `BAD_JSON`, or `BAD_DATA` when it contradicts itself */
export function parseCertificate(text: string, where: string): Certificate {
  const row = asObject(parseJson(text, where), where);
  if (row["format"] !== FORMAT) throw bad(where, `its format is ${quote(row["format"])}`, `"${FORMAT}"`);
  const window = asInteger(row["window"], `${where}: window`, 1);
  const sinkTokens = asInteger(row["sinkTokens"], `${where}: sinkTokens`);
  const candidates = listOf(row, "candidates", where).map((value) =>
    value === null ? null : asInteger(value, `${where}: candidates`, 1),
  );
  const edge = asInteger(row["edge"], `${where}: edge`, 1);
  if (candidates[0] !== window || new Set(candidates).size !== candidates.length || candidates.length < 2) {
    throw bad(where, `its candidates are ${quote(candidates)}`, `the window ${window} first, then others`);
  }
  if (edge !== edgeOf(candidates, sinkTokens)) {
    throw bad(where, `its edge is ${edge}`, `${edgeOf(candidates, sinkTokens)}, which its candidates give`);
  }
  const vocabularySize = asInteger(row["vocabularySize"], `${where}: vocabularySize`, 1);
  const shape = { edge, vocabularySize, candidates: candidates.length };
  const prompts = listOf(row, "prompts", where).map((value, i) => parsePrompt(value, shape, `${where}: prompts[${i}]`));
  if (prompts.length === 0) throw bad(where, "it has no prompts", "at least one");
  return {
    swarr: asString(row["swarr"], `${where}: swarr`),
    family: asString(row["family"], `${where}: family`),
    vocabularySize,
    window,
    fullAttentionLayers: listOf(row, "fullAttentionLayers", where).map((layer) => asInteger(layer, where)),
    sinkTokens,
    candidates,
    edge,
    margin: asNumber(row["margin"], `${where}: margin`),
    tokenTexts: Object.fromEntries(
      Object.entries(asObject(row["tokenTexts"], `${where}: tokenTexts`)).map(([id, text]) => [
        id,
        asString(text, `${where}: tokenTexts`),
      ]),
    ),
    prompts,
  };
}

function parsePrompt(
  value: unknown,
  shape: { readonly edge: number; readonly vocabularySize: number; readonly candidates: number },
  where: string,
): GoldenPrompt {
  const row = asObject(value, where);
  const ids = listOf(row, "ids", where).map((id) => asInteger(id, `${where}.ids`));
  const numbers = (list: readonly unknown[], name: string): number[] =>
    list.map((each) => asNumber(each, `${where}.${name}`));
  const before = numbers(listOf(row, "before", where), "before");
  const past = listOf(row, "past", where).map((one) => numbers(asList(one, `${where}.past`), "past"));
  const compared = listOf(row, "compared", where).map((at) => asInteger(at, `${where}.compared`, shape.edge));
  const tail = ids.length - shape.edge;
  const fits =
    ids.every((id) => id < shape.vocabularySize) &&
    before.length === shape.edge - 1 &&
    past.length === shape.candidates &&
    past.every((one) => one.length === tail) &&
    compared.length > 0 &&
    compared.every((at) => at < ids.length);
  if (tail < 1 || !fits) throw bad(where, "its lists do not fit together", "log-probs for every token and candidate");
  const { text } = row;
  return { ids, text: text === null ? null : asString(text, `${where}.text`), before, past, compared };
}

function listOf(row: JsonObject, key: string, where: string): readonly unknown[] {
  return asList(row[key], `${where}: ${key}`);
}

function asList(value: unknown, where: string): readonly unknown[] {
  if (Array.isArray(value)) return value as readonly unknown[];
  throw bad(where, `it is ${quote(value)}`, "a list");
}

function bad(where: string, fault: string, expected: string): SwarrError {
  return new SwarrError("BAD_DATA", {
    what: `${where} is no certificate to go by: ${fault}.`,
    expected: `${expected}.`,
    fix: "Export the model again with swarr export.",
  });
}
