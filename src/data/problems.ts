// Rows of a problem file, in every layout that is recognised, as problems.

import { SwarrError } from "../base/errors.ts";
import { quote, type JsonObject } from "../base/json.ts";
import {
  badRow,
  fieldOf,
  hasField,
  requireText,
  scalarText,
  unknownLayout,
  type FieldMapping,
  type Row,
} from "./fields.ts";
import { finalAnswer, lastBoxed } from "./gold-answer.ts";
import type { Problem } from "./record.ts";

// In order of preference. OlympiadBench says question/final_answer, MATH-500 problem/answer, AIME 25
// problem/expected_answer, GSM8K question/answer with `####`; Qwen's AIME 24 and AMC rows repeat the problem as question.
const QUESTION_FIELDS = ["question", "problem"] as const;
const ANSWER_FIELDS = ["final_answer", "expected_answer", "answer"] as const;
const SOLUTION_FIELDS = ["solution", "reference_solution"] as const;
const ID_FIELDS = ["id", "unique_id"] as const;
const SUBJECT_FIELDS = ["subject", "subfield", "type"] as const;

const REMEDY = "Name the columns with --question-field and --answer-field.";

/**
 * Reads rows as problems. Without a mapping the layouts of GSM8K, MATH, MATH-500, OlympiadBench, AIME and AMC files are
 * recognised by their fields; field names are matched whatever their case.
 *
 * @param where  the file, for complaints
 * @returns one problem a row, in order; `id` is the row's index from 0 when the file has no ids
 * @throws `BAD_DATA` naming the line: an unknown layout with the fields found, an empty question, an answer of no known form
 */
export function problemsFromRows(rows: readonly Row[], where: string, mapping: FieldMapping = {}): readonly Problem[] {
  if (rows.length === 0) {
    throw new SwarrError("BAD_DATA", {
      what: `${where} has no rows.`,
      expected: "at least one problem.",
      fix: "Check that this is the right file.",
    });
  }
  return rows.map((row, index) => problemFromRow(row, index, `${where} line ${row.line}`, mapping));
}

function problemFromRow(row: Row, index: number, place: string, mapping: FieldMapping): Problem {
  const questionField = mapping.questionField ?? questionFieldOf(row.value, place);
  const answerField = mapping.answerField ?? answerFieldOf(row.value, place);
  for (const field of [questionField, answerField]) {
    if (!hasField(row.value, field)) throw unknownLayout(place, row.value, `the field ${field}.`, REMEDY);
  }
  const answerValue = fieldOf(row.value, answerField);
  const solution = solutionOf(row.value, answerValue);
  const level = firstScalar(row.value, ["level"], place);
  const subject = firstScalar(row.value, SUBJECT_FIELDS, place);
  return {
    id: firstScalar(row.value, ID_FIELDS, place) ?? String(index),
    question: questionText(row.value, questionField, place),
    answer: answerText(answerValue, answerField, place),
    ...(solution === undefined ? {} : { solution }),
    ...(level === undefined ? {} : { level }),
    ...(subject === undefined ? {} : { subject }),
  };
}

/** OlympiadBench keeps what some questions depend on in a `context` of its own. */
function questionText(row: JsonObject, field: string, place: string): string {
  const question = requireText(fieldOf(row, field), `${place}: ${field}`);
  const context = fieldOf(row, "context");
  return typeof context === "string" && context.trim() !== "" ? `${context.trim()}\n\n${question}` : question;
}

/** A list is the parts of one answer (OlympiadBench), joined the way its own parts are written. */
function answerText(value: unknown, field: string, place: string): string {
  const parts = (Array.isArray(value) ? value : [value]).map((part) => {
    const text = scalarText(part, `${place}: ${field}`);
    if (text !== null && text.trim() !== "") return finalAnswer(text);
    throw badRow(`${place}: ${field}`, `is ${quote(value)}`, "an answer: a text, a number, or a list of them.");
  });
  const answer = parts.join(",");
  if (answer !== "") return answer;
  throw badRow(`${place}: ${field}`, `is ${quote(value)}`, "an answer that is not empty.");
}

/** Where several are there, the one that holds the final answer alone comes first; they may differ in form. */
function answerFieldOf(row: JsonObject, place: string): string {
  const named = ANSWER_FIELDS.find((name) => hasField(row, name));
  if (named !== undefined) return named;
  // MATH as first published keeps the answer only as the box at the end of the solution.
  const boxed = SOLUTION_FIELDS.find((name) => lastBoxed(scalarText(fieldOf(row, name), place) ?? "") !== null);
  if (boxed !== undefined) return boxed;
  throw unknownLayout(place, row, `one of the answer fields ${ANSWER_FIELDS.join(", ")}.`, REMEDY);
}

/** @throws `BAD_DATA` when none of the fields is there, or two of them disagree */
function questionFieldOf(row: JsonObject, place: string): string {
  const [first, ...others] = QUESTION_FIELDS.filter((name) => hasField(row, name));
  if (first === undefined) {
    throw unknownLayout(place, row, `one of the question fields ${QUESTION_FIELDS.join(", ")}.`, REMEDY);
  }
  const rival = others.find((name) => spaced(fieldOf(row, name)) !== spaced(fieldOf(row, first)));
  if (rival === undefined) return first;
  throw new SwarrError("BAD_DATA", {
    what: `${place} has both ${first} and ${rival}, and they differ.`,
    expected: "one question.",
    fix: REMEDY,
  });
}

/** Two copies of one question may differ in their line breaks. */
function spaced(value: unknown): unknown {
  return typeof value === "string" ? value.replace(/\s+/g, " ").trim() : value;
}

/** A field for solutions, else the answer's own field when it holds more than the final answer (GSM8K). */
function solutionOf(row: JsonObject, answerValue: unknown): string | undefined {
  for (const name of SOLUTION_FIELDS) {
    const value = fieldOf(row, name);
    const text = Array.isArray(value) ? value.filter((part) => typeof part === "string").join("\n\n") : value;
    if (typeof text === "string" && text.trim() !== "") return text;
  }
  if (typeof answerValue === "string" && finalAnswer(answerValue) !== answerValue.trim()) return answerValue;
  return undefined;
}

function firstScalar(row: JsonObject, names: readonly string[], place: string): string | undefined {
  for (const name of names) {
    const value = fieldOf(row, name);
    const text = scalarText(value, `${place}: ${name}`);
    if (text !== null && text.trim() !== "") return text.trim();
  }
  return undefined;
}
