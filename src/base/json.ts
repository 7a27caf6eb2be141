// Reading JSON that nobody has checked yet, with a path in every complaint.

import { SwarrError, messageOf } from "./errors.ts";

export type JsonObject = { readonly [key: string]: unknown };

/** @throws `BAD_JSON` naming `where` when the text is not JSON */
export function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new SwarrError(
      "BAD_JSON",
      {
        what: `${where} is not valid JSON: ${messageOf(cause)}.`,
        expected: "one JSON value.",
        fix: "Repair or regenerate the file.",
      },
      { cause },
    );
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @throws `BAD_JSON` when the value is not an object */
export function asObject(value: unknown, where: string): JsonObject {
  if (isObject(value)) return value;
  throw wrongType(value, "a JSON object", where);
}

/** @throws `BAD_JSON` when the value is not a string */
export function asString(value: unknown, where: string): string {
  if (typeof value === "string") return value;
  throw wrongType(value, "a string", where);
}

/** @throws `BAD_JSON` when the value is not a finite number */
export function asNumber(value: unknown, where: string): number {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw wrongType(value, "a finite number", where);
}

/** @throws `BAD_JSON` when the value is not an integer >= `least` */
export function asInteger(value: unknown, where: string, least = 0): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= least) return value;
  throw wrongType(value, `an integer of at least ${least}`, where);
}

/** A short quotation of any value, safe to print. */
export function quote(value: unknown, limit = 80): string {
  const text = jsonOf(value);
  return text.length <= limit ? text : `${text.slice(0, limit)}… (${text.length} characters)`;
}

/** Text nested deeper than the stack can be parsed, but not written again. */
function jsonOf(value: unknown): string {
  try {
    // These two have no JSON.
    return value === undefined || typeof value === "function" ? "nothing" : JSON.stringify(value);
  } catch {
    return "a value nested too deeply to show";
  }
}

function wrongType(value: unknown, expected: string, where: string): SwarrError {
  return new SwarrError("BAD_JSON", {
    what: `${where} is ${quote(value)}.`,
    expected: `${expected}.`,
    fix: "Correct the value.",
  });
}
