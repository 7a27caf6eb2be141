// Where results go: stdout, as one JSON document under --json and as text for a person otherwise.

import { SwarrError } from "../base/errors.ts";

/** The flag's line, the same in every command: `.option(...JSON_FLAG)`. */
export const JSON_FLAG = ["--json", "print one JSON document on stdout"] as const;

/**
 * Prints a command's result.
 *
 * @param text  the same facts for a person; called only when `json` is false; a final newline is added if missing
 * @throws `NOT_FINITE` when the document holds NaN or Infinity, which JSON would turn into a silent null
 */
export function printResult(json: boolean | undefined, document: unknown, text: () => string): void {
  const output = json === true ? jsonText(document) : text();
  process.stdout.write(output.endsWith("\n") ? output : `${output}\n`);
}

/** Typed arrays become plain arrays; a number that JSON cannot hold is refused by name. */
export function jsonText(document: unknown, indent = 2): string {
  return JSON.stringify(
    document,
    (key, value: unknown) => {
      if (typeof value === "number" && !Number.isFinite(value)) {
        throw new SwarrError("NOT_FINITE", {
          what: `The result's "${key}" is ${value}.`,
          expected: "a finite number, or null where there is none.",
          fix: "Look for NaN in the model's weights or in the data; if both are sound, please report this.",
        });
      }
      return ArrayBuffer.isView(value) && !(value instanceof DataView) ? [...(value as Float32Array)] : value;
    },
    indent,
  );
}

/** A remark for the person at the terminal; never part of the result. */
export function note(message: string): void {
  process.stderr.write(`${message}\n`);
}
