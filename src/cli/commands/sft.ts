// `swarr sft`: stage 1 of a recipe alone.

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
const ALONE = ["rl=null", "moreSft=null"] as const;

export const sftCommand: CommandModule = {
  name: "sft",
  summary: "stage 1 alone: convert, fine-tune on worked solutions, evaluate",
  example: "swarr sft recipes/miniature.yaml --out runs/sft",
  register(program: Command): void {
    program
      .command("sft <recipe>")
      .description("Converts and fine-tunes the recipe's arms, and evaluates them; no RL.")
      .option("--out <folder>", "the run folder; runs/<name of the recipe> when left out")
      .option("--set <key=value>", "replace a setting, as sft.steps=20; may repeat", collect, [])
      .option("--resume", "go on with the run in --out")
      .option(...JSON_FLAG)
      .action(runStage);
  },
};

async function runStage(recipe: string, flags: StageFlags): Promise<void> {
  const { defaultRunFolder, runAndReport } = await import("../run-recipe.ts");
  const folder = flags.out ?? defaultRunFolder(recipe);
  const set = [...flags.set, ...ALONE];
  const again = `swarr sft ${recipe} --out ${folder} --resume`;
  await runAndReport({ ...flags, recipe, folder, set, again });
}
