// Reading one field of a row that nobody has checked yet, and naming the row in every complaint.

import { SwarrError } from "../base/errors.ts";
import { quote, type JsonObject } from "../base/json.ts";

/** One row of a data file, with the line it stands on. */
export interface Row {
  readonly line: number;
  readonly value: JsonObject;
}

/** Which columns hold the question and the answer, for files of an unknown layout. */
export interface FieldMapping {
  readonly questionField?: string;
  readonly answerField?: string;
}

/** The row's field of that name, else of that name in another case (`Problem` for `problem`), else undefined. */
export function fieldOf(row: JsonObject, name: string): unknown {
  if (Object.hasOwn(row, name)) return row[name];
  const wanted = name.toLowerCase();
  const key = Object.keys(row).find((candidate) => candidate.toLowerCase() === wanted);
  return key === undefined ? undefined : row[key];
}

/** Whether the row has that field with something in it. */
export function hasField(row: JsonObject, name: string): boolean {
  const value = fieldOf(row, name);
  return value !== undefined && value !== null;
}

/** A scalar as text: `27.0` and `27` both give "27". Returns null for anything that is not a string, number or boolean. */
export function scalarText(value: unknown, place: string): string | null {
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return String(value);
  if (typeof value !== "number") return null;
  if (!Number.isInteger(value) || Number.isSafeInteger(value)) return String(value);
  throw badRow(place, `holds the integer ${value}, which a double cannot hold exactly`, "a text or a smaller number.");
}

/** @throws `BAD_DATA` when the value is not text with something in it */
export function requireText(value: unknown, place: string): string {
  if (typeof value === "string" && value.trim() !== "") return value;
  throw badRow(place, `is ${quote(value)}`, "a text that is not empty.");
}

export function badRow(place: string, what: string, expected: string): SwarrError {
  return new SwarrError("BAD_DATA", {
    what: `${place} ${what}.`,
    expected,
    fix: "Repair or remove the row.",
  });
}

/** The refusal of a layout nobody knows, with the fields that were found. */
export function unknownLayout(place: string, row: JsonObject, expected: string, fix: string): SwarrError {
  const fields = Object.keys(row);
  return new SwarrError("BAD_DATA", {
    what: `${place} has the fields ${fields.length === 0 ? "(none)" : fields.join(", ")}, which is no known layout.`,
    expected,
    fix,
  });
}
