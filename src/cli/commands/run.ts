// `swarr run`: a recipe from its base checkpoints to the report, both arms.

import type { Command } from "commander";
import type { CommandModule } from "../command.ts";
import { collect, outputPath } from "../flags.ts";
import { JSON_FLAG } from "../output.ts";

interface RunFlags {
  readonly out?: string;
  readonly set: readonly string[];
  readonly resume?: boolean;
  readonly json?: boolean;
}

export const runCommand: CommandModule = {
  name: "run",
  summary: "run a recipe: convert, SFT, RL, evaluate both arms, export, report",
  example: "swarr run recipes/miniature.yaml --out runs/miniature --set rl.steps=20",
  register(program: Command): void {
    program
      .command("run <recipe>")
      .description(
        "Runs both arms of a recipe into a run folder: convert, stage 1 (SFT), stage 2 (RL), evaluation after each,\n" +
          "checkpoints, report. Ctrl-C saves; --resume goes on exactly.",
      )
      .option("--out <folder>", "the run folder; runs/<name of the recipe> when left out", outputPath)
      .option("--set <key=value>", "replace a setting, as rl.steps=20; may repeat", collect, [])
      .option("--resume", "go on with the run in --out")
      .option(...JSON_FLAG)
      .action(run);
  },
};

async function run(recipe: string, flags: RunFlags): Promise<void> {
  const { defaultRunFolder, runAndReport } = await import("../run-recipe.ts");
  await runAndReport({ recipe, folder: flags.out ?? defaultRunFolder(recipe), ...flags, again: ["run", recipe] });
}
