// From a server's log-probs to a verdict: which candidate of the certificate lies nearest, and whether it is near enough.

import { SwarrError } from "../base/errors.ts";
import type { LayerWindow } from "../model/config.ts";
import { goldenAt, type Certificate } from "./certificate.ts";

export type ProbeVerdict = "right-window" | "off-by-one" | "full-attention" | "other";

export interface CandidateFigures {
  /** null is full attention */
  readonly window: LayerWindow;
  /** mean and largest |log-prob served - golden log-prob|, nats */
  readonly meanAbs: number;
  readonly maxAbs: number;
  /** golden tokens whose log-prob the server gave */
  readonly tokens: number;
}

/** What `swarr probe --json` prints. */
export interface ProbeResult {
  readonly verdict: ProbeVerdict;
  /** the window that the certificate is for */
  readonly window: number;
  /** as the certificate lists them: the right window first */
  readonly candidates: readonly CandidateFigures[];
  /** by how much the nearest candidate's mean is below the next one's, nats a token */
  readonly margin: number;
}

export interface ProbeEvidence {
  readonly result: ProbeResult;
  /** the nearest candidate's window */
  readonly nearest: LayerWindow;
  /** mean |difference| before the window's edge, where every candidate is the same: what the server's arithmetic adds */
  readonly noise: number | null;
  /** the margin in standard errors; below 3 the two nearest candidates are too close to call */
  readonly standardErrors: number;
  /** golden tokens whose log-prob the server did not give */
  readonly unknown: number;
}

/** A log-prob for each token of a prompt, null where the server gave none. */
export type ServedLogProbs = readonly (number | null)[];

/** Differences above this share of the log-probs' own spread are not arithmetic: it is another model. */
const SAME_MODEL = 0.25;
/** Noise past the edge is at most about this many times the noise before it: that much is always near enough. */
const NOISE_GROWTH = 3;
/** Further away than this share of its distance to the next candidate, the nearest may be one that nobody thought of. */
const CLOSE = 1 / 3;
/** Nor is that share arithmetic where it is far above the noise before the edge: more than tenfold and 0.01 nats. */
const FAR_ABOVE_NOISE = { factor: 10, nats: 0.01 } as const;

/**
 * The verdict is the nearest candidate by mean |difference|; noise without a side adds as much to one as to the other.
 * It is "other" when even the nearest is further away than the server's noise before the edge explains.
 *
 * @param served  one list a prompt of the certificate, as long as its ids
 * @throws `PROBE_FAILED` when no golden token is known
 */
export function judge(certificate: Certificate, served: readonly ServedLogProbs[]): ProbeEvidence {
  const known = collect(certificate, served);
  const { values, golden, unknown } = known;
  if (values.length === 0) throw nothingKnown(unknown);
  const candidates = certificate.candidates.map((window, c) => {
    const differences = values.map((value, i) => Math.abs(value - golden[c]![i]!));
    return { window, meanAbs: mean(differences), maxAbs: largest(differences), tokens: values.length };
  });
  const order = [...candidates.keys()].sort((a, b) => candidates[a]!.meanAbs - candidates[b]!.meanAbs);
  const [first, second] = [order[0]!, order[1]!];
  const leads = values.map((value, i) => Math.abs(value - golden[second]![i]!) - Math.abs(value - golden[first]![i]!));
  const { before, goldenBefore } = known;
  const noise = before.length === 0 ? null : mean(before.map((value, i) => Math.abs(value - goldenBefore[i]!)));
  const distances = golden
    .filter((_, c) => c !== first)
    .map((row) => mean(row.map((value, i) => Math.abs(value - golden[first]![i]!))));
  const near = isNear({
    meanAbs: candidates[first]!.meanAbs,
    noise,
    spread: spreadOf([...golden[first]!, ...goldenBefore]),
    toOthers: Math.min(...distances),
  });
  const nearest = candidates[first]!.window;
  return {
    result: {
      verdict: near ? verdictOf(first, nearest) : "other",
      window: certificate.window,
      candidates,
      margin: candidates[second]!.meanAbs - candidates[first]!.meanAbs,
    },
    nearest,
    noise,
    standardErrors: mean(leads) / standardError(leads),
    unknown,
  };
}

interface Known {
  /** log-probs served at the compared positions */
  readonly values: readonly number[];
  /** the golden ones for them, a row a candidate */
  readonly golden: readonly (readonly number[])[];
  /** the same before the edge, where one row serves for all */
  readonly before: readonly number[];
  readonly goldenBefore: readonly number[];
  readonly unknown: number;
}

function collect(certificate: Certificate, served: readonly ServedLogProbs[]): Known {
  const values: number[] = [];
  const golden = certificate.candidates.map((): number[] => []);
  const before: number[] = [];
  const goldenBefore: number[] = [];
  let unknown = 0;
  for (const [p, prompt] of certificate.prompts.entries()) {
    const given = served[p] ?? [];
    for (const at of prompt.compared) {
      const value = given[at] ?? null;
      if (value === null) unknown += 1;
      else {
        values.push(value);
        for (const [c, row] of golden.entries()) row.push(goldenAt(prompt, c, at));
      }
    }
    for (let at = 1; at < certificate.edge; at++) {
      const value = given[at] ?? null;
      if (value === null) continue;
      before.push(value);
      goldenBefore.push(goldenAt(prompt, 0, at));
    }
  }
  return { values, golden, before, goldenBefore, unknown };
}

interface Nearness {
  readonly meanAbs: number;
  readonly noise: number | null;
  /** mean |golden - mean golden| */
  readonly spread: number;
  /** the least mean distance from the nearest candidate to another */
  readonly toOthers: number;
}

function isNear({ meanAbs, noise, spread, toOthers }: Nearness): boolean {
  if (Math.max(meanAbs, noise ?? 0) > SAME_MODEL * spread) return false;
  if (noise === null) return meanAbs <= CLOSE * toOthers;
  const explained = Math.min(CLOSE * toOthers, FAR_ABOVE_NOISE.factor * noise + FAR_ABOVE_NOISE.nats);
  return meanAbs <= Math.max(explained, NOISE_GROWTH * noise);
}

function verdictOf(index: number, nearest: LayerWindow): ProbeVerdict {
  if (index === 0) return "right-window";
  return nearest === null ? "full-attention" : "off-by-one";
}

function spreadOf(values: readonly number[]): number {
  const centre = mean(values);
  return mean(values.map((value) => Math.abs(value - centre)));
}

function standardError(values: readonly number[]): number {
  const centre = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0)) / values.length;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function largest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0);
}

function nothingKnown(unknown: number): SwarrError {
  return new SwarrError("PROBE_FAILED", {
    what: `The server gave a log-prob for none of the ${unknown} golden tokens.`,
    expected: "log-probs of the prompt's tokens, or a list of likeliest tokens that holds some of them.",
    fix: "Start the server so that it gives more log-probs, or probe the folder it serves.",
  });
}
