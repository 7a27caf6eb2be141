// `swarr demo`: the miniature experiment, from nothing to a table and a report.

import type { Command } from "commander";
import type { CommandModule } from "../command.ts";
import { outputPath, wholeNumber } from "../flags.ts";
import { JSON_FLAG } from "../output.ts";

interface DemoFlags {
  readonly out: string;
  readonly seed?: number;
  readonly quick?: boolean;
  readonly resume?: boolean;
  readonly json?: boolean;
}

/** The small variant: a quarter of the parameters, its RL rate falling to 0. */
const QUICK = ["model.init.width=64", "model.init.feedForwardWidth=128", "rl.lr=0.0005", "rl.schedule=linear"] as const;

export const demoCommand: CommandModule = {
  name: "demo",
  summary: "reproduce the finding from nothing on this machine, in minutes",
  example: "swarr demo --out swarr-demo",
  register(program: Command): void {
    program
      .command("demo")
      .description(
        "Pretrains a small full-attention model on the spot, converts it to a sliding window, and takes both arms through\n" +
          "SFT and RL, with more SFT as the control. Prints the table; writes results.json and report.html.",
      )
      .option("--out <folder>", "where the run goes", outputPath, "swarr-demo")
      .option("--seed <N>", "names every random draw (default: 1)", wholeNumber(0))
      .option("--quick", "a quarter of the parameters")
      .option("--resume", "go on with an interrupted demo in --out")
      .option(...JSON_FLAG)
      .action(demo);
  },
};

async function demo(flags: DemoFlags): Promise<void> {
  const { packagedRecipe, runAndReport } = await import("../run-recipe.ts");
  const set = [...(flags.seed === undefined ? [] : [`seed=${flags.seed}`]), ...(flags.quick === true ? QUICK : [])];
  await runAndReport({ ...flags, recipe: packagedRecipe("miniature"), folder: flags.out, set, again: ["demo"] });
}
