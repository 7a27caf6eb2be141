// `swarr convert`: a folder that states the window, its weights byte-equal.

import type { Command } from "commander";
import type { Converted } from "../../checkpoint/convert.ts";
import type { CommandModule } from "../command.ts";
import { outputPath, sinkTokens, wholeNumber, wholeNumberList, windowFlag } from "../flags.ts";
import { withInterrupt } from "../interrupt.ts";
import { JSON_FLAG, note, printResult } from "../output.ts";

interface ConvertFlags {
  readonly window: number | "full";
  readonly fullAttentionLayers?: readonly number[];
  readonly everyNthFull?: number;
  readonly sinkTokens?: number;
  readonly check?: boolean;
  readonly out: string;
  readonly json?: boolean;
}

export const convertCommand: CommandModule = {
  name: "convert",
  summary: "give a checkpoint a window; its weights stay byte-equal",
  example: "swarr convert Qwen2.5-0.5B --window 4096 --out Qwen2.5-0.5B-w4096",
  register(program: Command): void {
    program
      .command("convert <model>")
      .description(
        "Writes a folder that states the window in every way its family reads it. The weights are copied, not\n" +
          "re-encoded. W counts the query itself: a query sees itself and the W-1 tokens before it.",
      )
      .requiredOption("--window <W>", "tokens a query sees, itself counted; or full", windowFlag)
      .option("--full-attention-layers <list>", "layers that keep full attention, from 0, as 0,7", wholeNumberList())
      .option("--every-nth-full <N>", "the last of every N layers keeps full attention", wholeNumber(2))
      .option("--sink-tokens <K>", "the first K tokens stay visible (no other program has a key for this)", sinkTokens)
      .option("--check", "open the result again and show on it that the window acts")
      .requiredOption("--out <folder>", "where the new checkpoint goes; must not exist", outputPath)
      .option(...JSON_FLAG)
      .action(convert);
  },
};

async function convert(model: string, flags: ConvertFlags): Promise<void> {
  const { convertCheckpoint } = await import("../../checkpoint/convert.ts");
  const { openModel } = await import("../../checkpoint/open-model.ts");
  const { requireFreePlace } = await import("../../checkpoint/save.ts");
  requireFreePlace(flags.out);
  const source = await openModel(model, note);
  const plan = await planOf(source, flags);
  const inspection = flags.check === true ? await checkBefore(source, plan, flags.out) : null;
  const converted = await withInterrupt("Start it again; nothing was written.", (signal) =>
    convertCheckpoint({ source, out: flags.out, ...plan, inspect: inspection?.inspect, signal }),
  );
  for (const name of converted.leftBehind)
    note(`Not copied: ${name} (weights in another layout, which state no window).`);
  if (converted.config.sinkTokens > 0) {
    note(
      `The first ${converted.config.sinkTokens} tokens stay visible in swarr only: no other program has a key for it.`,
    );
  }
  const check = inspection?.figures;
  printResult(flags.json, { ...summary(converted), ...(check === undefined ? {} : { check }) }, () =>
    sentence(converted),
  );
}

interface Plan {
  readonly window: number | null;
  readonly fullAttentionLayers: readonly number[] | undefined;
  readonly sinkTokens: number | undefined;
}

async function planOf(source: string, flags: ConvertFlags): Promise<Plan> {
  return {
    window: flags.window === "full" ? null : flags.window,
    fullAttentionLayers: await fullLayers(source, flags),
    sinkTokens: flags.sinkTokens,
  };
}

async function fullLayers(source: string, flags: ConvertFlags): Promise<readonly number[] | undefined> {
  if (flags.everyNthFull === undefined) return flags.fullAttentionLayers;
  if (flags.fullAttentionLayers !== undefined) {
    const { SwarrError } = await import("../../base/errors.ts");
    throw new SwarrError("BAD_ARGUMENT", {
      what: "Both --full-attention-layers and --every-nth-full are given.",
      expected: "one way to say which layers keep full attention.",
      fix: "Leave one of the two out.",
    });
  }
  const { loadConfig } = await import("../../checkpoint/load.ts");
  const { everyNthLayer } = await import("../../model/window.ts");
  const { config } = await loadConfig(source);
  return everyNthLayer(config.layerCount, flags.everyNthFull);
}

function summary({ out, config, weightFiles, leftBehind }: Converted): object {
  const windows = config.windows;
  return {
    out,
    family: config.family,
    window: windows.find((window) => window !== null) ?? null,
    windows,
    sinkTokens: config.sinkTokens,
    weightFiles,
    leftBehind,
  };
}

function sentence({ out, config, weightFiles }: Converted): string {
  const sliding = config.windows.filter((window) => window !== null);
  const plan =
    sliding.length === 0
      ? "full attention in every layer"
      : `a window of ${sliding[0]} in ${sliding.length} of ${config.layerCount} layers`;
  return `${out}: ${config.family} with ${plan}; ${weightFiles.length} weight file(s) copied byte for byte`;
}

interface Inspection {
  inspect(folder: string): Promise<void>;
  /** there once the folder was looked at */
  figures?: object;
}

/** @throws `BAD_WINDOW` when the plan leaves nothing to check, before anything is written */
async function checkBefore(source: string, plan: Plan, out: string): Promise<Inspection> {
  const { checkableEdge, checkWindow } = await import("../window-check.ts");
  const { loadConfig } = await import("../../checkpoint/load.ts");
  const { plannedConfig } = await import("../../checkpoint/convert.ts");
  checkableEdge(plannedConfig({ ...(await loadConfig(source)), where: out }, plan).config);
  const inspection: Inspection = {
    async inspect(folder) {
      const check = await checkWindow(folder, out);
      note(check.sentence);
      inspection.figures = check.figures;
    },
  };
  return inspection;
}
