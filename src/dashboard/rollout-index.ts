// Where each rollout of a run lies and what it can be found by, in columns: built in pieces, so that the server never stands still.

import fs from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import { VERDICTS, decodeRollout, rolloutFiles, type RolloutFile, type RolloutRecord } from "../run/rollouts.ts";
import type { RolloutPage, RolloutRow } from "./api.ts";

export interface RolloutFilter {
  readonly arm: string;
  /** a file's name, or "steps" for all RL steps */
  readonly file: string;
  readonly verdict: string | null;
  readonly beyond: boolean | null;
  readonly minReward: number;
  readonly maxReward: number;
  readonly minLength: number;
  readonly maxLength: number;
  readonly sort: "order" | "reward" | "length" | "distance";
  readonly descending: boolean;
  readonly offset: number;
  readonly limit: number;
}

export interface RolloutIndex {
  page(filter: RolloutFilter): Promise<RolloutPage>;
  group(arm: string, file: string, group: number): Promise<readonly (RolloutRecord & { readonly line: number })[]>;
}

/** One file's rollouts as columns; `offsets[i]` is where rollout i starts. */
interface FileColumns {
  readonly file: RolloutFile;
  read: number;
  identity: number;
  /** reading under way; requests share it */
  pending: Promise<void> | null;
  broken: number;
  lineCount: number;
  readonly lines: number[];
  readonly offsets: number[];
  readonly lengths: number[];
  readonly groups: number[];
  readonly rewards: number[];
  readonly verdicts: number[];
  readonly tokens: number[];
  readonly distances: number[];
  readonly beyond: boolean[];
}

const CHUNK_BYTES = 1 << 20;
/** How long a request for all steps waits for the index before it answers with what there is. */
const PATIENCE_MS = 300;
const NEW_LINE = 10;

export function rolloutIndex(folder: string): RolloutIndex {
  const known = new Map<string, FileColumns>();
  let background: Promise<void> | null = null;

  const filesFor = (arm: string, name: string): readonly RolloutFile[] =>
    rolloutFiles(folder).filter(
      (file) => file.arm === arm && (name === "steps" ? file.step !== null : file.name === name),
    );
  const columnsFor = (file: RolloutFile): FileColumns => {
    const stat = fs.statSync(file.path);
    const old = known.get(file.path);
    if (old !== undefined && old.identity === stat.ino && stat.size >= old.read) return old;
    const fresh = emptyColumns(file, stat.ino);
    known.set(file.path, fresh);
    return fresh;
  };
  const indexAll = async (files: readonly RolloutFile[]): Promise<void> => {
    for (const file of files) await indexFile(columnsFor(file));
  };

  const page = async (filter: RolloutFilter): Promise<RolloutPage> => {
    const files = filesFor(filter.arm, filter.file);
    if (filter.file === "steps") {
      background ??= indexAll(files).finally(() => (background = null));
      await Promise.race([background, new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]);
    } else await indexAll(files);
    const columns = files.map(columnsFor);
    const matches = matching(columns, filter);
    const rows = matches.slice(filter.offset, filter.offset + filter.limit).map(([file, i]) => rowOf(file, i));
    return {
      total: matches.length,
      rows,
      indexed: columns.reduce((sum, file) => sum + file.lines.length, 0),
      complete: background === null,
      broken: columns.reduce((sum, file) => sum + file.broken, 0),
    };
  };

  const group = async (arm: string, name: string, wanted: number) => {
    const [file] = filesFor(arm, name);
    if (file === undefined) return [];
    const columns = columnsFor(file);
    await indexFile(columns);
    return columns.lines.flatMap((line, i) =>
      columns.groups[i] === wanted ? [{ ...readRecord(columns, i), line }] : [],
    );
  };
  return { page, group };
}

function emptyColumns(file: RolloutFile, identity: number): FileColumns {
  return {
    file,
    identity,
    pending: null,
    read: 0,
    broken: 0,
    lineCount: 0,
    lines: [],
    offsets: [],
    lengths: [],
    groups: [],
    rewards: [],
    verdicts: [],
    tokens: [],
    distances: [],
    beyond: [],
  };
}

/** Reads what the file has gained, a megabyte at a time, giving way to other requests in between. */
function indexFile(columns: FileColumns): Promise<void> {
  columns.pending ??= readOn(columns).finally(() => (columns.pending = null));
  return columns.pending;
}

async function readOn(columns: FileColumns): Promise<void> {
  let size = CHUNK_BYTES;
  for (;;) {
    const start = columns.read;
    const bytes = readBytes(columns.file.path, start, size);
    const end = bytes.lastIndexOf(NEW_LINE) + 1;
    if (end === 0) {
      // No whole line: either the file's end, or a line longer than the chunk.
      if (bytes.length < size) return;
      size *= 4;
      continue;
    }
    columns.read = start + end;
    for (let from = 0; from < end;) {
      const to = bytes.indexOf(NEW_LINE, from);
      addLine(columns, bytes.toString("utf8", from, to), start + from, to - from);
      from = to + 1;
    }
    await nextTurn();
  }
}

function addLine(columns: FileColumns, text: string, offset: number, length: number): void {
  const line = columns.lineCount++;
  if (text.trim() === "") return;
  let record: RolloutRecord;
  try {
    record = decodeRollout(text, `line ${line + 1}`);
  } catch {
    // Counted, and the count is shown beside the list.
    columns.broken += 1;
    return;
  }
  columns.lines.push(line);
  columns.offsets.push(offset);
  columns.lengths.push(length);
  columns.groups.push(record.group);
  columns.rewards.push(record.reward);
  columns.verdicts.push(VERDICTS.indexOf(record.verdict));
  columns.tokens.push(record.length);
  columns.distances.push(record.dependency?.distance ?? -1);
  columns.beyond.push(record.dependency?.beyondWindow ?? false);
}

function matching(files: readonly FileColumns[], filter: RolloutFilter): readonly (readonly [FileColumns, number])[] {
  const found: (readonly [FileColumns, number])[] = [];
  const verdict = filter.verdict === null ? -1 : VERDICTS.findIndex((name) => name === filter.verdict);
  for (const file of files) {
    for (let i = 0; i < file.lines.length; i++) {
      const reward = file.rewards[i] ?? 0;
      const length = file.tokens[i] ?? 0;
      if (verdict >= 0 && file.verdicts[i] !== verdict) continue;
      if (filter.beyond !== null && file.beyond[i] !== filter.beyond) continue;
      if (reward < filter.minReward || reward > filter.maxReward) continue;
      if (length < filter.minLength || length > filter.maxLength) continue;
      found.push([file, i]);
    }
  }
  const key = { order: null, reward: "rewards", length: "tokens", distance: "distances" } as const;
  const column = key[filter.sort];
  const sign = filter.descending ? -1 : 1;
  if (column !== null) found.sort((a, b) => sign * ((a[0][column][a[1]] ?? 0) - (b[0][column][b[1]] ?? 0)));
  else if (filter.descending) found.reverse();
  return found;
}

function rowOf(columns: FileColumns, i: number): RolloutRow {
  const record = readRecord(columns, i);
  return {
    arm: columns.file.arm,
    file: columns.file.name,
    step: columns.file.step,
    line: columns.lines[i] ?? 0,
    group: record.group,
    sample: record.sample,
    reward: record.reward,
    verdict: record.verdict,
    length: record.length,
    distance: record.dependency?.distance ?? null,
    beyondWindow: record.dependency?.beyondWindow ?? false,
    finishReason: record.finishReason,
    promptHead: head(record.prompt),
    answer: record.answer === null ? null : head(record.answer),
    gold: head(record.gold),
  };
}

function head(text: string): string {
  return text.length <= 120 ? text : `${text.slice(0, 120)}…`;
}

/** @throws `BAD_JSON` when the line changed under the index */
function readRecord(columns: FileColumns, i: number): RolloutRecord {
  const bytes = readBytes(columns.file.path, columns.offsets[i] ?? 0, columns.lengths[i] ?? 0);
  return decodeRollout(bytes.toString("utf8"), `${columns.file.name} line ${(columns.lines[i] ?? 0) + 1}`);
}

function readBytes(file: string, offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  const handle = fs.openSync(file, "r");
  try {
    return bytes.subarray(0, fs.readSync(handle, bytes, 0, length, offset));
  } finally {
    fs.closeSync(handle);
  }
}
