// Settings of a call through the schema of their stage; the first fault becomes one sentence.

import type { z } from "zod";
import { SwarrError } from "../base/errors.ts";
import { quote } from "../base/json.ts";

/**
 * Checks settings and writes every default out.
 *
 * @param call  names the function in complaints
 * @throws `BAD_ARGUMENT` naming the setting, its value and what was expected; unknown settings are refused
 */
export function checkedSettings<Schema extends z.ZodType>(
  schema: Schema,
  given: object,
  call: string,
): z.output<Schema> {
  // A setting that is there and undefined is one that is left out.
  const present = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const result = schema.safeParse(present);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const unknown = issue?.code === "unrecognized_keys" ? issue.keys[0] : undefined;
  if (unknown !== undefined) {
    throw new SwarrError("BAD_ARGUMENT", {
      what: `${call}: ${unknown} is not a known setting.`,
      expected: "the settings of the stage, as docs/library.md lists them.",
      fix: "Correct its spelling, or leave it out.",
    });
  }
  const name = issue === undefined ? "the settings" : issue.path.map(String).join(".") || "the settings";
  const value = (issue?.path ?? []).reduce<unknown>(
    (inner, key) => (inner as Record<PropertyKey, unknown> | undefined)?.[key],
    present,
  );
  throw new SwarrError("BAD_ARGUMENT", {
    what: `${call}: ${name} is ${value === undefined ? "not given" : quote(value)}.`,
    expected: `${(issue?.message ?? "other settings").replace(/^Invalid input: expected /, "")}.`,
    fix: "Correct the setting.",
  });
}
