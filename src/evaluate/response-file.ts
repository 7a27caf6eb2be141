// Responses made elsewhere: rows with a problem's index or id and the text, matched to the problems.

import { SwarrError } from "../base/errors.ts";
import { invariant } from "../base/invariant.ts";
import { quote, type JsonObject } from "../base/json.ts";
import { badRow, fieldOf, hasField, unknownLayout, type Row } from "../data/fields.ts";
import type { Problem } from "../data/record.ts";
import type { Ask, Response, ResponseSource } from "./response-source.ts";

const INDEX_FIELDS = ["index", "problem_index", "problemIndex", "question_index", "idx"] as const;
const ID_FIELDS = ["id", "problem_id", "problemId", "question_id", "unique_id"] as const;
const TEXT_FIELDS = [
  "response",
  "text",
  "completion",
  "prediction",
  "output",
  "generation",
  "generated_text",
  "model_output",
  "content",
] as const;
const LIST_FIELDS = ["responses", "texts", "completions", "predictions", "outputs", "generations"] as const;
const TOKEN_FIELDS = ["tokens", "token_count", "completion_tokens"] as const;
const FINISH_FIELDS = ["finishReason", "finish_reason"] as const;

/** The responses of each problem, as many for every one, in the order they stand in the file. */
export interface ResponseFile {
  /** K */
  readonly samples: number;
  /** one list a problem */
  readonly responses: readonly (readonly Response[])[];
  /** rows left out because `--limit` leaves their problem out */
  readonly beyondLimit: number;
}

/**
 * Matches rows to problems. A row names its problem by index (from 0) or by id and holds one text, or a list of texts.
 * Rows of a sample file (`--out`) fit; its header and figures are passed over.
 *
 * @param problems  those to be scored
 * @param all       every problem of the data file, of which `problems` are the first
 * @param wanted    K, where the file may hold more for some problems; undefined when it is what the file has
 * @throws `BAD_DATA` naming the line: an unknown layout, a problem that is not in the data, index and id that disagree;
 *   or naming the problems without a response, or with another number of responses than the first
 */
export function matchResponses(
  rows: readonly Row[],
  where: string,
  problems: readonly Problem[],
  all: readonly Problem[],
  wanted?: number,
): ResponseFile {
  const indexOfId = idTable(all);
  const responses: { readonly order: number; readonly response: Response }[][] = problems.map(() => []);
  let beyondLimit = 0;
  for (const row of rows) {
    if (row.value["type"] === "evaluation" || row.value["type"] === "figures") continue;
    const place = `${where} line ${row.line}`;
    const index = problemIndex(row.value, place, all, indexOfId);
    const own = responses[index];
    const found = responsesOf(row.value, place);
    if (own === undefined) beyondLimit += found.length;
    else own.push(...found.map((response, i) => ({ order: sampleOrder(row.value, own.length + i), response })));
  }
  const samples = requireEqualCounts(responses, problems, where, wanted);
  const inOrder = responses.map((own) => own.toSorted((a, b) => a.order - b.order).map(({ response }) => response));
  return { samples, responses: inOrder, beyondLimit };
}

/** The matched responses as something that answers. */
export function fileSource(file: ResponseFile): ResponseSource {
  return {
    respond(asks, _sampling, onResponse, signal) {
      for (const ask of asks) {
        signal?.throwIfAborted();
        onResponse(ask, responseOf(file, ask));
      }
      return Promise.resolve();
    },
  };
}

function responseOf(file: ResponseFile, ask: Ask): Response {
  const response = file.responses[ask.index]?.[ask.sample];
  invariant(response !== undefined, `sample ${ask.sample} of problem ${ask.index}, of ${file.samples} in the file`);
  return response;
}

/** Ids that occur twice cannot name a problem; they are kept as null so that their use is refused. */
function idTable(all: readonly Problem[]): ReadonlyMap<string, number | null> {
  const table = new Map<string, number | null>();
  for (const [index, { id }] of all.entries()) table.set(id, table.has(id) ? null : index);
  return table;
}

function problemIndex(
  row: JsonObject,
  place: string,
  all: readonly Problem[],
  indexOfId: ReadonlyMap<string, number | null>,
): number {
  const indexField = INDEX_FIELDS.find((name) => hasField(row, name));
  const idField = ID_FIELDS.find((name) => hasField(row, name));
  if (indexField !== undefined) {
    const index = indexFrom(fieldOf(row, indexField));
    if (index === null || all[index] === undefined) {
      const wanted = `an index from 0 to ${all.length - 1}, of the problems in the data file.`;
      throw badRow(`${place}: ${indexField}`, `is ${quote(fieldOf(row, indexField))}`, wanted);
    }
    // An id beside the index must not say something else; one that names no problem may be the row's own.
    const named = idField === undefined ? undefined : indexOfId.get(String(fieldOf(row, idField)));
    if (named === undefined || named === null || named === index) return index;
    throw badRow(
      place,
      `has index ${index}, but its ${idField} is that of problem ${named}`,
      "index and id that agree.",
    );
  }
  if (idField === undefined) {
    const wanted = `a problem's ${INDEX_FIELDS.join(", ")} or ${ID_FIELDS.join(", ")}.`;
    throw unknownLayout(place, row, wanted, "Add the index (from 0) of the problem in the data file to every row.");
  }
  const id = String(fieldOf(row, idField));
  const index = indexOfId.get(id);
  if (typeof index === "number") return index;
  const fault =
    index === null ? `is ${quote(id)}, which several problems have` : `is ${quote(id)}, which no problem has`;
  throw badRow(`${place}: ${idField}`, fault, "the id of one problem in the data file.");
}

/** An integer, or one written as text; anything else that JavaScript would count as a number (`""`, `true`, `[1]`) is a slip. */
function indexFrom(value: unknown): number | null {
  const index = typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value;
  return typeof index === "number" && Number.isSafeInteger(index) ? index : null;
}

function responsesOf(row: JsonObject, place: string): readonly Response[] {
  const textField = TEXT_FIELDS.find((name) => typeof fieldOf(row, name) === "string");
  const listField = [...LIST_FIELDS, ...TEXT_FIELDS].find((name) => Array.isArray(fieldOf(row, name)));
  const texts =
    textField !== undefined ? [fieldOf(row, textField)] : listField !== undefined ? fieldOf(row, listField) : null;
  if (!Array.isArray(texts)) {
    const wanted = `a text in ${TEXT_FIELDS.join(", ")}, or a list of texts in ${LIST_FIELDS.join(", ")}.`;
    throw unknownLayout(place, row, wanted, "Rename the column that holds the response.");
  }
  return texts.map((text: unknown, i) => {
    if (typeof text !== "string") throw badRow(`${place}: ${listField}[${i}]`, `is ${quote(text)}`, "a text.");
    return {
      text,
      tokens: countOf(entryOf(row, TOKEN_FIELDS, i)),
      finishReason: finishOf(entryOf(row, FINISH_FIELDS, i)),
    };
  });
}

/** A field of the row's one response, or the i-th entry where the row holds lists. */
function entryOf(row: JsonObject, names: readonly string[], i: number): unknown {
  const value = names.map((name) => fieldOf(row, name)).find((found) => found !== undefined && found !== null);
  return Array.isArray(value) ? (value[i] as unknown) : value;
}

function countOf(value: unknown): number | null {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

function finishOf(value: unknown): "stop" | "length" | null {
  if (typeof value !== "string") return null;
  return value === "length" ? "length" : "stop";
}

function sampleOrder(row: JsonObject, position: number): number {
  const sample = fieldOf(row, "sample");
  return typeof sample === "number" && Number.isSafeInteger(sample) ? sample : position;
}

function requireEqualCounts(
  responses: readonly (readonly unknown[])[],
  problems: readonly Problem[],
  where: string,
  wanted: number | undefined,
): number {
  const missing = responses.flatMap((own, index) => (own.length === 0 ? [index] : []));
  if (missing.length > 0) {
    const shown = missing.slice(0, 5).map((index) => `${index} (id ${problems[index]?.id})`);
    throw new SwarrError("BAD_DATA", {
      what: `${where} has no response to ${missing.length} of ${problems.length} problems: ${shown.join(", ")}${missing.length > 5 ? " …" : ""}.`,
      expected: "responses to every problem, for an accuracy over all of them.",
      fix: "Add them (an empty text counts as unreadable), or score the first N problems with --limit N.",
    });
  }
  const samples = wanted ?? responses[0]?.length ?? 0;
  const odd = responses.findIndex((own) => (wanted === undefined ? own.length !== samples : own.length < wanted));
  if (odd < 0) return samples;
  const others = wanted === undefined ? `, and ${samples} to problem 0` : "";
  throw new SwarrError("BAD_DATA", {
    what: `${where} has ${responses[odd]?.length} responses to problem ${odd}${others}.`,
    expected: wanted === undefined ? "the same number for every problem." : `at least ${wanted} for every problem.`,
    fix: "Add what is missing, or score the first K of every problem with --samples K.",
  });
}
