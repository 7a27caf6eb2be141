// A data file put to a model, a server or a file of responses: what `swarr eval` and `swarr compare` do.

import { SwarrError } from "../base/errors.ts";
import { readBytes, sha256 } from "../base/files.ts";
import type { JsonObject } from "../base/json.ts";
import type { FieldMapping } from "../data/fields.ts";
import { readProblems, readRows } from "../data/read.ts";
import type { Problem } from "../data/record.ts";
import { promptOf, type Template } from "../data/template.ts";
import { evaluateProblems, requireDistinctSamples, type EvaluationResult, type Grade } from "./benchmark.ts";
import { endpointSource } from "./endpoint-source.ts";
import { fileSource, matchResponses } from "./response-file.ts";
import type { ResponseSource, SamplingSettings } from "./response-source.ts";
import { openSampleStore, type StoreSettings } from "./sample-store.ts";

/** Who answers. */
export type EvaluationTarget =
  | { readonly kind: "model"; readonly folder: string }
  | {
      readonly kind: "endpoint";
      readonly url: string;
      readonly model?: string;
      readonly concurrency?: number;
      readonly apiKey?: string;
    }
  | { readonly kind: "responses"; readonly file: string };

/** The problems of a file, or the first of them. */
export interface ProblemSet {
  readonly file: string;
  readonly sha256: string;
  readonly mapping: FieldMapping;
  readonly problems: readonly Problem[];
  /** every problem of the file */
  readonly all: readonly Problem[];
}

export interface TargetEvaluationOptions {
  readonly target: EvaluationTarget;
  readonly set: ProblemSet;
  readonly template: Template;
  readonly sampling: SamplingSettings;
  /** K; for a file of responses, what the file has unless told */
  readonly samples?: number;
  readonly seed: number;
  readonly grade: Grade;
  /** a sample file to write, or to go on with */
  readonly out?: string;
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

export interface TargetEvaluation extends EvaluationResult {
  /** what the samples depend on, as a sample file keeps it */
  readonly settings: StoreSettings;
  /** samples taken over from an earlier run */
  readonly resumed: number;
}

/** @param limit  only the first so many problems */
export async function openProblemSet(file: string, mapping: FieldMapping, limit?: number): Promise<ProblemSet> {
  const all = await readProblems(file, mapping);
  const problems = limit === undefined ? all : all.slice(0, limit);
  return { file, sha256: sha256(readBytes(file, "the problems")), mapping, problems, all };
}

/** @throws `BAD_ARGUMENT` for several samples at temperature 0; whatever target, sample file and grader throw */
export async function evaluateTarget(options: TargetEvaluationOptions): Promise<TargetEvaluation> {
  const { target, set, sampling, seed } = options;
  if (target.kind !== "responses") requireDistinctSamples(options.samples ?? 1, sampling);
  const opened = await openTarget(options);
  try {
    const settings = { ...opened.identity, ...dataIdentity(set), ...opened.sampled, seed };
    const store = options.out === undefined ? null : openSampleStore(options.out, settings);
    const known = (store?.known ?? []).filter(
      ({ index, sample }) => index < set.problems.length && sample < opened.samples,
    );
    checkSameProblems(known, set, options.out ?? "");
    if (known.length > 0) options.onProgress?.(known.length, set.problems.length * opened.samples);
    const result = await evaluateProblems({
      problems: set.problems,
      source: opened.source,
      grade: options.grade,
      sampling: opened.sampling,
      samples: opened.samples,
      seed,
      known,
      onSample(sample, done, total) {
        store?.append(sample);
        options.onProgress?.(done, total);
      },
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    store?.finish(result.samples, result.figures);
    return { ...result, settings, resumed: known.length };
  } finally {
    await opened.dispose();
  }
}

interface OpenTarget {
  readonly source: ResponseSource;
  readonly samples: number;
  readonly sampling: SamplingSettings;
  /** who answers, for a sample file: by content where it has one, so that a moved folder is still the same model */
  readonly identity: JsonObject;
  /** how it was asked, for a sample file; empty where the responses were made elsewhere */
  readonly sampled: JsonObject;
  dispose(): Promise<void>;
}

async function openTarget(options: TargetEvaluationOptions): Promise<OpenTarget> {
  const { target, template, sampling, set } = options;
  const asked = {
    samples: options.samples ?? 1,
    sampling,
    sampled: {
      template: template.name,
      templateText: template.text,
      temperature: sampling.temperature,
      topP: sampling.topP,
      maxTokens: sampling.maxNewTokens,
    },
  };
  switch (target.kind) {
    case "model": {
      const { openModelSource } = await import("./model-source.ts");
      return { ...asked, ...(await openModelSource(target.folder, template)) };
    }
    case "endpoint": {
      const source = endpointSource({ ...target, promptOf: ({ question }) => promptOf(template, question) });
      const identity = { endpoint: target.url, endpointModel: target.model ?? null };
      return { ...asked, source, identity, dispose: () => Promise.resolve() };
    }
    case "responses": {
      const rows = await readRows(target.file, "the responses");
      const file = matchResponses(rows, target.file, set.problems, set.all, options.samples);
      const identity = { responsesSha256: sha256(readBytes(target.file, "the responses")) };
      // Temperature 1, because nothing is drawn: K equal responses in a file are K responses.
      const unused = { temperature: 1, topP: 1, maxNewTokens: 1 };
      const source = fileSource(file);
      return {
        source,
        samples: file.samples,
        sampling: unused,
        identity,
        sampled: {},
        dispose: () => Promise.resolve(),
      };
    }
    default:
      return target satisfies never;
  }
}

/** Hashes and not paths: a moved file is still the same data. */
function dataIdentity({ sha256: hash, mapping }: ProblemSet): JsonObject {
  return {
    dataSha256: hash,
    questionField: mapping.questionField ?? null,
    answerField: mapping.answerField ?? null,
  };
}

/** The hash of the data is in the settings; this catches a file that was put together by hand. */
function checkSameProblems(known: readonly { index: number; id: string }[], set: ProblemSet, file: string): void {
  const odd = known.find(({ index, id }) => set.problems[index]?.id !== id);
  if (odd === undefined) return;
  throw new SwarrError("BAD_DATA", {
    what: `${file} has a sample of problem ${odd.index} with the id ${odd.id}; there that id is ${set.problems[odd.index]?.id}.`,
    expected: "samples of the problems in the data file.",
    fix: "Choose another name for --out.",
  });
}
