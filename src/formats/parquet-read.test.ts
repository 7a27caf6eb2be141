// Laws of Parquet rows: the values JSON would hold, and refusals that name the file.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { parquetWriteBuffer } from "hyparquet-writer";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readParquet } from "./parquet-read.ts";

let folder = "";
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "swarr-parquet-"));
});
afterEach(() => {
  fs.rmSync(folder, { recursive: true });
});

describe("readParquet", () => {
  it("gives numbers, texts, lists and nulls as JSON would, and integers past 2^53 as exact text", async () => {
    const file = path.join(folder, "rows.parquet");
    const content = parquetWriteBuffer({
      columnData: [
        { name: "question", data: ["1+1?", "2+2?"], type: "STRING" },
        { name: "answer", data: [2n, 9007199254740993n], type: "INT64" },
        { name: "level", data: [1.5, null], type: "DOUBLE", nullable: true },
        { name: "parts", data: [["a", "b"], []], type: "JSON" },
      ],
    });
    fs.writeFileSync(file, Buffer.from(content));
    expect(await readParquet(file, "the problems")).toEqual([
      { line: 1, value: { question: "1+1?", answer: 2, level: 1.5, parts: ["a", "b"] } },
      { line: 2, value: { question: "2+2?", answer: "9007199254740993", level: null, parts: [] } },
    ]);
  });

  it("refuses a file that is not Parquet, by name", async () => {
    const file = path.join(folder, "rows.parquet");
    fs.writeFileSync(file, '{"question":"not parquet"}\n');
    await expect(readParquet(file, "the problems")).rejects.toThrow(
      /rows\.parquet cannot be read as Parquet.*BAD_DATA/,
    );
  });
});
