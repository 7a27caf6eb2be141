// One sampled response a line, as stored under rollouts/<arm>/: the record, its encoding and its reader.

import fs from "node:fs";
import path from "node:path";
import { SwarrError } from "../base/errors.ts";
import { asInteger, asNumber, asObject, asString, isObject, parseJson, quote } from "../base/json.ts";
import type { ArmName, StageName } from "./events.ts";

export const VERDICTS = ["right", "wrong", "unreadable", "timeout"] as const;
export type RolloutVerdict = (typeof VERDICTS)[number];

/** The farthest look-up of a trace. */
export interface Dependency {
  /** tokens between an occurrence and the previous one */
  readonly distance: number;
  readonly beyondWindow: boolean;
}

/** `[from, to]`: the token at `to` looks up the one at `from`; both index the tokens of prompt and response together. */
export type Arc = readonly [from: number, to: number];

/** One rollout, or one response of the evaluation after a stage. */
export interface RolloutRecord {
  /** which prompt of the step, from 0; rollouts of one prompt share it */
  readonly group: number;
  /** which rollout of the group, from 0 */
  readonly sample: number;
  /** the problem's id in its data set */
  readonly problem: string;
  readonly prompt: string;
  /** text of each prompt token, so that arcs can be drawn into the prompt; null when it was not kept */
  readonly promptTokens: readonly string[] | null;
  readonly response: string;
  /** text of each response token, the end token included when drawn; joined they may differ from `response` in special tokens only */
  readonly tokens: readonly string[];
  /** natural log of each response token's probability at sampling time; as long as `tokens` */
  readonly logProbs: readonly number[];
  readonly reward: number;
  /** named parts of the reward, before weighting */
  readonly terms: Readonly<Record<string, number>>;
  readonly verdict: RolloutVerdict;
  /** what the verifier read; null when unreadable */
  readonly answer: string | null;
  readonly gold: string;
  readonly finishReason: "stop" | "length";
  /** response tokens, the end token included */
  readonly length: number;
  /** null when the task has no such measure, or the trace no look-up */
  readonly dependency: Dependency | null;
  /** look-ups; need `promptTokens` to be drawn; null when the task has no such measure */
  readonly arcs: readonly Arc[] | null;
}

/** Where the rollouts of an RL step lie, relative to the run folder. */
export function rolloutStepFile(arm: ArmName, step: number): string {
  return `rollouts/${arm}/step-${String(step).padStart(6, "0")}.jsonl`;
}

/** Where the responses of the evaluation after a stage lie, relative to the run folder. */
export function rolloutFinalFile(arm: ArmName, stage: StageName): string {
  return `rollouts/${arm}/${stage}-final.jsonl`;
}

/**
 * One line of a rollout file, newline included. Log-probs keep 6 significant digits: float32 has no more to say and the file halves.
 *
 * @throws `NOT_FINITE` naming the field
 */
export function encodeRollout(record: RolloutRecord): string {
  const where = `rollout ${record.group}/${record.sample} of ${record.problem}`;
  requireFinite(record.reward, `${where}: reward`);
  for (const [name, value] of Object.entries(record.terms)) requireFinite(value, `${where}: terms.${name}`);
  for (const [i, value] of record.logProbs.entries()) requireFinite(value, `${where}: logProbs[${i}]`);
  const logProbs = Array.from(record.logProbs, (value) => Number(value.toPrecision(6)));
  return `${JSON.stringify({ ...record, logProbs })}\n`;
}

/** @throws `BAD_JSON` naming `where` and the field */
export function decodeRollout(line: string, where: string): RolloutRecord {
  const row = asObject(parseJson(line, where), where);
  const record: RolloutRecord = {
    group: asInteger(row["group"], `${where}: group`),
    sample: asInteger(row["sample"], `${where}: sample`),
    problem: asString(row["problem"], `${where}: problem`),
    prompt: asString(row["prompt"], `${where}: prompt`),
    promptTokens:
      (row["promptTokens"] ?? null) === null ? null : asTexts(row["promptTokens"], `${where}: promptTokens`),
    response: asString(row["response"], `${where}: response`),
    tokens: asTexts(row["tokens"], `${where}: tokens`),
    logProbs: asNumbers(row["logProbs"], `${where}: logProbs`),
    reward: asNumber(row["reward"], `${where}: reward`),
    terms: asTerms(row["terms"], `${where}: terms`),
    verdict: oneOf(row["verdict"], VERDICTS, `${where}: verdict`),
    answer: row["answer"] === null ? null : asString(row["answer"], `${where}: answer`),
    gold: asString(row["gold"], `${where}: gold`),
    finishReason: oneOf(row["finishReason"], ["stop", "length"] as const, `${where}: finishReason`),
    length: asInteger(row["length"], `${where}: length`),
    dependency: asDependency(row["dependency"], `${where}: dependency`),
    arcs: asArcs(row["arcs"], `${where}: arcs`),
  };
  if (record.tokens.length !== record.logProbs.length) {
    throw new SwarrError("BAD_JSON", {
      what: `${where} has ${record.tokens.length} tokens and ${record.logProbs.length} log-probs.`,
      expected: "one log-prob for each token.",
      fix: "Sample the file again.",
    });
  }
  return record;
}

/** One rollout file of a run folder. */
export interface RolloutFile {
  readonly arm: ArmName;
  /** file name without `.jsonl`: `step-000010`, `sft-final` */
  readonly name: string;
  /** the RL step; null for the responses of an evaluation */
  readonly step: number | null;
  /** the stage whose evaluation this is; null for an RL step */
  readonly finalStage: StageName | null;
  readonly path: string;
}

const STEP_NAME = /^step-(\d{1,12})$/;
const FINAL_NAME = /^(pretrain|base|sft|more-sft|rl)-final$/;

/** The rollout files of a run folder, steps in order, then evaluations; other files are left alone. */
export function rolloutFiles(runFolder: string): readonly RolloutFile[] {
  const found: RolloutFile[] = [];
  for (const arm of ["sa", "swa"] as const) {
    const folder = path.join(runFolder, "rollouts", arm);
    if (!fs.existsSync(folder)) continue;
    for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
      if (!entry.isFile() || !entry.name.endsWith(".jsonl")) continue;
      const name = entry.name.slice(0, -".jsonl".length);
      const step = STEP_NAME.exec(name);
      const final = FINAL_NAME.exec(name);
      if (step === null && final === null) continue;
      found.push({
        arm,
        name,
        step: step === null ? null : Number(step[1]),
        finalStage: final === null ? null : (final[1] as StageName),
        path: path.join(folder, entry.name),
      });
    }
  }
  return found.sort(
    (a, b) => a.arm.localeCompare(b.arm) || (a.step ?? Infinity) - (b.step ?? Infinity) || a.name.localeCompare(b.name),
  );
}

/** The complete lines of a rollout file; a last line still being written is left out. @throws `BAD_JSON` with the line number */
export function readRollouts(file: string): readonly RolloutRecord[] {
  const lines = fs.readFileSync(file, "utf8").split("\n");
  lines.pop();
  return lines.flatMap((line, i) => (line.trim() === "" ? [] : [decodeRollout(line, `${file}:${i + 1}`)]));
}

function asList(value: unknown, where: string): readonly unknown[] {
  if (Array.isArray(value)) return value as readonly unknown[];
  throw wrong(value, "a list", where);
}

// Places are spelt out for a wrong element only: spelling them for every token costs more than reading the line.

function asTexts(value: unknown, where: string): readonly string[] {
  const list = asList(value, where);
  const odd = list.findIndex((text) => typeof text !== "string");
  if (odd >= 0) throw wrong(list[odd], "a string", `${where}[${odd}]`);
  return list as readonly string[];
}

function asNumbers(value: unknown, where: string): readonly number[] {
  const list = asList(value, where);
  const odd = list.findIndex((x) => typeof x !== "number" || !Number.isFinite(x));
  if (odd >= 0) throw wrong(list[odd], "a finite number", `${where}[${odd}]`);
  return list as readonly number[];
}

function asTerms(value: unknown, where: string): Readonly<Record<string, number>> {
  if (!isObject(value)) throw wrong(value, "an object of numbers", where);
  return Object.fromEntries(Object.entries(value).map(([name, x]) => [name, asNumber(x, `${where}.${name}`)]));
}

function asDependency(value: unknown, where: string): Dependency | null {
  if (value === null || value === undefined) return null;
  const row = asObject(value, where);
  const beyondWindow = row["beyondWindow"];
  if (typeof beyondWindow !== "boolean") throw wrong(beyondWindow, "true or false", `${where}.beyondWindow`);
  return { distance: asNumber(row["distance"], `${where}.distance`), beyondWindow };
}

function asArcs(value: unknown, where: string): readonly Arc[] | null {
  if (value === null || value === undefined) return null;
  const list = asList(value, where);
  const odd = list.findIndex((pair) => !Array.isArray(pair) || pair.length !== 2 || !pair.every(isPosition));
  if (odd >= 0) throw wrong(list[odd], "two token positions", `${where}[${odd}]`);
  return list as readonly Arc[];
}

function isPosition(value: unknown): boolean {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function oneOf<Name extends string>(value: unknown, names: readonly Name[], where: string): Name {
  const found = names.find((name) => name === value);
  if (found !== undefined) return found;
  throw wrong(value, `one of ${names.join(", ")}`, where);
}

function requireFinite(value: number, where: string): void {
  if (Number.isFinite(value)) return;
  throw new SwarrError("NOT_FINITE", {
    what: `${where} is ${value}.`,
    expected: "a finite number.",
    fix: "Lower the learning rate, or resume from the last snapshot and look at the step's data.",
  });
}

function wrong(value: unknown, expected: string, where: string): SwarrError {
  return new SwarrError("BAD_JSON", {
    what: `${where} is ${quote(value)}.`,
    expected: `${expected}.`,
    fix: "Sample the file again, or correct the line.",
  });
}
