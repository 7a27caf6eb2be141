// `swarr analyze`: what a window costs each token of a data set, or of a model's own rollouts.

import type { Command } from "commander";
import type { AnalyzeFlags } from "../analysis-document.ts";
import type { CommandModule } from "../command.ts";
import { outputPath, realNumber, wholeNumber, windowWidth } from "../flags.ts";
import { JSON_FLAG, printResult } from "../output.ts";

export const analyzeCommand: CommandModule = {
  name: "analyze",
  summary: "what a window costs each token of data or rollouts: the mismatch",
  example: "swarr analyze my-model --window 2048 --data sft.jsonl --filter fits.jsonl",
  register(program: Command): void {
    program
      .command("analyze <model>")
      .description(
        "Log-prob of each response token under full attention minus that under the window, by one model for all texts\n" +
          "(normally the full-attention base), over tokens at positions >= W: in all, by how far back a token looks, by row.",
      )
      .requiredOption("--window <W>", "tokens a query sees, itself counted", windowWidth)
      .option("--data <file>", "training rows, JSON Lines or Parquet")
      .option(
        "--rollouts <run>",
        "instead: a run folder (its texts are compared, analysis.json is written), or a file of it",
      )
      .option("--windowed-model <model>", "reads under the window instead, such as one adapted to it")
      .option("--filter <out>", "write the rows that fit the window, as JSON Lines", outputPath)
      .option(
        "--max-gap <nats>",
        "a row fits up to this mean gap (default: the mean gap of all tokens)",
        realNumber(-1e9),
      )
      .option("--tokens <out>", "write one JSON line for each token", outputPath)
      .option("--attention", "the attention beyond the window of every layer and head of a full-attention model")
      .option("--suggest <N>", "which N layers should keep full attention, beside evenly spaced ones", wholeNumber(1))
      .option("--search", "improve the suggestion by exchanging layers, each exchange measured")
      .option("--limit <N>", "only the first N rows of each text", wholeNumber(1))
      .option("--template <T>", "of question/answer rows, as in eval", "plain")
      .option("--question-field <F>", "the column that holds the question")
      .option("--answer-field <F>", "the column that holds the answer")
      .option(...JSON_FLAG)
      .action(analyze);
  },
};

async function analyze(model: string, flags: AnalyzeFlags): Promise<void> {
  const { runAnalysis } = await import("../analysis.ts");
  const { attentionTable, gapTable, planTable, textsTable } = await import("../analysis-table.ts");
  const document = await runAnalysis(model, flags);
  printResult(flags.json, document, () => {
    const { texts, attention, plan, filter } = document;
    const parts = [texts === undefined ? gapTable(document, flags.window) : textsTable(texts)];
    if (attention !== undefined) parts.push(attentionTable(attention));
    if (plan !== undefined) parts.push(planTable(plan, document.meanGapNats));
    if (filter !== undefined) {
      const { out, kept, dropped, maxGapNats } = filter;
      parts.push(`${out}: ${kept} of ${kept + dropped} rows, each at most ${maxGapNats.toFixed(3)} nats a token`);
    }
    return parts.join("\n\n");
  });
}
