// Laws of JSON Lines files: numbered lines, one-write appends, torn last lines.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { appendJsonl, parseJsonl, readJsonl, recoverJsonl } from "./jsonl.ts";

let folder = "";
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "swarr-jsonl-"));
});
afterEach(() => {
  fs.rmSync(folder, { recursive: true });
});

function fileOf(content: string | Uint8Array): string {
  const file = path.join(folder, "rows.jsonl");
  fs.writeFileSync(file, content);
  return file;
}

describe("readJsonl", () => {
  it("skips empty lines but counts them, and reads Windows line ends, a byte-order mark and a missing last newline", () => {
    const file = fileOf('\uFEFF{"a":1}\r\n\r\n  \n{"a":2}\r\n{"a":3}');
    expect(readJsonl(file, "test rows")).toEqual([
      { line: 1, value: { a: 1 } },
      { line: 4, value: { a: 2 } },
      { line: 5, value: { a: 3 } },
    ]);
  });

  it("names the file and the line of the first broken row", () => {
    const file = fileOf('{"a":1}\n\n{"a":\n{"a":4}\n');
    expect(() => readJsonl(file, "test rows")).toThrow(/rows\.jsonl line 3 is not valid JSON.*\[BAD_JSON\]/);
    expect(() => readJsonl(fileOf('{"a":1}\n[1,2]\n'), "test rows")).toThrow(
      /line 2 is \[1,2\].*one JSON object a line/,
    );
  });

  it("keeps characters whole where a read ends inside one", () => {
    // Reads come in chunks of 1 MiB: an odd prefix puts every three-byte character across some boundary.
    const text = `x${"€".repeat(800_000)}`;
    const rows = readJsonl(fileOf(`${JSON.stringify({ text })}\n${JSON.stringify({ text: "last" })}\n`), "test rows");
    expect(rows.map((row) => (row.value["text"] as string) === text || row.value["text"])).toEqual([true, "last"]);
  });

  it("refuses a missing file and a folder with what they were for", () => {
    expect(() => readJsonl(path.join(folder, "none.jsonl"), "the problems")).toThrow(
      /the problems.*ENOENT.*FILE_MISSING/,
    );
    expect(() => readJsonl(folder, "the problems")).toThrow(/EISDIR.*FILE_MISSING/);
  });

  it("gives the same rows as parsing the same text in memory", () => {
    const content = '{"a":1}\n\n{"a":{"b":[2]}}\n';
    expect(parseJsonl(content, "stdin")).toEqual(readJsonl(fileOf(content), "test rows"));
    expect(() => parseJsonl("{}\n{", "stdin")).toThrow(/stdin line 2/);
  });
});

describe("recoverJsonl", () => {
  it("cuts a torn last line off and leaves every whole line as it was", () => {
    const file = fileOf('{"a":1}\n{"a":2}\n{"a":"€');
    expect(recoverJsonl(file)).toBe(9);
    expect(fs.readFileSync(file, "utf8")).toBe('{"a":1}\n{"a":2}\n');
    expect(recoverJsonl(file)).toBe(0);
  });

  it("completes a last line that lacks only its newline", () => {
    const file = fileOf('{"a":1}\n{"a":2}');
    expect(recoverJsonl(file)).toBe(0);
    appendJsonl(file, { a: 3 });
    expect(fs.readFileSync(file, "utf8")).toBe('{"a":1}\n{"a":2}\n{"a":3}\n');
  });

  it("finds the start of a torn line longer than one read", () => {
    const file = fileOf(`{"a":1}\n{"a":"${"x".repeat(3_000_000)}`);
    expect(recoverJsonl(file)).toBe(3_000_006);
    expect(readJsonl(file, "test rows")).toEqual([{ line: 1, value: { a: 1 } }]);
  });

  it("empties a file that is one torn line, and leaves a missing one missing", () => {
    const file = fileOf('{"a"');
    expect(recoverJsonl(file)).toBe(4);
    expect(fs.readFileSync(file).length).toBe(0);
    const missing = path.join(folder, "none.jsonl");
    expect(recoverJsonl(missing)).toBe(0);
    expect(fs.existsSync(missing)).toBe(false);
  });
});
