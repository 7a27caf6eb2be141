// A model as `generate`, `logprobs` and `serve` use it: opened, with the window that the flags ask for.

import { loadCheckpoint, type Checkpoint } from "../checkpoint/load.ts";
import { openModel } from "../checkpoint/open-model.ts";
import { createEngine } from "../engine/create-engine.ts";
import type { Engine } from "../engine/engine.ts";
import { withWindow } from "../model/window.ts";
import os from "node:os";
import { SwarrError } from "../base/errors.ts";
import { note } from "./output.ts";

export interface WindowFlags {
  readonly window?: number | "full";
  readonly fullAttentionLayers?: readonly number[];
}

export interface ModelInUse extends Checkpoint {
  readonly engine: Engine;
}

/** `--window` replaces the window of every layer, also of those the config leaves full. */
export async function openForUse(model: string, flags: WindowFlags): Promise<ModelInUse> {
  if (flags.fullAttentionLayers !== undefined && flags.window === undefined) {
    throw new SwarrError("BAD_ARGUMENT", {
      what: "--full-attention-layers is given without --window.",
      expected: "the window of the other layers.",
      fix: "Add --window W.",
    });
  }
  const checkpoint = await loadCheckpoint(await openModel(model, note));
  const window = flags.window === "full" ? null : flags.window;
  const config =
    window === undefined ? checkpoint.config : withWindow(checkpoint.config, window, flags.fullAttentionLayers);
  return { ...checkpoint, config, engine: createEngine({ threads: os.availableParallelism() }) };
}

/** The ids of `--ids`, or of the text; exactly one of the two is given. */
export function idsFrom(
  checkpoint: Checkpoint,
  ids: readonly number[] | undefined,
  text: string | undefined,
  names: string,
): readonly number[] {
  if ((ids === undefined) === (text === undefined)) {
    throw new SwarrError("BAD_ARGUMENT", {
      what: `${names} are ${ids === undefined ? "both left out" : "both given"}.`,
      expected: "exactly one of them.",
      fix: `Give one of ${names}.`,
    });
  }
  const given = ids ?? checkpoint.tokenizer.encode(text!);
  const wrong = given.find((id) => id >= checkpoint.config.vocabularySize);
  if (given.length > 0 && wrong === undefined) return given;
  throw new SwarrError("BAD_ARGUMENT", {
    what: wrong === undefined ? "The text has no tokens." : `The token id ${wrong} is given.`,
    expected: `at least one token, each from 0 to ${checkpoint.config.vocabularySize - 1}.`,
    fix: "Correct the ids or the text.",
  });
}
