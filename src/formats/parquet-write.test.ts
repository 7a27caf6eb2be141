// Laws of written Parquet: what goes in comes out, nulls and lists included, and no half-written file has the final name.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readParquet } from "./parquet-read.ts";
import { createParquet } from "./parquet-write.ts";

let folder: string;
beforeEach(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), "swarr-parquet-"))));
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

const COLUMNS = {
  name: "text",
  step: "integer",
  reward: "real",
  right: "boolean",
  tokens: "texts",
  logProbs: "reals",
} as const;

const rows = [
  { name: "größer\n\u0000", step: 3, reward: 0.1, right: true, tokens: ["a", "", "漢"], logProbs: [-0.25, -1e-7, 0] },
  { name: null, step: null, reward: null, right: null, tokens: [], logProbs: null },
  { name: "", step: 2 ** 40, reward: -1.5, right: false, tokens: null, logProbs: [] },
];

describe("createParquet", () => {
  it("gives back every cell over several row groups: nulls, empty lists and texts, integers past 32 bits", async () => {
    const file = path.join(folder, "table.parquet");
    const table = await createParquet(file, COLUMNS);
    table.append(rows);
    table.append([]);
    table.append(rows.slice(0, 1));
    table.finish();
    expect(table.rowCount).toBe(4);
    const read = await readParquet(file, "the table just written");
    expect(read.map(({ value }) => value)).toEqual([...rows, rows[0]]);
  });

  it("gives the file its name only when it is whole", async () => {
    const file = path.join(folder, "table.parquet");
    const table = await createParquet(file, COLUMNS);
    table.append(rows);
    expect(fs.existsSync(file)).toBe(false);
    table.finish();
    expect(fs.readdirSync(folder)).toEqual(["table.parquet"]);
  });

  it("writes a table without rows that opens as one", async () => {
    const file = path.join(folder, "empty.parquet");
    (await createParquet(file, COLUMNS)).finish();
    expect(await readParquet(file, "the table just written")).toEqual([]);
  });
});
