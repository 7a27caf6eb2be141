// YAML and --set → Recipe: every default written out, nothing unknown let through.

import { parse, parseDocument, stringify } from "yaml";
import { SwarrError, messageOf } from "../base/errors.ts";
import { readText, sha256 } from "../base/files.ts";
import { isObject, quote, type JsonObject } from "../base/json.ts";
import { firstClash } from "./clash.ts";
import { explainIssue } from "./explain.ts";
import { recipeSchema, type Recipe } from "./recipe.ts";

/**
 * Reads a recipe file and lays the settings of the command line over it.
 *
 * @param sets each `a.b.c=value`, the value as YAML would read it; later ones win
 * @throws `FILE_MISSING`, `BAD_RECIPE` naming the key with its path, `BAD_ARGUMENT` for a setting that is not one
 */
export function readRecipe(file: string, sets: readonly string[] = []): Recipe {
  return parseRecipe(readText(file, "the recipe"), file, sets);
}

/** Like `readRecipe`, for text already in memory; `where` names it in complaints. */
export function parseRecipe(text: string, where: string, sets: readonly string[] = []): Recipe {
  let raw = parseYaml(text, where);
  for (const set of sets) raw = withSetting(raw, set);
  return resolveRecipe(raw, where);
}

/**
 * Checks settings and writes every default out. What it returns resolves to itself.
 *
 * @throws `BAD_RECIPE`
 */
export function resolveRecipe(raw: JsonObject, where: string): Recipe {
  const given = withDataTask(raw);
  const result = recipeSchema.safeParse(given);
  if (!result.success) {
    const [issue, ...more] = result.error.issues;
    throw explainIssue(issue!, { where, given, more: more.length });
  }
  const clash = firstClash(result.data);
  if (clash === null) return result.data;
  throw new SwarrError("BAD_RECIPE", { ...clash, what: `${where}: ${clash.what}` });
}

/** The text of a resolved recipe, as a run folder keeps it. */
export function recipeText(recipe: Recipe): string {
  return `# Every setting of this run, defaults included.\n${stringify(recipe, { lineWidth: 120 })}`;
}

/** Names a resolved recipe by its settings alone: comments and spacing do not count. @param text  as `recipeText` writes it */
export function recipeHash(text: string, where: string): string {
  return sha256(JSON.stringify(parseYaml(text, where)));
}

function parseYaml(text: string, where: string): JsonObject {
  const document = parseDocument(text, { uniqueKeys: true });
  const [fault] = document.errors;
  if (fault !== undefined) throw notYaml(where, fault);
  let value: unknown;
  try {
    value = document.toJS();
  } catch (cause) {
    // Aliases are followed here; too many of aliases of aliases are refused.
    throw notYaml(where, cause);
  }
  if (isObject(value)) return value;
  throw new SwarrError("BAD_RECIPE", {
    what: `${where} holds ${quote(value)}.`,
    expected: "a mapping of settings, such as `seed: 1`.",
    fix: "Start from one of the recipes that come with swarr.",
  });
}

function notYaml(where: string, cause: unknown): SwarrError {
  return new SwarrError(
    "BAD_RECIPE",
    {
      what: `${where} is not valid YAML: ${(messageOf(cause).split("\n")[0] ?? "").replace(/[:.]?$/, ".")}`,
      expected: "one YAML mapping of settings.",
      fix: "Correct the line or the aliases named above.",
    },
    { cause },
  );
}

const SETTING = /^([A-Za-z][A-Za-z0-9]*(?:\.[A-Za-z][A-Za-z0-9]*)*)=(.*)$/s;

/** A copy of the settings with one of them replaced; what lies on the way there is made. */
export function withSetting(raw: JsonObject, set: string): JsonObject {
  const match = SETTING.exec(set);
  if (match === null) {
    throw new SwarrError("BAD_ARGUMENT", {
      what: `--set ${quote(set)} is not a setting.`,
      expected: "key=value with dots between the levels.",
      fix: "Write it like --set rl.steps=20.",
    });
  }
  return replaced(raw, match[1]!.split("."), settingValue(match[2]!));
}

function replaced(holder: JsonObject, keys: readonly string[], value: unknown): JsonObject {
  const [key, ...deeper] = keys;
  if (deeper.length === 0) return { ...holder, [key!]: value };
  const inner = holder[key!];
  return { ...holder, [key!]: replaced(isObject(inner) ? inner : {}, deeper, value) };
}

/** As YAML reads it; a text that YAML has no reading for, or would take for a comment, is meant as it stands. */
function settingValue(text: string): unknown {
  if (text.startsWith("#")) return text;
  try {
    const value: unknown = parse(text);
    return isObject(value) && !text.trimStart().startsWith("{") ? text : value;
  } catch (cause) {
    if (/^[[{"']/.test(text.trim())) {
      throw new SwarrError(
        "BAD_ARGUMENT",
        {
          what: `--set cannot read the value ${quote(text)}: ${messageOf(cause).split("\n")[0] ?? ""}.`,
          expected: "a value as YAML writes it.",
          fix: "Balance its brackets and quotes.",
        },
        { cause },
      );
    }
    return text;
  }
}

/** Data without a task is data in files. */
function withDataTask(raw: JsonObject): JsonObject {
  const data = raw["data"];
  return isObject(data) && data["task"] === undefined ? { ...raw, data: { task: "file", ...data } } : raw;
}
