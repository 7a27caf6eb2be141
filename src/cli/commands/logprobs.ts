// `swarr logprobs`: the log-prob of every token of a text.

import type { Command } from "commander";
import type { CommandModule } from "../command.ts";
import { wholeNumberList, windowFlag } from "../flags.ts";
import { JSON_FLAG, printResult } from "../output.ts";

interface LogProbFlags {
  readonly text?: string;
  readonly ids?: readonly number[];
  readonly window?: number | "full";
  readonly fullAttentionLayers?: readonly number[];
  readonly json?: boolean;
}

export const logprobsCommand: CommandModule = {
  name: "logprobs",
  summary: "the log-prob of every token of a text under a model",
  example: "swarr logprobs my-model --text 'two and two are four' --window 8 --json",
  register(program: Command): void {
    program
      .command("logprobs <model>")
      .description(
        "Natural log-probs, each token given those before it; the first has none (null). The text is taken as it stands:\n" +
          "no chat template, no beginning-of-text token.",
      )
      .option("--text <text>", "the text")
      .option("--ids <list>", "its token ids instead, as 1,2,3", wholeNumberList())
      .option("--window <W>", "replaces the window of every layer; or full", windowFlag)
      .option("--full-attention-layers <list>", "layers that keep full attention, from 0, as 0,7", wholeNumberList())
      .option(...JSON_FLAG)
      .action(logProbs);
  },
};

async function logProbs(name: string, flags: LogProbFlags): Promise<void> {
  const { idsFrom, openForUse } = await import("../open-for-use.ts");
  const { createScorer } = await import("../../generate/log-probs.ts");
  const model = await openForUse(name, flags);
  const ids = idsFrom(model, flags.ids, flags.text, "--text and --ids");
  const scorer = createScorer(model.engine, model.config, model.weights);
  try {
    const [, ...later] = await scorer.logProbs(ids);
    const logprobs = [null, ...later];
    printResult(flags.json, { ids, logprobs }, () => table(ids, logprobs));
  } finally {
    await scorer.dispose();
  }
}

function table(ids: readonly number[], logprobs: readonly (number | null)[]): string {
  const lines = ids.map(
    (id, i) => `${String(id).padStart(8)}  ${logprobs[i] === null ? "-" : logprobs[i]!.toFixed(6)}`,
  );
  return ["      id  log-prob (nats)", ...lines].join("\n");
}
