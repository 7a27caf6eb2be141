// `swarr eval`: accuracy of a model, of a server or of responses made elsewhere, on a file of problems.

import type { Command } from "commander";
import { requireWritableFile } from "../../base/files.ts";
import type { ContaminationFigures } from "../../evaluate/contamination.ts";
import type { EvaluationTarget, ProblemSet, TargetEvaluation } from "../../evaluate/evaluate-file.ts";
import type { EvaluationFigures, PartFigures } from "../../evaluate/figures.ts";
import type { CommandModule } from "../command.ts";
import {
  addEvaluationFlags,
  askedOf,
  badTarget,
  evaluateWithProgress,
  mappingOf,
  percent,
  problemSetOf,
  withVerifier,
  type EvaluationFlags,
} from "../evaluation.ts";
import { outputPath, wholeNumber } from "../flags.ts";
import { withInterrupt } from "../interrupt.ts";
import { JSON_FLAG, note, printResult } from "../output.ts";

interface EvalFlags extends EvaluationFlags {
  readonly responses?: string;
  readonly endpoint?: string;
  readonly endpointModel?: string;
  readonly concurrency?: number;
  readonly apiKeyEnv?: string;
  readonly train?: string;
  readonly out?: string;
  readonly json?: boolean;
}

export const evalCommand: CommandModule = {
  name: "eval",
  summary: "accuracy on a file of problems, with intervals",
  example: "swarr eval my-model --data gsm8k/test.jsonl --limit 100 --out samples.jsonl",
  register(program: Command): void {
    const command = program
      .command("eval [model]")
      .description(
        "Samples K responses to every problem, grades each, and prints accuracy with its 95 % interval, pass@k, avg@k, " +
          "majority@k, lengths, and accuracy by level and subject. The same seed gives the same samples.",
      );
    addEvaluationFlags(command)
      .option("--out <file>", "keep every sample here; a file that is there already is gone on with", outputPath)
      .option("--responses <file>", "instead of a model: rows with a problem's index or id and the text")
      .option("--endpoint <url>", "instead of a model: an OpenAI-style server")
      .option("--endpoint-model <name>", "the model's name there (default: the only one it lists)")
      .option("--concurrency <N>", "requests to the server under way at once (default: 8)", wholeNumber(1))
      .option("--api-key-env <name>", "environment variable that holds the server's key")
      .option("--train <file>", "report which problems occur among these training rows")
      .option(...JSON_FLAG)
      .action(evaluate);
  },
};

async function evaluate(model: string | undefined, flags: EvalFlags): Promise<void> {
  requireOneTarget(model, flags);
  if (flags.out !== undefined) requireWritableFile(flags.out);
  const asked = await askedOf(flags, flags.responses === undefined);
  const target = await targetOf(model, flags);
  const set = await problemSetOf(flags);
  const howToGoOn =
    flags.out === undefined
      ? "Start it again with --out FILE, and it can be gone on with."
      : `Go on with the same command: ${flags.out} keeps the samples.`;
  const result = await withInterrupt(howToGoOn, (signal) =>
    withVerifier((grade) => {
      const out = flags.out === undefined ? {} : { out: flags.out };
      return evaluateWithProgress("eval", { ...asked, target, set, grade, signal, ...out });
    }),
  );
  if (result.resumed > 0) note(`${result.resumed} samples were taken over from ${flags.out}.`);
  const contamination = flags.train === undefined ? null : await contaminationOf(flags.train, set, flags, result);
  const document = {
    ...result.figures,
    settings: { ...nameOf(target), data: flags.data, ...result.settings },
    ...(flags.out === undefined ? {} : { out: flags.out, resumed: result.resumed }),
    ...(contamination === null ? {} : { contamination }),
  };
  printResult(flags.json, document, () => table(result.figures, contamination));
}

function requireOneTarget(model: string | undefined, flags: EvalFlags): void {
  const given = [model, flags.responses, flags.endpoint].filter((value) => value !== undefined);
  if (given.length === 1) return;
  throw badTarget(
    given.length === 0 ? "Nothing to evaluate is given." : `Several things to evaluate are given: ${given.join(", ")}.`,
    "one of a model, --responses and --endpoint.",
    "See swarr eval --help.",
  );
}

async function targetOf(model: string | undefined, flags: EvalFlags): Promise<EvaluationTarget> {
  if (flags.responses !== undefined) return { kind: "responses", file: flags.responses };
  if (flags.endpoint !== undefined) {
    return {
      kind: "endpoint",
      url: flags.endpoint,
      ...(flags.endpointModel === undefined ? {} : { model: flags.endpointModel }),
      ...(flags.concurrency === undefined ? {} : { concurrency: flags.concurrency }),
      ...apiKeyOf(flags.apiKeyEnv),
    };
  }
  const { openModel } = await import("../../checkpoint/open-model.ts");
  return { kind: "model", folder: await openModel(model ?? "", note) };
}

function apiKeyOf(variable: string | undefined): { readonly apiKey?: string } {
  if (variable === undefined) return {};
  const apiKey = process.env[variable];
  if (apiKey !== undefined && apiKey !== "") return { apiKey };
  throw badTarget(
    `The environment variable ${variable} is empty or not set.`,
    "the server's key in it.",
    `Set ${variable}, or leave --api-key-env out.`,
  );
}

function nameOf(target: EvaluationTarget): object {
  switch (target.kind) {
    case "model":
      return { model: target.folder };
    case "responses":
      return { responses: target.file };
    case "endpoint":
      return {};
    default:
      return target satisfies never;
  }
}

async function contaminationOf(
  train: string,
  set: ProblemSet,
  flags: EvalFlags,
  result: TargetEvaluation,
): Promise<ContaminationFigures> {
  const { contaminationFigures, overlapsWithFile } = await import("../../evaluate/contamination.ts");
  const { problemMeans } = await import("../../evaluate/figures.ts");
  const report = await overlapsWithFile(set.problems, train, mappingOf(flags));
  const means = problemMeans(set.problems.length, result.samples);
  return contaminationFigures(report, train, means, result.figures.samples, flags.seed);
}

function table(figures: EvaluationFigures, contamination: ContaminationFigures | null): string {
  const { verdicts, tokens } = figures;
  const lines = [
    `${figures.n} problems, ${figures.samples} sample${figures.samples === 1 ? "" : "s"} each`,
    `accuracy   ${percent(figures.accuracy, figures.ci95)}`,
  ];
  if (figures.samples > 1) {
    for (const [name, byK] of [
      ["pass", figures.passAtK],
      ["avg", figures.avgAtK],
      ["majority", figures.majorityAtK],
    ] as const) {
      const cells = Object.entries(byK).map(([k, share]) => `@${k} ${percent(share)}`);
      lines.push(`${name.padEnd(10)} ${cells.join("   ")}`);
    }
  }
  lines.push(
    `verdicts   right ${verdicts.right}   wrong ${verdicts.wrong}   unreadable ${verdicts.unreadable}   timeout ${verdicts.timeout}`,
  );
  if (tokens !== null && figures.meanTokens !== null) {
    lines.push(
      `tokens     mean ${figures.meanTokens.toFixed(1)}   median ${tokens.median}   p90 ${tokens.p90}   most ${tokens.max}`,
    );
  }
  if (figures.truncated !== null) lines.push(`cut off    ${percent(figures.truncated)} of the responses`);
  lines.push(...partLines("level", figures.byLevel), ...partLines("subject", figures.bySubject));
  if (contamination !== null) lines.push(...contaminationLines(contamination));
  return lines.join("\n");
}

function partLines(title: string, parts: Readonly<Record<string, PartFigures>> | undefined): readonly string[] {
  if (parts === undefined) return [];
  const width = Math.max(...Object.keys(parts).map((name) => name.length));
  const rows = Object.entries(parts).map(
    ([name, part]) => `  ${name.padEnd(width)}  ${percent(part.accuracy, part.ci95)}  of ${part.n}`,
  );
  return [`by ${title}`, ...rows];
}

function contaminationLines(report: ContaminationFigures): readonly string[] {
  const worst = report.overlaps.toSorted((a, b) => b.coverage - a.coverage).slice(0, 3);
  return [
    `overlap    ${report.overlapping} of ${report.problems} problems share ${report.ngramWords} words in a row with ` +
      `${report.overlappingRows.length} of ${report.trainingRows} training rows; ${report.identical} are the same question`,
    ...worst.map(
      (overlap) => `  problem ${overlap.problem}, row ${overlap.row}: ${percent(overlap.coverage)} “${overlap.shared}”`,
    ),
    ...(report.clean === null
      ? []
      : [`accuracy on the other ${report.clean.n}: ${percent(report.clean.accuracy, report.clean.ci95)}`]),
  ];
}
