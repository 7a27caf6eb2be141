// Settings that are each fine and do not go together.

import type { ErrorParts } from "../base/errors.ts";
import type { Recipe } from "./recipe.ts";

/** @returns what is wrong with the first pair of settings that contradict each other; null when none do */
export function firstClash(recipe: Recipe): ErrorParts | null {
  for (const rule of RULES) {
    const clash = rule(recipe);
    if (clash !== null) return clash;
  }
  return null;
}

type Rule = (recipe: Recipe) => ErrorParts | null;

const RULES: readonly Rule[] = [
  ({ arms }) =>
    new Set(arms).size === arms.length
      ? null
      : { what: `arms is [${arms.join(", ")}].`, expected: "each arm once.", fix: "Remove the second mention." },
  ({ eval: { modes } }) =>
    new Set(modes).size === modes.length
      ? null
      : {
          what: `eval.modes is [${modes.join(", ")}].`,
          expected: "each mode once.",
          fix: "Remove the second mention.",
        },
  ({ pretrain, model }) =>
    pretrain === null || typeof model !== "string"
      ? null
      : {
          what: `pretrain is given, and model is the folder "${model}".`,
          expected: "a model to pretrain that is drawn at random (model.init), or a folder and no pretraining.",
          fix: "Set pretrain to null, or give model.init.",
        },
  ({ data, sft }) => (sft === null || data.task !== "file" || data.train !== null ? null : noFile("data.train", "sft")),
  ({ data, rl }) =>
    rl === null || data.task !== "file" || data.train !== null || data.rl !== null ? null : noFile("data.rl", "rl"),
  ({ data, rl }) =>
    rl === null || data.task === "file" || rl.formatWeight === 0
      ? null
      : {
          what: `rl.formatWeight is ${rl.formatWeight}, and data.task is ${data.task}.`,
          expected: "0: that task is rewarded for its final answer alone.",
          fix: "Remove rl.formatWeight.",
        },
  ({ data, rewards, rl }) =>
    rewards === null || (data.task === "file" && rl !== null && rl.formatWeight === 0 && rl.overlong === null)
      ? null
      : {
          what: `rewards is "${rewards}", with data.task ${data.task}${rl === null ? " and no rl stage" : ""}.`,
          expected:
            "file data and an rl stage whose formatWeight is 0 and overlong null: the module weighs everything itself.",
          fix: "Remove rewards, or the settings it replaces.",
        },
  ({ data, rl }) =>
    rl === null || rl.overlong === null || (data.task === "file" && rl.overlong.bufferTokens <= rl.maxNewTokens)
      ? null
      : {
          what: `rl.overlong.bufferTokens is ${rl.overlong.bufferTokens}, with data.task ${data.task} and rl.maxNewTokens ${rl.maxNewTokens}.`,
          expected: "file data, and a buffer no longer than the cap.",
          fix: "Lower rl.overlong.bufferTokens, or set rl.overlong to null.",
        },
  ({ moreSft, sft, rl, arms }) => {
    if (moreSft === null) return null;
    const lacking = !arms.includes("swa")
      ? "arms has no swa"
      : sft === null
        ? "sft is null"
        : moreSft.steps === "match-rl" && rl === null
          ? "rl is null"
          : null;
    if (lacking === null) return null;
    return {
      what: `moreSft is given, and ${lacking}.`,
      expected: "a windowed arm with an sft stage to go on with, and an rl stage where its cost is to be matched.",
      fix: "Set moreSft to null, or give what it needs.",
    };
  },
];

function noFile(key: string, stage: string): ErrorParts {
  return {
    what: `${key} is not given, and the stage ${stage} needs it.`,
    expected: "the path of a JSON Lines or Parquet file.",
    fix: `Add it to the recipe, or give it with --set ${key}=FILE.`,
  };
}
