// What `swarr analyze` is told and what it prints: flags checked, and the document of --json.

import fs from "node:fs";
import path from "node:path";
import type { LayerAttention } from "../analyze/attention-probe.ts";
import type { GapFigures } from "../analyze/figures.ts";
import type { TextGaps } from "../analyze/gap.ts";
import type { PlanSuggestion } from "../analyze/plan.ts";
import { SwarrError } from "../base/errors.ts";
import type { Checkpoint } from "../checkpoint/load.ts";
import type { TextSet } from "./analysis-texts.ts";

export interface AnalyzeFlags {
  readonly window: number;
  readonly data?: string;
  readonly rollouts?: string;
  readonly windowedModel?: string;
  readonly filter?: string;
  readonly maxGap?: number;
  readonly tokens?: string;
  readonly attention?: boolean;
  readonly suggest?: number;
  readonly search?: boolean;
  readonly limit?: number;
  readonly template: string;
  readonly questionField?: string;
  readonly answerField?: string;
  readonly json?: boolean;
}

type Brief = Pick<GapFigures, "tokens" | "meanGapNats">;

/** The figures of one text of a run; a wrong answer is unlikely to whoever sees everything, so right and other are told apart. */
export interface TextFigures extends GapFigures {
  /** absent where nobody graded */
  readonly byVerdict?: { readonly right: Brief; readonly other: Brief };
}

export interface MeasuredSet extends TextSet {
  readonly measured: readonly TextGaps[];
  readonly figures: GapFigures;
}

/** What the command prints under --json: the contract's fields, and what was asked for beside them. */
export interface AnalysisDocument extends GapFigures {
  readonly window: number;
  readonly scorer: string;
  /** the model that read under the window, where it is another one */
  readonly windowedReader: string | null;
  /** of a run folder: each of its texts but the rollouts of RL steps */
  readonly texts?: Readonly<Record<string, TextFigures>>;
  readonly attention?: readonly LayerAttention[];
  readonly plan?: PlanSuggestion;
  readonly filter?: {
    readonly out: string;
    readonly maxGapNats: number;
    readonly kept: number;
    readonly dropped: number;
  };
}

/** @throws `BAD_ARGUMENT` for flags that do not go together */
export function checkFlags(flags: AnalyzeFlags): void {
  const given = [flags.data, flags.rollouts].filter((value) => value !== undefined).length;
  if (given !== 1) {
    throw new SwarrError("BAD_ARGUMENT", {
      what: `--data and --rollouts are ${given === 0 ? "both left out" : "both given"}.`,
      expected: "exactly one of them.",
      fix: "Give training rows with --data, or a run with --rollouts.",
    });
  }
  const folder =
    flags.rollouts !== undefined && fs.existsSync(flags.rollouts) && fs.statSync(flags.rollouts).isDirectory();
  if (flags.filter !== undefined && folder) {
    throw new SwarrError("BAD_ARGUMENT", {
      what: "--filter is given with a run folder, which holds many files.",
      expected: "one file, with --data or --rollouts.",
      fix: `Give one of the files below ${path.join(flags.rollouts, "rollouts")}.`,
    });
  }
  const idle = flags.maxGap !== undefined && flags.filter === undefined ? "--max-gap is given without --filter" : null;
  const lost = flags.search === true && flags.suggest === undefined ? "--search is given without --suggest" : idle;
  if (lost === null) return;
  throw new SwarrError("BAD_ARGUMENT", {
    what: `${lost}.`,
    expected: "both, or neither.",
    fix: "See swarr analyze --help.",
  });
}

/** @throws `BAD_ARGUMENT` when a layer slides */
export function requireFullAttention({ config }: Checkpoint, model: string): void {
  const sliding = config.windows.filter((window) => window !== null).length;
  if (sliding === 0) return;
  throw new SwarrError("BAD_ARGUMENT", {
    what: `${model} has a window in ${sliding} of its ${config.layerCount} layers.`,
    expected: "a full-attention model: only there it shows where attention goes by itself.",
    fix: "Give the model before its conversion, or leave --attention and --suggest out.",
  });
}
