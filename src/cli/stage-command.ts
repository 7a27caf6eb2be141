// `swarr sft` and `swarr rl`: a recipe with its other stages left out.

import type { CommandModule } from "./command.ts";
import { collect, outputPath } from "./flags.ts";
import { JSON_FLAG } from "./output.ts";

interface StageFlags {
  readonly out?: string;
  readonly set: readonly string[];
  readonly resume?: boolean;
  readonly json?: boolean;
}

export interface StageCommand {
  readonly name: "sft" | "rl";
  readonly summary: string;
  readonly description: string;
  readonly example: string;
  /** the settings that leave the other stages out */
  readonly alone: readonly string[];
}

export function stageCommand({ name, summary, description, example, alone }: StageCommand): CommandModule {
  return {
    name,
    summary,
    example,
    register(program) {
      program
        .command(`${name} <recipe>`)
        .description(description)
        .option("--out <folder>", "the run folder; runs/<name of the recipe> when left out", outputPath)
        .option("--set <key=value>", `replace a setting, as ${name}.steps=20; may repeat`, collect, [])
        .option("--resume", "go on with the run in --out")
        .option(...JSON_FLAG)
        .action(async (recipe: string, flags: StageFlags) => {
          const { defaultRunFolder, runAndReport } = await import("./run-recipe.ts");
          const folder = flags.out ?? defaultRunFolder(recipe);
          await runAndReport({ ...flags, recipe, folder, set: [...flags.set, ...alone], again: [name, recipe] });
        });
    },
  };
}
