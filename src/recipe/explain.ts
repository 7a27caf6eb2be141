// A schema's complaint → one sentence with the path, the value, what was expected, and the nearest known key.

import { z } from "zod";
import { SwarrError } from "../base/errors.ts";
import { isObject, quote } from "../base/json.ts";
import { recipeSchema } from "./recipe.ts";

interface Context {
  /** the file */
  readonly where: string;
  readonly given: unknown;
  /** complaints after this one */
  readonly more: number;
}

type Path = readonly PropertyKey[];

/** The error for one complaint of the recipe's schema. */
export function explainIssue(issue: z.core.$ZodIssue, context: Context): SwarrError {
  const { path, cause } = innermost(issue, []);
  const more = context.more === 0 ? "" : ` (the first of ${context.more + 1} mistakes)`;
  if (cause.code === "unrecognized_keys") return unknownKey([...path, cause.keys[0] ?? ""], more, context);
  const value = valueAt(context.given, path);
  const name = dotted(path);
  return new SwarrError("BAD_RECIPE", {
    what: `${context.where}: ${name} is ${value === undefined ? "not given" : quote(value)}${more}.`,
    expected: `${expectation(cause)}.`,
    fix: `Correct it in the recipe, or give it with --set ${name}=VALUE.`,
  });
}

/** Of a union's complaints, the one that went deepest is about the alternative that was meant. */
function innermost(issue: z.core.$ZodIssue, before: Path): { readonly path: Path; readonly cause: z.core.$ZodIssue } {
  const path = [...before, ...issue.path];
  if (issue.code !== "invalid_union" || issue.errors.length === 0) return { path, cause: issue };
  const branches = issue.errors.flatMap(([first]) => (first === undefined ? [] : [innermost(first, path)]));
  const deepest = branches.reduce((best, branch) => (depth(branch) > depth(best) ? branch : best), branches[0]!);
  return depth(deepest) > path.length ? deepest : { path, cause: issue };
}

function depth({ path, cause }: { readonly path: Path; readonly cause: z.core.$ZodIssue }): number {
  return path.length + (cause.code === "unrecognized_keys" ? 1 : 0);
}

function unknownKey(path: Path, more: string, { where, given }: Context): SwarrError {
  const key = String(path.at(-1));
  const parent = path.slice(0, -1);
  const siblings = Object.keys(fieldsAt(recipeSchema, parent));
  const data = valueAt(given, ["data", "task"]);
  const elsewhere = pathsNamed(key);
  const near = nearestName(key, siblings);
  const fix = siblings.includes(key)
    ? `It does not go with data.task ${quote(data)}: remove it, or choose another task.`
    : near !== null
      ? `Did you mean ${dotted([...parent, near])}?`
      : elsewhere.length > 0
        ? `Did you mean ${elsewhere.join(" or ")}?`
        : "Remove it.";
  return new SwarrError("BAD_RECIPE", {
    what: `${where}: ${dotted(path)} is not a known key${more}.`,
    expected: siblings.length === 0 ? "a single value there." : `one of ${siblings.join(", ")}.`,
    fix,
  });
}

function expectation(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return typeName(issue.expected);
    case "too_small":
      return `${issue.inclusive === false ? "more than" : "at least"} ${issue.minimum}${ofEntries(issue.origin)}`;
    case "too_big":
      return `${issue.inclusive === false ? "less than" : "at most"} ${issue.maximum}${ofEntries(issue.origin)}`;
    case "invalid_value":
      return issue.values.length === 1
        ? quote(issue.values[0])
        : `one of ${issue.values.map((v) => quote(v)).join(", ")}`;
    case "invalid_union":
      return issue.errors
        .flatMap(([first]) => (first === undefined ? [] : [expectation(first)]))
        .filter((text, i, all) => all.indexOf(text) === i)
        .join(", or ");
    default:
      return issue.message;
  }
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  int: "an integer",
  number: "a number",
  string: "a text",
  boolean: "true or false",
  object: "a mapping of settings",
  array: "a list",
};

function typeName(expected: string): string {
  return TYPE_NAMES[expected] ?? `a value of type ${expected}`;
}

function ofEntries(origin: string): string {
  return origin === "array" ? " entry" : origin === "string" ? " character" : "";
}

type Fields = Readonly<Record<string, z.core.$ZodType>>;

/** The keys that a mapping at this path may have; none when nothing but a single value may stand there. */
function fieldsAt(schema: z.core.$ZodType, path: Path): Fields {
  const [key, ...deeper] = path;
  const fields = fieldsOf(schema);
  if (key === undefined) return fields;
  const inner = fields[String(key)];
  return inner === undefined ? {} : fieldsAt(inner, deeper);
}

function fieldsOf(schema: z.core.$ZodType): Fields {
  if (schema instanceof z.ZodObject) return schema.shape;
  if (schema instanceof z.ZodNullable || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return fieldsOf(schema.unwrap());
  }
  if (schema instanceof z.ZodPipe) return fieldsOf(schema.in);
  if (schema instanceof z.ZodUnion) {
    return Object.assign({}, ...schema.options.map((option) => fieldsOf(option))) as Fields;
  }
  return {};
}

/** Every place of the recipe that has a key of this name. */
function pathsNamed(name: string, schema: z.core.$ZodType = recipeSchema, before: Path = []): readonly string[] {
  return Object.entries(fieldsOf(schema)).flatMap(([key, inner]) => {
    const here = key === name ? [dotted([...before, key])] : [];
    return [...here, ...pathsNamed(name, inner, [...before, key])];
  });
}

/** The known name that is fewest edits away, when it is near enough to be a slip; null otherwise. */
export function nearestName(name: string, known: readonly string[]): string | null {
  const limit = Math.max(1, Math.floor(name.length / 3));
  let nearest: string | null = null;
  let fewest = limit + 1;
  for (const candidate of known) {
    const edits = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (edits < fewest) [nearest, fewest] = [candidate, edits];
  }
  return nearest;
}

/** Insertions, deletions, replacements and swaps of neighbours that turn one word into the other. */
function editDistance(a: string, b: string): number {
  let [beforeLast, last]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let edits = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        edits = Math.min(edits, beforeLast[j - 2]! + 1);
      row.push(edits);
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length]!;
}

function valueAt(value: unknown, path: Path): unknown {
  let inner = value;
  for (const key of path) {
    if (Array.isArray(inner)) inner = (inner as readonly unknown[])[Number(key)];
    else if (isObject(inner) && Object.hasOwn(inner, String(key))) inner = inner[String(key)];
    else return undefined;
  }
  return inner;
}

function dotted(path: Path): string {
  return path.length === 0 ? "the recipe" : path.map(String).join(".");
}
