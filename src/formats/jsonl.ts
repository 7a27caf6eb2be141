// JSON Lines files: read with the line number in every complaint, append, and drop a torn last line.

import fs from "node:fs";
import path from "node:path";
import { SwarrError } from "../base/errors.ts";
import { writingTo } from "../base/files.ts";
import { isObject, parseJson, quote, type JsonObject } from "../base/json.ts";

/** One row of a table-like file. */
export interface NumberedRow {
  /** counts from 1, empty lines included, as editors do */
  readonly line: number;
  readonly value: JsonObject;
}

const CHUNK_BYTES = 1 << 20;
const NEWLINE = 0x0a;

/**
 * Reads every row of a JSON Lines file; empty lines are skipped but counted, a byte-order mark is ignored.
 *
 * @param purpose  what the file is for, quoted when it cannot be read
 * @throws `FILE_MISSING`; `BAD_JSON` naming file and line when a line is not a JSON object
 */
export function readJsonl(file: string, purpose: string): readonly NumberedRow[] {
  return [...jsonlRows(file, purpose)];
}

/** Like `readJsonl`, one row at a time, for files larger than memory; `where` names the file in complaints about its lines. */
export function* jsonlRows(file: string, purpose: string, where = file): Generator<NumberedRow> {
  for (const { line, text } of numberedLines(file, purpose)) {
    if (text.trim() !== "") yield { line, value: parseRow(text, `${where} line ${line}`) };
  }
}

/** The first row of a file, to see what it is; null when its first line is no JSON object, undefined when it is missing or empty. */
export function firstJsonlRow(file: string, purpose: string): JsonObject | null | undefined {
  if (!fs.existsSync(file)) return undefined;
  for (const { text } of numberedLines(file, purpose)) {
    if (text.trim() !== "") return isWholeRow(text) ? (JSON.parse(text) as JsonObject) : null;
  }
  return undefined;
}

/** Like `readJsonl`; a missing file has no rows. */
export function readJsonlIfThere(file: string, purpose: string): readonly NumberedRow[] {
  return fs.existsSync(file) ? readJsonl(file, purpose) : [];
}

/** Like `readJsonl`, for text already in memory; `where` names it in complaints. */
export function parseJsonl(content: string, where: string): readonly NumberedRow[] {
  const rows: NumberedRow[] = [];
  for (const [index, text] of content.split("\n").entries()) {
    if (withoutMark(text).trim() === "") continue;
    rows.push({ line: index + 1, value: parseRow(withoutMark(text), `${where} line ${index + 1}`) });
  }
  return rows;
}

/** Appends one row in one write, so that a crash leaves at most one torn line. */
export function appendJsonl(file: string, row: object): void {
  writingTo(file, () => {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.appendFileSync(file, `${JSON.stringify(row)}\n`);
  });
}

/**
 * Makes a file that a crash may have torn safe to append to: a last line without its newline is completed when it is a
 * whole JSON object, and cut off when it is not. A missing file is left missing.
 *
 * @returns the bytes that were cut off, 0 when nothing was lost
 */
export function recoverJsonl(file: string): number {
  if (!fs.existsSync(file)) return 0;
  const handle = writingTo(file, () => fs.openSync(file, "r+"));
  try {
    const size = fs.fstatSync(handle).size;
    const start = lastLineStart(handle, size);
    if (start === size) return 0;
    const tail = Buffer.alloc(size - start);
    fs.readSync(handle, tail, 0, tail.length, start);
    if (isWholeRow(tail.toString("utf8"))) {
      fs.writeSync(handle, "\n", size);
      return 0;
    }
    fs.ftruncateSync(handle, start);
    return size - start;
  } finally {
    fs.closeSync(handle);
  }
}

function parseRow(text: string, where: string): JsonObject {
  const value = parseJson(text, where);
  if (isObject(value)) return value;
  throw new SwarrError("BAD_JSON", {
    what: `${where} is ${quote(value)}.`,
    expected: "one JSON object a line.",
    fix: "Repair or remove the line.",
  });
}

function isWholeRow(text: string): boolean {
  try {
    return isObject(JSON.parse(text));
  } catch {
    return false;
  }
}

/** Lines are split on bytes, so that a character is never cut and a large file never becomes one string. */
function* numberedLines(file: string, purpose: string): Generator<{ readonly line: number; readonly text: string }> {
  const handle = openForReading(file, purpose);
  try {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    let pending: Buffer[] = [];
    let line = 1;
    for (;;) {
      const read = fs.readSync(handle, chunk, 0, CHUNK_BYTES, null);
      if (read === 0) break;
      let from = 0;
      for (let end = chunk.indexOf(NEWLINE); end >= 0 && end < read; end = chunk.indexOf(NEWLINE, from)) {
        pending.push(Buffer.from(chunk.subarray(from, end)));
        yield { line, text: lineText(pending, line) };
        pending = [];
        line += 1;
        from = end + 1;
      }
      pending.push(Buffer.from(chunk.subarray(from, read)));
    }
    yield { line, text: lineText(pending, line) };
  } finally {
    fs.closeSync(handle);
  }
}

function openForReading(file: string, purpose: string): number {
  try {
    const handle = fs.openSync(file, "r");
    if (!fs.fstatSync(handle).isDirectory()) return handle;
    fs.closeSync(handle);
    throw Object.assign(new Error("it is a folder"), { code: "EISDIR" });
  } catch (cause) {
    throw new SwarrError(
      "FILE_MISSING",
      {
        what: `Cannot read ${file} (${purpose}): ${(cause as NodeJS.ErrnoException).code ?? String(cause)}.`,
        expected: "a readable JSON Lines file.",
        fix: "Check the path and its permissions.",
      },
      { cause },
    );
  }
}

function lineText(parts: readonly Buffer[], line: number): string {
  const text = Buffer.concat(parts).toString("utf8");
  return line === 1 ? withoutMark(text) : text;
}

function withoutMark(text: string): string {
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

function lastLineStart(handle: number, size: number): number {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  for (let end = size; end > 0;) {
    const from = Math.max(0, end - CHUNK_BYTES);
    fs.readSync(handle, chunk, 0, end - from, from);
    const found = chunk.subarray(0, end - from).lastIndexOf(NEWLINE);
    if (found >= 0) return from + found + 1;
    end = from;
  }
  return 0;
}
