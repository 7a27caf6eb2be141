// `swarr rl`: stage 2 of a recipe alone.

import { stageCommand } from "../stage-command.ts";

export const rlCommand = stageCommand({
  name: "rl",
  summary: "stage 2 alone: on-policy RL from the recipe's model",
  description:
    "Converts the recipe's model and adapts it by RL without an SFT stage; give an SFT checkpoint with --set model=FOLDER.",
  example: "swarr rl recipes/miniature.yaml --out runs/rl --set rl.steps=5",
  alone: ["sft=null", "moreSft=null"],
});
