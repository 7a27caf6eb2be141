// The figures a run ends with (results.json): accuracy by arm and stage, dependency statistics, cost.

import { SwarrError } from "../base/errors.ts";
import { asNumber, asObject, isObject, quote, type JsonObject } from "../base/json.ts";

/** Accuracy over problems, in 0 .. 1, with its 95% interval. */
export interface Score {
  readonly accuracy: number;
  readonly ci95: readonly [number, number];
  readonly n: number;
}

/** One model measured in up to two ways; a mode that was not run is absent. */
export interface Scores {
  readonly greedy?: Score;
  readonly sampled?: Score;
}

export const RESULT_STAGES = ["base", "sft", "moreSft", "rl"] as const;
export type ResultStage = (typeof RESULT_STAGES)[number];
export type ArmResults = Readonly<Partial<Record<ResultStage, Scores>>>;

/** How far apart the arms are, and how much of that RL closed; each is null or absent where a stage is. */
export interface Gaps {
  readonly gapAfterSft?: number | null;
  readonly gapAfterRl?: number | null;
  readonly gapRecovered?: number | null;
}

/** The dependencies of sampled traces. */
export interface DependencyFigures {
  /** share of traces with a dependency beyond the window */
  readonly beyondWindow: number;
  readonly meanDistance: number;
  /** share of steps that restate what remains; null when the task has no such measure */
  readonly restating: number | null;
}

export const DEPENDENCY_CELLS = ["swaSft", "swaRl", "saSft", "saRl"] as const;
export type DependencyCell = (typeof DEPENDENCY_CELLS)[number];

export interface Cost {
  readonly tokensTrained: number;
  readonly tokensSampled: number;
  readonly flops: number;
  readonly seconds: number;
  /** the most memory the process held; absent where it was not measured */
  readonly peakRssBytes?: number;
}

export interface RunResults extends Gaps {
  readonly seed: number;
  readonly window: number;
  readonly arms: { readonly sa?: ArmResults; readonly swa?: ArmResults };
  readonly gaps?: { readonly greedy?: Gaps; readonly sampled?: Gaps };
  readonly dependency?: Readonly<Partial<Record<DependencyCell, DependencyFigures>>>;
  /** by cell, such as `swa.rl` */
  readonly cost?: Readonly<Record<string, Cost>>;
  /** wall time by part, `total` among them */
  readonly seconds?: Readonly<Record<string, number>>;
}

/** Checks a parsed results.json. @throws `BAD_JSON` naming the field */
export function asResults(value: unknown, where: string): RunResults {
  const row = asObject(value, where);
  const arms = asObject(row["arms"], `${where}: arms`);
  return {
    seed: asNumber(row["seed"], `${where}: seed`),
    window: asNumber(row["window"], `${where}: window`),
    arms: mapKnown(arms, ["sa", "swa"] as const, `${where}: arms`, asArm),
    ...asGaps(row),
    ...optional(row, "gaps", (gaps) =>
      mapKnown(asObject(gaps, `${where}: gaps`), ["greedy", "sampled"] as const, `${where}: gaps`, (mode, at) =>
        asGaps(asObject(mode, at)),
      ),
    ),
    ...optional(row, "dependency", (cells) =>
      mapKnown(asObject(cells, `${where}: dependency`), DEPENDENCY_CELLS, `${where}: dependency`, asDependencyFigures),
    ),
    ...optional(row, "cost", (cells) => mapAll(cells, `${where}: cost`, asCost)),
    ...optional(row, "seconds", (parts) => mapAll(parts, `${where}: seconds`, asNumber)),
  };
}

function asArm(value: unknown, where: string): ArmResults {
  return mapKnown(asObject(value, where), RESULT_STAGES, where, (scores, at) =>
    mapKnown(asObject(scores, at), ["greedy", "sampled"] as const, at, asScore),
  );
}

function asScore(value: unknown, where: string): Score {
  const row = asObject(value, where);
  const ci95: unknown = row["ci95"];
  if (!Array.isArray(ci95) || ci95.length !== 2) {
    throw new SwarrError("BAD_JSON", {
      what: `${where}.ci95 is ${quote(ci95)}.`,
      expected: "two numbers, low and high.",
      fix: "Evaluate the run again.",
    });
  }
  return {
    accuracy: asNumber(row["accuracy"], `${where}.accuracy`),
    ci95: [asNumber(ci95[0], `${where}.ci95[0]`), asNumber(ci95[1], `${where}.ci95[1]`)],
    n: asNumber(row["n"], `${where}.n`),
  };
}

function asGaps(row: JsonObject): Gaps {
  const kept = (["gapAfterSft", "gapAfterRl", "gapRecovered"] as const).filter((name) => row[name] !== undefined);
  return Object.fromEntries(kept.map((name) => [name, row[name] === null ? null : asNumber(row[name], name)]));
}

function asDependencyFigures(value: unknown, where: string): DependencyFigures {
  const row = asObject(value, where);
  const restating = row["restating"] ?? null;
  return {
    beyondWindow: asNumber(row["beyondWindow"], `${where}.beyondWindow`),
    meanDistance: asNumber(row["meanDistance"], `${where}.meanDistance`),
    restating: restating === null ? null : asNumber(restating, `${where}.restating`),
  };
}

function asCost(value: unknown, where: string): Cost {
  const row = asObject(value, where);
  const field = (name: keyof Cost): number => asNumber(row[name], `${where}.${name}`);
  return {
    tokensTrained: field("tokensTrained"),
    tokensSampled: field("tokensSampled"),
    flops: field("flops"),
    seconds: field("seconds"),
    ...(row["peakRssBytes"] === undefined ? {} : { peakRssBytes: field("peakRssBytes") }),
  };
}

function optional<Name extends string, Value>(
  row: JsonObject,
  name: Name,
  read: (value: unknown) => Value,
): { readonly [key in Name]?: Value } {
  const value = row[name];
  return value === undefined || value === null ? {} : ({ [name]: read(value) } as { readonly [key in Name]?: Value });
}

/** Reads the entries whose names are known and present; null counts as absent. */
function mapKnown<Name extends string, Value>(
  row: JsonObject,
  names: readonly Name[],
  where: string,
  read: (value: unknown, where: string) => Value,
): Readonly<Partial<Record<Name, Value>>> {
  const present = names.filter((name) => row[name] !== undefined && row[name] !== null);
  return Object.fromEntries(present.map((name) => [name, read(row[name], `${where}.${name}`)])) as Partial<
    Record<Name, Value>
  >;
}

function mapAll<Value>(
  value: unknown,
  where: string,
  read: (value: unknown, where: string) => Value,
): Readonly<Record<string, Value>> {
  if (!isObject(value)) return {};
  return Object.fromEntries(Object.entries(value).map(([name, x]) => [name, read(x, `${where}.${name}`)]));
}
