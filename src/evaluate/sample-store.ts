// Sample files: every graded response of an evaluation on disk, so that it can be gone on with, looked into and compared.

import { differences } from "../base/differences.ts";
import { SwarrError } from "../base/errors.ts";
import { writeFileAtomic } from "../base/files.ts";
import { isObject, quote, type JsonObject } from "../base/json.ts";
import { appendJsonl, firstJsonlRow, readJsonlIfThere, recoverJsonl } from "../formats/jsonl.ts";
import type { EvaluationFigures } from "./figures.ts";
import { inOrder, type Sample } from "./sample.ts";

/**
 * What the samples of a file depend on, as plain JSON. K and the number of problems are not in it: a sample is the same
 * whatever they are, so a file grows when they do.
 */
export type StoreSettings = JsonObject;

/**
 * A sample file, open. Its first line says what it was made with (`type` "evaluation"), then comes one line a sample
 * (`type` "sample"), in the order they were finished while the evaluation runs and in order of problem and sample once it is
 * done, and last the figures (`type` "figures").
 */
export interface SampleStore {
  /** what an earlier run left */
  readonly known: readonly Sample[];
  append(sample: Sample): void;
  /** Rewrites the file whole: header, all samples in order, figures. */
  finish(samples: readonly Sample[], figures: EvaluationFigures): void;
}

const VERSION = 1;

/**
 * Opens a sample file, new or left by an earlier run with the same settings; a torn last line is dropped.
 *
 * @throws `FILE_EXISTS` when the file is something else, or was made with other settings, which are named
 */
export function openSampleStore(file: string, settings: StoreSettings): SampleStore {
  // Before anything is written or cut off: the file must be ours.
  const header = firstJsonlRow(file, "the samples");
  if (header === undefined) appendJsonl(file, { type: "evaluation", version: VERSION, settings });
  else requireSameSettings(file, header ?? {}, settings);
  recoverJsonl(file);
  const known = readJsonlIfThere(file, "the samples").filter(({ value }) => value["type"] === "sample");
  const samples = known.map(({ line, value }) => sampleFromRow(value, `${file} line ${line}`));
  return {
    known: samples,
    append: (sample) => {
      appendJsonl(file, { type: "sample", ...sample });
    },
    finish(finished, figures) {
      const all = new Map([...samples, ...finished].map((sample) => [`${sample.index}/${sample.sample}`, sample]));
      const lines = [
        { type: "evaluation", version: VERSION, settings },
        ...inOrder([...all.values()]).map((sample) => ({ type: "sample", ...sample })),
        { type: "figures", ...figures },
      ];
      writeFileAtomic(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    },
  };
}

function requireSameSettings(file: string, header: JsonObject, settings: StoreSettings): void {
  const stored = header["settings"];
  if (header["type"] !== "evaluation" || header["version"] !== VERSION || !isObject(stored)) {
    throw new SwarrError("FILE_EXISTS", {
      what: `${file} exists and is not a sample file of this version.`,
      expected: "a new file, or one that an earlier swarr eval --out left.",
      fix: "Choose another name for --out.",
    });
  }
  const differing = differences(stored, settings);
  if (differing.length === 0) return;
  const shown = differing.map(({ key, before, after }) => `${key} ${quote(before, 60)} there, ${quote(after, 60)} now`);
  throw new SwarrError("FILE_EXISTS", {
    what: `${file} holds samples made with other settings: ${shown.join("; ")}.`,
    expected: "the same settings, to go on with it.",
    fix: "Use those settings, or choose another name for --out.",
  });
}

function sampleFromRow(row: JsonObject, place: string): Sample {
  const { index, id, sample, seed, text, tokens, finishReason, verdict, answer, reason } = row;
  const whole =
    [index, sample, seed].every(Number.isSafeInteger) &&
    [id, text, verdict, reason].every((value) => typeof value === "string") &&
    (tokens === null || Number.isSafeInteger(tokens)) &&
    (answer === null || typeof answer === "string") &&
    [null, "stop", "length"].includes(finishReason as null) &&
    ["right", "wrong", "unreadable", "timeout"].includes(verdict as string);
  if (!whole) {
    throw new SwarrError("BAD_DATA", {
      what: `${place} is not a sample: ${quote(row, 120)}.`,
      expected: "a line as swarr eval --out writes it.",
      fix: "Remove the line, and it is sampled again.",
    });
  }
  return { index, id, sample, seed, text, tokens, finishReason, verdict, answer, reason } as Sample;
}
