// Making a certificate: many prompts are tried under every candidate window, and those that tell them apart are kept.

import { SwarrError } from "../base/errors.ts";
import { randomStream, type RandomStream } from "../base/seeds.ts";
import type { LayerWindow, ModelConfig } from "../model/config.ts";
import { candidatesOf, edgeOf, LEAST_MARGIN, type Certificate, type GoldenPrompt } from "./certificate.ts";

/** What the search needs of the model; the engine behind it is not this room's. */
export interface CertificateModel {
  readonly config: ModelConfig;
  /** ids that a made-up text may use: no special tokens, none that the tokenizer lacks */
  readonly ordinaryIds: readonly number[];
  /** log-probs of the texts (entry 0 of each is NaN) with the sliding layers' window replaced */
  score(candidate: LayerWindow, texts: readonly (readonly number[])[]): Promise<readonly Float32Array[]>;
  /** the texts, each continued to `length` tokens by the model under its own window, at temperature 1 */
  continued(texts: readonly (readonly number[])[], length: number): Promise<readonly (readonly number[])[]>;
  /** null where the text does not give the same ids again */
  textOf(ids: readonly number[]): string | null;
  /** the text of one token as servers show it; null where it has none of its own (a part of a character) */
  tokenText(id: number): string | null;
}

export interface CertificateOptions {
  readonly swarr: string;
  readonly report?: (line: string) => void;
}

/** Tokens past the edge: enough that twice the window still hides some, where that is not too many. */
const TAIL = { least: 96, pastWindow: 64, most: 320 } as const;
/** Of the tokens past the edge the better half is compared, and no more than this: some servers take a request for each. */
const MOST_COMPARED = 64;
/** A certificate with fewer could not average noise away. */
const LEAST_TAIL = 16;
/** Tokens scored under each candidate in all, about. */
const BUDGET = 12_288;
/** Up to this edge whole prompts are written by the model; beyond, only their tails. */
const WRITTEN_WHOLE = 384;

/**
 * Tries prompts of four kinds and keeps the half that separates best: two kinds that the model wrote itself, whose tokens
 * a server's list of likeliest tokens holds, and two that repeat with a period at the window's edge.
 *
 * @throws `BAD_WINDOW` when there is no window, or it reaches over every position the model has;
 *   `PROBE_FAILED` when no prompts separate the candidates by LEAST_MARGIN
 */
export async function makeCertificate(model: CertificateModel, options: CertificateOptions): Promise<Certificate> {
  const { config } = model;
  const candidates = candidatesOf(config);
  const window = candidates[0]!;
  const edge = edgeOf(candidates, config.sinkTokens);
  const tail = Math.min(Math.max(window + TAIL.pastWindow, TAIL.least), TAIL.most);
  const length = Math.min(edge + tail, config.maxPositions);
  if (length < edge + LEAST_TAIL) throw neverActs(window, edge, config.maxPositions);
  const each = Math.min(4, Math.max(1, Math.round(BUDGET / length / 4)));
  options.report?.(`Trying ${4 * each} prompts of ${length} tokens under ${candidates.length} windows.`);
  const texts = await textsToTry(model, { window, edge, length, each });
  const scores: (readonly Float32Array[])[] = [];
  for (const candidate of candidates) {
    scores.push(await model.score(candidate, texts));
    options.report?.(`Scored under ${candidate === null ? "full attention" : `a window of ${candidate}`}.`);
  }
  const tried = texts.map((ids, i) =>
    goldenPrompt(
      ids,
      scores.map((one) => one[i]!),
      edge,
      model.textOf(ids),
    ),
  );
  const prompts = bestHalf(tried, candidates, 2 * each);
  const margin = leastSeparation(prompts, candidates, edge);
  if (!(margin >= LEAST_MARGIN)) throw tooAlike(window, margin);
  return {
    swarr: options.swarr,
    family: config.family,
    vocabularySize: config.vocabularySize,
    window,
    fullAttentionLayers: [...config.windows.keys()].filter((layer) => config.windows[layer] === null),
    sinkTokens: config.sinkTokens,
    candidates,
    edge,
    margin: shortened(margin),
    tokenTexts: tokenTexts(model, prompts),
    prompts,
  };
}

interface Sizes {
  readonly window: number;
  readonly edge: number;
  readonly length: number;
  /** prompts of each kind */
  readonly each: number;
}

/** The texts that the model wrote first, then as many that it did not. */
async function textsToTry(model: CertificateModel, sizes: Sizes): Promise<readonly (readonly number[])[]> {
  const { window, edge, length, each } = sizes;
  const { ordinaryIds } = model;
  const repeated = (item: number, period: number, count: number): readonly number[] => {
    const stream = randomStream({ root: 0, purpose: "certificate", step: period, item });
    const block = Array.from({ length: Math.min(period, count) }, () => pick(ordinaryIds, stream));
    return Array.from({ length: count }, (_, i) => block[i % period]!);
  };
  const items = Array.from({ length: each }, (_, item) => item);
  const starts = [
    // A period beyond the count never repeats: plain random tokens.
    ...items.map((item) => repeated(item, 2 * length, edge <= WRITTEN_WHOLE ? Math.min(8, edge) : edge)),
    // An attention head that copies looks exactly W-1 tokens back here, which one token less hides.
    ...items.map((item) => repeated(item, window, edge)),
  ];
  return [
    ...(await model.continued(starts, length)),
    ...items.map((item) => repeated(each + item, window, length)),
    // And here one token beyond the window, which one token more shows.
    ...items.map((item) => repeated(each + item, window + 1, length)),
  ];
}

function goldenPrompt(
  ids: readonly number[],
  rows: readonly Float32Array[],
  edge: number,
  text: string | null,
): GoldenPrompt {
  const past = rows.map((row) => Array.from(row.subarray(edge), shortened));
  const before = Array.from(rows[0]!.subarray(1, edge), shortened);
  const tail = ids.length - edge;
  const spread = Array.from({ length: tail }, (_, i) =>
    Math.min(...pairsApart(rows.length).map(([a, b]) => Math.abs(past[a]![i]! - past[b]![i]!))),
  );
  const count = Math.min(Math.ceil(tail / 2), MOST_COMPARED);
  const furthest = [...spread.keys()].sort((a, b) => spread[b]! - spread[a]!).slice(0, count);
  const compared = furthest.map((i) => edge + i).sort((a, b) => a - b);
  return { ids, text, before, past, compared };
}

function tokenTexts(model: CertificateModel, prompts: readonly GoldenPrompt[]): Readonly<Record<string, string>> {
  const idOf = new Map<string, number | null>();
  for (const id of new Set(prompts.flatMap(({ ids }) => ids))) {
    const text = model.tokenText(id);
    if (text !== null) idOf.set(text, idOf.has(text) ? null : id);
  }
  return Object.fromEntries([...idOf].flatMap(([text, id]) => (id === null ? [] : [[String(id), text]])));
}

/** The best half, at least half of it from what the model wrote. @param written  how many at the front the model wrote */
function bestHalf(
  prompts: readonly GoldenPrompt[],
  candidates: readonly LayerWindow[],
  written: number,
): readonly GoldenPrompt[] {
  const order = (list: readonly GoldenPrompt[]): readonly GoldenPrompt[] => {
    const edge = list[0]!.before.length + 1;
    const of = new Map(list.map((prompt) => [prompt, leastSeparation([prompt], candidates, edge)]));
    return list.toSorted((a, b) => of.get(b)! - of.get(a)!);
  };
  const own = order(prompts.slice(0, written)).slice(0, Math.ceil(written / 2));
  const others = order(prompts.filter((prompt) => !own.includes(prompt)));
  return [...own, ...others.slice(0, prompts.length / 2 - own.length)];
}

/** The least over pairs of candidates with different verdicts of their mean distance over the compared positions. */
function leastSeparation(prompts: readonly GoldenPrompt[], candidates: readonly LayerWindow[], edge: number): number {
  const count = prompts.reduce((total, { compared }) => total + compared.length, 0);
  const distances = pairsApart(candidates.length).map(([a, b]) =>
    prompts.reduce(
      (total, { past, compared }) =>
        total + compared.reduce((sum, at) => sum + Math.abs(past[a]![at - edge]! - past[b]![at - edge]!), 0),
      0,
    ),
  );
  return Math.min(...distances) / count;
}

/** Pairs of candidates, by index, that stand for different verdicts: one less and one more are both "off by one". */
function pairsApart(count: number): readonly (readonly [number, number])[] {
  const [right, full] = [0, count - 1];
  const offByOne = Array.from({ length: count - 2 }, (_, i) => i + 1);
  return [[right, full], ...offByOne.flatMap((one) => [[right, one] as const, [one, full] as const])];
}

function pick(ids: readonly number[], stream: RandomStream): number {
  return ids[stream.integer(ids.length)]!;
}

/** Float32 has 7 to 8 digits; more would be noise. */
function shortened(value: number): number {
  return Number(value.toPrecision(8));
}

function neverActs(window: LayerWindow, edge: number, maxPositions: number): SwarrError {
  return new SwarrError("BAD_WINDOW", {
    what: `The window of ${window} first hides a token at position ${edge}, and the model has ${maxPositions} positions.`,
    expected: `at least ${edge + LEAST_TAIL} positions, for prompts longer than the window.`,
    fix: "Convert the model to a smaller window.",
  });
}

function tooAlike(window: LayerWindow, margin: number): SwarrError {
  return new SwarrError("PROBE_FAILED", {
    what: `Of the prompts tried, the best tell a window of ${window} from its neighbours or from full attention by ${margin.toPrecision(2)} nats a token.`,
    expected: `at least ${LEAST_MARGIN}, which the noise of a server in bfloat16 does not cover.`,
    fix: "Train the windowed model first, or export it with --no-certificate.",
  });
}
