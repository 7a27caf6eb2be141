// The contamination report of an evaluation: which problems the training rows contain, and the accuracy without them.

import type { FieldMapping } from "../data/fields.ts";
import { findOverlaps, rowText, type OverlapReport } from "../data/decontaminate.ts";
import { readRows } from "../data/read.ts";
import type { Problem } from "../data/record.ts";
import { accuracyInterval, type Interval } from "./intervals.ts";
import { meanOf } from "./score.ts";

export interface ContaminationFigures extends OverlapReport {
  readonly train: string;
  /** problems that overlap, and those of them that are a training prompt word for word */
  readonly overlapping: number;
  readonly identical: number;
  /** accuracy over the problems without an overlap; null when none is left */
  readonly clean: { readonly n: number; readonly accuracy: number; readonly ci95: Interval } | null;
}

/** @param mapping  names the training file's own question column, where it has an unusual one */
export async function overlapsWithFile(
  problems: readonly Problem[],
  train: string,
  mapping: FieldMapping = {},
): Promise<OverlapReport> {
  const rows = await readRows(train, "the training rows");
  const texts = rows.map(({ value }) => {
    const own = mapping.questionField === undefined ? undefined : value[mapping.questionField];
    return typeof own === "string" ? { ...rowText(value), prompt: own } : rowText(value);
  });
  return findOverlaps(problems, texts);
}

/**
 * @param means    the mean verdict of each problem
 * @param samples  K
 */
export function contaminationFigures(
  report: OverlapReport,
  train: string,
  means: readonly number[],
  samples: number,
  seed: number,
): ContaminationFigures {
  const dirty = new Set(report.overlaps.map((overlap) => overlap.problem));
  const clean = means.filter((_, index) => !dirty.has(index));
  return {
    train,
    overlapping: dirty.size,
    identical: report.overlaps.filter((overlap) => overlap.identical).length,
    clean:
      clean.length === 0
        ? null
        : {
            n: clean.length,
            accuracy: meanOf(clean),
            ci95: accuracyInterval(clean, samples, seed),
          },
    ...report,
  };
}
