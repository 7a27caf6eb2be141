// `swarr sft`: stage 1 of a recipe alone.

import { stageCommand } from "../stage-command.ts";

export const sftCommand = stageCommand({
  name: "sft",
  summary: "stage 1 alone: convert, fine-tune on worked solutions, evaluate",
  description: "Converts and fine-tunes the recipe's arms, and evaluates them; no RL.",
  example: "swarr sft recipes/miniature.yaml --out runs/sft",
  alone: ["rl=null", "moreSft=null"],
});
