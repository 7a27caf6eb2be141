// `swarr compare`: two models, or two files of responses, on the same problems.

import type { Command } from "commander";
import { statSync } from "node:fs";
import { requireWritableFile } from "../../base/files.ts";
import type { EvaluationTarget } from "../../evaluate/evaluate-file.ts";
import type { Comparison } from "../../evaluate/paired.ts";
import type { CommandModule } from "../command.ts";
import { outputPath } from "../flags.ts";
import {
  addEvaluationFlags,
  askedOf,
  evaluateWithProgress,
  percent,
  problemSetOf,
  withVerifier,
  type EvaluationFlags,
} from "../evaluation.ts";
import { withInterrupt } from "../interrupt.ts";
import { JSON_FLAG, note, printResult } from "../output.ts";

interface CompareFlags extends EvaluationFlags {
  readonly outA?: string;
  readonly outB?: string;
  readonly json?: boolean;
}

export const compareCommand: CommandModule = {
  name: "compare",
  summary: "two models on the same problems: paired difference and sign test",
  example: "swarr compare after-sft after-rl --data gsm8k/test.jsonl --limit 100",
  register(program: Command): void {
    const command = program
      .command("compare <a> <b>")
      .description(
        "A and B are model folders, or files of responses or samples (as of swarr eval --out). Prints accuracy of both, " +
          "the difference A - B with its 95 % interval, and an exact two-sided sign test over the problems.",
      );
    addEvaluationFlags(command)
      .option("--out-a <file>", "keep A's samples here; a file that is there already is gone on with", outputPath)
      .option("--out-b <file>", "keep B's samples here", outputPath)
      .option(...JSON_FLAG)
      .action(compare);
  },
};

async function compare(a: string, b: string, flags: CompareFlags): Promise<void> {
  for (const out of [flags.outA, flags.outB]) if (out !== undefined) requireWritableFile(out);
  const asked = await askedOf(flags, !(isFile(a) && isFile(b)));
  const [targetA, targetB] = [await targetOf(a), await targetOf(b)];
  const set = await problemSetOf(flags);
  const { problemMeans } = await import("../../evaluate/figures.ts");
  const { comparePaired } = await import("../../evaluate/paired.ts");
  const count = set.problems.length;
  const comparison = await withInterrupt(
    "Run the same command again; samples kept with --out-a and --out-b are gone on with.",
    (signal) =>
      withVerifier(async (grade) => {
        const common = { ...asked, set, grade, signal };
        const first = await evaluateWithProgress("A", { ...common, target: targetA, ...outOf(flags.outA) });
        const second = await evaluateWithProgress("B", { ...common, target: targetB, ...outOf(flags.outB) });
        return comparePaired(problemMeans(count, first.samples), problemMeans(count, second.samples), flags.seed);
      }),
  );
  printResult(flags.json, comparison, () => table(a, b, comparison));
}

/** A folder is a model; a file holds responses; anything else is left to the model's own messages. */
async function targetOf(name: string): Promise<EvaluationTarget> {
  if (isFile(name)) return { kind: "responses", file: name };
  const { openModel } = await import("../../checkpoint/open-model.ts");
  return { kind: "model", folder: await openModel(name, note) };
}

function isFile(name: string): boolean {
  return statSync(name, { throwIfNoEntry: false })?.isFile() === true;
}

function outOf(out: string | undefined): { readonly out?: string } {
  return out === undefined ? {} : { out };
}

function table(a: string, b: string, result: Comparison): string {
  const points = (value: number): string => `${value > 0 ? "+" : ""}${(100 * value).toFixed(1)}`;
  return [
    `${result.n} problems`,
    `A  ${percent(result.a)}  ${a}`,
    `B  ${percent(result.b)}  ${b}`,
    `A - B  ${points(result.difference)} points [${points(result.ci95[0])}, ${points(result.ci95[1])}]`,
    `A better on ${result.wins}, B better on ${result.losses}, equal on ${result.ties}; sign test p = ${result.pValue.toPrecision(3)}`,
  ].join("\n");
}
