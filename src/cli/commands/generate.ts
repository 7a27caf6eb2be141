// `swarr generate`: new tokens after a prompt, with their log-probs.

import type { Command } from "commander";
import { MOST_NEW_TOKENS } from "../../generate/sampler.ts";
import type { CommandModule } from "../command.ts";
import { realNumber, temperatureFlag, wholeNumber, wholeNumberList, windowFlag } from "../flags.ts";
import { JSON_FLAG, printResult } from "../output.ts";

interface GenerateFlags {
  readonly prompt?: string;
  readonly ids?: readonly number[];
  readonly maxTokens: number;
  readonly temperature: number;
  readonly topP: number;
  readonly seed: number;
  readonly chat?: boolean;
  readonly window?: number | "full";
  readonly fullAttentionLayers?: readonly number[];
  readonly json?: boolean;
}

export const generateCommand: CommandModule = {
  name: "generate",
  summary: "new tokens after a prompt",
  example: "swarr generate my-model --prompt 'two and two are' --max-tokens 16 --temperature 0",
  register(program: Command): void {
    program
      .command("generate <model>")
      .description(
        "Samples at the given temperature from the model under its window. The prompt is taken as it stands unless --chat is\n" +
          "given; of generation_config.json only the end tokens serve.",
      )
      .option("--prompt <text>", "the prompt")
      .option("--ids <list>", "its token ids instead, as 1,2,3", wholeNumberList())
      .option("--max-tokens <N>", "new tokens at most, the end token included", wholeNumber(1, MOST_NEW_TOKENS), 256)
      .option("--temperature <T>", "0 is greedy", temperatureFlag, 1)
      .option("--top-p <P>", "draw from the likeliest tokens that reach this probability together", realNumber(0, 1), 1)
      .option("--seed <S>", "names the draws", wholeNumber(0), 0)
      .option("--chat", "put the prompt through the model's chat template as a user's message")
      .option("--window <W>", "replaces the window of every layer; or full", windowFlag)
      .option("--full-attention-layers <list>", "layers that keep full attention, from 0, as 0,7", wholeNumberList())
      .option(...JSON_FLAG)
      .action(generate);
  },
};

async function generate(name: string, flags: GenerateFlags): Promise<void> {
  const { idsFrom, openForUse } = await import("../open-for-use.ts");
  const { createSampler } = await import("../../generate/decode.ts");
  const model = await openForUse(name, flags);
  const prompt =
    flags.chat === true && flags.prompt !== undefined
      ? model.tokenizer.chatTemplate().prompt([{ role: "user", content: flags.prompt }], { addGenerationPrompt: true })
      : flags.prompt;
  const promptIds = idsFrom(model, flags.ids, prompt, "--prompt and --ids");
  const { maxTokens: maxNewTokens, temperature, topP, seed } = flags;
  const sampler = createSampler({
    engine: model.engine,
    config: model.config,
    weights: model.weights,
    fixedWeights: true,
  });
  try {
    const requests = [{ promptIds, maxNewTokens, temperature, topP, seed }];
    const [response] = await sampler.sample(requests, { endIds: model.endIds });
    const ids = Array.from(response!.ids);
    const text = model.hasTokenizer ? model.tokenizer.decode(ids) : "";
    const { finishReason } = response!;
    printResult(flags.json, { text, ids, logprobs: Array.from(response!.logProbs), finishReason }, () => text);
  } finally {
    await sampler.dispose();
  }
}
