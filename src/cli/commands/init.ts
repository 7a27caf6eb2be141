// `swarr init`: a new random model with a byte-level tokenizer, for tests and demos.

import type { Command } from "commander";
import { MOST_SIZES, type Family, type ModelConfig } from "../../model/config.ts";
import type { CommandModule } from "../command.ts";
import { outputPath, wholeNumber } from "../flags.ts";
import { withInterrupt } from "../interrupt.ts";
import { JSON_FLAG, printResult } from "../output.ts";

interface InitFlags {
  readonly out: string;
  readonly family: string;
  readonly d: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly ff?: number;
  readonly vocab?: number;
  readonly tied: boolean;
  readonly seed: number;
  readonly json?: boolean;
}

export const initCommand: CommandModule = {
  name: "init",
  summary: "make a new random model with a byte-level tokenizer",
  example: "swarr init --out tiny --family qwen2 --d 64 --layers 2",
  register(program: Command): void {
    program
      .command("init")
      .description("Makes a new random model with a byte-level tokenizer and a chat template, for tests and demos.")
      .requiredOption("--out <folder>", "where the checkpoint goes; must not exist", outputPath)
      .option("--family <family>", "qwen2, qwen3, llama or mistral", "qwen2")
      .option("--d <N>", "model width", wholeNumber(2, MOST_SIZES.width), 64)
      .option("--layers <N>", "layers", wholeNumber(1, MOST_SIZES.layers), 2)
      .option("--heads <N>", "query heads", wholeNumber(1, MOST_SIZES.heads), 4)
      .option("--kv-heads <N>", "key and value heads", wholeNumber(1, MOST_SIZES.heads), 2)
      .option("--ff <N>", "feed-forward width (default: 3 x d)", wholeNumber(1, MOST_SIZES.feedForward))
      .option(
        "--vocab <N>",
        "vocabulary, at least the tokenizer's 259 (default)",
        wholeNumber(1, MOST_SIZES.vocabulary),
      )
      .option("--tied", "share the embedding with the head", false)
      .option("--seed <N>", "seed of the weights", wholeNumber(), 0)
      .option(...JSON_FLAG)
      .action(init);
  },
};

async function init(flags: InitFlags): Promise<void> {
  const { byteTokenizer } = await import("../../tokens/byte-tokenizer.ts");
  const { initialWeights, parameterCount } = await import("../../model/parameters.ts");
  const { requireFreePlace, saveCheckpoint } = await import("../../checkpoint/save.ts");
  requireFreePlace(flags.out);
  const tokenizer = byteTokenizer();
  const config = await newConfig(flags, tokenizer.size);
  const weights = initialWeights(config, flags.seed);
  await withInterrupt("Start it again; nothing was written.", (signal) =>
    saveCheckpoint({ folder: flags.out, config, weights, tokenizer, signal }),
  );
  const parameters = parameterCount(config);
  printResult(
    flags.json,
    { out: flags.out, family: config.family, parameters, vocabularySize: config.vocabularySize },
    () => `${flags.out}: a random ${config.family} of ${parameters} parameters in ${config.layerCount} layers`,
  );
}

async function newConfig(flags: InitFlags, tokens: number): Promise<ModelConfig> {
  const { SwarrError } = await import("../../base/errors.ts");
  const { checkConfig } = await import("../../model/config.ts");
  const refuse = (what: string, expected: string): never => {
    throw new SwarrError("BAD_ARGUMENT", { what, expected, fix: "Choose other numbers." });
  };
  const families: readonly string[] = ["qwen2", "qwen3", "llama", "mistral"] satisfies readonly Family[];
  if (!families.includes(flags.family)) refuse(`--family is "${flags.family}".`, `one of ${families.join(", ")}.`);
  const { d, heads, kvHeads, layers, vocab = tokens } = flags;
  if (d % (2 * heads) !== 0) refuse(`--d ${d} gives ${heads} heads a width of ${d / heads}.`, "an even whole number.");
  if (heads % kvHeads !== 0) refuse(`--kv-heads ${kvHeads} does not divide --heads ${heads}.`, "a divisor.");
  if (vocab < tokens) refuse(`--vocab is ${vocab}.`, `at least the ${tokens} tokens of the byte-level tokenizer.`);
  return checkConfig(
    {
      family: flags.family as Family,
      vocabularySize: vocab,
      width: d,
      layerCount: layers,
      queryHeadCount: heads,
      keyValueHeadCount: kvHeads,
      headWidth: d / heads,
      feedForwardWidth: flags.ff ?? 3 * d,
      normEpsilon: 1e-6,
      ropeTheta: 10000,
      ropeScaling: { kind: "default" },
      maxPositions: 32768,
      tiedHead: flags.tied,
      queryKeyValueBias: flags.family === "qwen2",
      attentionOutputBias: false,
      mlpBias: false,
      queryKeyNorm: flags.family === "qwen3",
      windows: Array.from({ length: layers }, () => null),
      sinkTokens: 0,
    },
    "swarr init",
  );
}
