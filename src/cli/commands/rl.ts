// `swarr rl`: stage 2 of a recipe alone.

import type { Command } from "commander";
import type { CommandModule } from "../command.ts";
import { collect } from "../flags.ts";
import { JSON_FLAG } from "../output.ts";

interface StageFlags {
  readonly out?: string;
  readonly set: readonly string[];
  readonly resume?: boolean;
  readonly json?: boolean;
}

/** The other stages, left out. */
const ALONE = ["sft=null", "moreSft=null"] as const;

export const rlCommand: CommandModule = {
  name: "rl",
  summary: "stage 2 alone: on-policy RL from the recipe's model",
  example: "swarr rl recipes/miniature.yaml --out runs/rl --set rl.steps=5",
  register(program: Command): void {
    program
      .command("rl <recipe>")
      .description(
        "Converts the recipe's model and adapts it by RL without an SFT stage; give an SFT checkpoint with --set model=FOLDER.",
      )
      .option("--out <folder>", "the run folder; runs/<name of the recipe> when left out")
      .option("--set <key=value>", "replace a setting, as rl.steps=20; may repeat", collect, [])
      .option("--resume", "go on with the run in --out")
      .option(...JSON_FLAG)
      .action(runStage);
  },
};

async function runStage(recipe: string, flags: StageFlags): Promise<void> {
  const { defaultRunFolder, runAndReport } = await import("../run-recipe.ts");
  const folder = flags.out ?? defaultRunFolder(recipe);
  const set = [...flags.set, ...ALONE];
  const again = `swarr rl ${recipe} --out ${folder} --resume`;
  await runAndReport({ ...flags, recipe, folder, set, again });
}
