// Reads run folders, finished or still being written: events with their torn last line, results, recipe, manifest, analysis.

import fs from "node:fs";
import path from "node:path";
import { SwarrError, messageOf } from "../base/errors.ts";
import { readText } from "../base/files.ts";
import { isObject, parseJson, quote, type JsonObject } from "../base/json.ts";
import type { ArmName, RunEvent, StageName } from "./events.ts";
import { asResults, type RunResults } from "./results.ts";

/** A line of events.jsonl that cannot be read: counted and shown, never fatal to the reader. */
export interface BrokenLine {
  /** from 1 */
  readonly line: number;
  readonly why: string;
}

export interface EventBatch {
  readonly events: readonly RunEvent[];
  readonly broken: readonly BrokenLine[];
  /** the file was replaced or cut since the last read: what was read before no longer holds */
  readonly restarted: boolean;
  /** bytes after the last line break: a line still being written, or torn by a crash */
  readonly tornBytes: number;
}

/** Follows a growing events.jsonl: each call gives the whole lines added since the one before. */
export interface EventTail {
  next(): EventBatch;
}

const EVENT_TYPES: ReadonlySet<string> = new Set<RunEvent["type"]>([
  "stage-start",
  "stage-end",
  "sft-step",
  "rl-step",
  "evaluation",
  "checkpoint",
  "snapshot",
  "notice",
  "run-end",
]);
const ARMS: ReadonlySet<unknown> = new Set<ArmName | null>(["sa", "swa", null]);
const STAGES: ReadonlySet<unknown> = new Set<StageName | null>(["pretrain", "base", "sft", "more-sft", "rl", null]);
const NEW_LINE = 10;

/** The file need not exist yet: until then every batch is empty. */
export function eventTail(file: string): EventTail {
  let offset = 0;
  let line = 0;
  let identity = 0;
  const next = (): EventBatch => {
    const stat = fs.statSync(file, { throwIfNoEntry: false });
    if (stat === undefined) return { events: [], broken: [], restarted: restart(), tornBytes: 0 };
    const restarted = (identity !== stat.ino || stat.size < offset) && restart();
    identity = stat.ino;
    const bytes = readFrom(file, offset, stat.size - offset);
    const end = bytes.lastIndexOf(NEW_LINE) + 1;
    const events: RunEvent[] = [];
    const broken: BrokenLine[] = [];
    for (const text of end === 0 ? [] : bytes.toString("utf8", 0, end - 1).split("\n")) {
      line += 1;
      if (text.trim() === "") continue;
      const event = decodeEvent(text);
      if (typeof event === "string") broken.push({ line, why: event });
      else events.push(event);
    }
    offset += end;
    return { events, broken, restarted, tornBytes: bytes.length - end };
  };
  const restart = (): boolean => {
    const hadRead = offset > 0;
    offset = 0;
    line = 0;
    return hadRead;
  };
  return { next };
}

/** Every whole line of an events.jsonl. @throws `FILE_MISSING` */
export function readEvents(file: string): EventBatch {
  if (!fs.existsSync(file)) readText(file, "the events of a run");
  return eventTail(file).next();
}

/** What a run folder holds; a file that is not there is null, a run may still be writing. */
export interface RunFolder {
  readonly folder: string;
  /** the last part of the path */
  readonly name: string;
  readonly events: readonly RunEvent[];
  readonly broken: readonly BrokenLine[];
  readonly recipeText: string | null;
  readonly manifest: JsonObject | null;
  readonly results: RunResults | null;
  readonly analysis: JsonObject | null;
}

/** A folder is a run when it has events or results. */
export function isRunFolder(folder: string): boolean {
  return ["events.jsonl", "results.json"].some((name) => fs.existsSync(path.join(folder, name)));
}

/** @throws `FILE_MISSING` when the folder is no run; `BAD_JSON` when one of its files is damaged */
export function readRun(folder: string): RunFolder {
  if (!isRunFolder(folder)) {
    throw new SwarrError("FILE_MISSING", {
      what: `${folder} has neither events.jsonl nor results.json.`,
      expected: "the folder of a run.",
      fix: "Give the folder that `swarr run` or `swarr demo` wrote (its --out).",
    });
  }
  const batch = eventTail(path.join(folder, "events.jsonl")).next();
  const results = readJsonFile(folder, "results.json");
  return {
    folder,
    name: path.basename(path.resolve(folder)),
    events: batch.events,
    broken: batch.broken,
    recipeText: readIfThere(folder, "recipe.yaml"),
    manifest: readJsonFile(folder, "manifest.json"),
    results: results === null ? null : asResults(results, path.join(folder, "results.json")),
    analysis: readJsonFile(folder, "analysis.json"),
  };
}

/** The event on a line, or why it is none. */
function decodeEvent(text: string): RunEvent | string {
  let row: unknown;
  try {
    row = JSON.parse(text);
  } catch (cause) {
    return `not valid JSON: ${messageOf(cause)}`;
  }
  if (!isObject(row)) return `${quote(row)} is no object`;
  const { type, time, arm = null, stage = null, step = null } = row;
  if (typeof type !== "string" || !EVENT_TYPES.has(type)) return `unknown type ${quote(type)}`;
  if (typeof time !== "string" || Number.isNaN(Date.parse(time))) return `time ${quote(time)} is no ISO date`;
  if (!ARMS.has(arm)) return `unknown arm ${quote(arm)}`;
  if (!STAGES.has(stage)) return `unknown stage ${quote(stage)}`;
  if (step !== null && !(Number.isSafeInteger(step) && Number(step) >= 0)) return `step ${quote(step)} is no count`;
  if ((type === "sft-step" || type === "rl-step") && (step === null || stage === null)) {
    return `a ${type} without ${step === null ? "step" : "stage"}`;
  }
  return { ...row, arm, stage, step } as unknown as RunEvent;
}

function readFrom(file: string, offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(Math.max(0, length));
  const handle = fs.openSync(file, "r");
  try {
    const read = fs.readSync(handle, bytes, 0, bytes.length, offset);
    return bytes.subarray(0, read);
  } finally {
    fs.closeSync(handle);
  }
}

function readIfThere(folder: string, name: string): string | null {
  const file = path.join(folder, name);
  return fs.existsSync(file) ? readText(file, "part of a run folder") : null;
}

function readJsonFile(folder: string, name: string): JsonObject | null {
  const text = readIfThere(folder, name);
  if (text === null) return null;
  const value = parseJson(text, path.join(folder, name));
  if (isObject(value)) return value;
  throw new SwarrError("BAD_JSON", {
    what: `${path.join(folder, name)} holds ${quote(value)}.`,
    expected: "a JSON object.",
    fix: "Regenerate the file.",
  });
}
