// Reading flag values: every number is checked at the door, and a wrong one is named with what was expected.

import { InvalidArgumentError } from "commander";
import { isTemperature, LEAST_TEMPERATURE } from "../generate/sampler.ts";
import { MOST_TOKENS } from "../model/config.ts";

/** For `.option("--steps <N>", …, wholeNumber(1))`: an integer in `[least, most]`. */
export function wholeNumber(least = 0, most = Infinity): (text: string) => number {
  const range = most === Infinity ? `of at least ${least}` : `from ${least} to ${most}`;
  return (text) => {
    const value = Number(text);
    const inRange = Number.isSafeInteger(value) && value >= least && value <= most;
    if (/^[+-]?\d+$/.test(text.trim()) && inRange) return value;
    throw new InvalidArgumentError(`Expected an integer ${range}.`);
  };
}

/** For `--port`; 0 takes any free one. */
export const portNumber = wholeNumber(0, 65535);

/** For rates and shares: a finite number in `[least, most]`. */
export function realNumber(least: number, most = Infinity): (text: string) => number {
  const range = most === Infinity ? `of at least ${least}` : `from ${least} to ${most}`;
  return (text) => {
    const value = Number(text);
    if (text.trim() !== "" && Number.isFinite(value) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a number ${range}.`);
  };
}

/** 0, or what the sampler can divide by. */
export function temperatureFlag(text: string): number {
  const value = realNumber(0)(text);
  if (isTemperature(value)) return value;
  throw new InvalidArgumentError(`Expected 0, or a number of at least ${LEAST_TEMPERATURE}.`);
}

/** For `--ids 1,2,3` and `--full-attention-layers 0,7`; the empty text is the empty list. */
export function wholeNumberList(least = 0): (text: string) => readonly number[] {
  const one = wholeNumber(least);
  return (text) => (text.trim() === "" ? [] : text.split(",").map(one));
}

/** For `--window W|full`; W counts the query itself. */
export function windowFlag(text: string): number | "full" {
  return text === "full" ? "full" : windowWidth(text);
}

/** For a `--window` that has to be one, and `--sink-tokens` with 0 for none. */
export const windowWidth = wholeNumber(1, MOST_TOKENS);
export const sinkTokens = wholeNumber(0, MOST_TOKENS);

/** For what is written to: the empty text, as an unset shell variable leaves it, would mean the working directory. */
export function outputPath(text: string): string {
  if (text.trim() !== "") return text;
  throw new InvalidArgumentError("Expected a path, not an empty text.");
}

/** For a flag that may repeat, such as `--set key=value`: `.option("--set <key=value>", …, collect, [])`. */
export function collect(text: string, earlier: readonly string[]): readonly string[] {
  return [...earlier, text];
}
