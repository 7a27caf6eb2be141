// Writing tables as Parquet, a batch of rows at a time, so that a table larger than memory can be written.

import fs from "node:fs";
import path from "node:path";
import type { SchemaElement } from "hyparquet";
import { requireWritableFile, writingTo } from "../base/files.ts";

/** `texts` and `reals` are lists. Every column may hold null. */
export type ColumnKind = "text" | "integer" | "real" | "boolean" | "texts" | "reals";

export type Cell = string | number | boolean | readonly string[] | readonly number[] | null;

export interface ParquetTable<Name extends string> {
  /** one row group */
  append(rows: readonly Readonly<Record<Name, Cell>>[]): void;
  /** Writes the footer and gives the file its name; before that there is a `.partial` neighbour only. */
  finish(): void;
  readonly rowCount: number;
}

/** Opens a table for writing; integers are 64-bit, reals are doubles, compressed with snappy. */
export async function createParquet<Name extends string>(
  file: string,
  columns: Readonly<Record<Name, ColumnKind>>,
): Promise<ParquetTable<Name>> {
  const { ParquetWriter, fileWriter } = await import("hyparquet-writer");
  requireWritableFile(file);
  const partial = `${file}.partial`;
  const names = Object.keys(columns) as Name[];
  const schema: SchemaElement[] = [
    { name: "schema", num_children: names.length },
    ...names.flatMap((name) => schemaOf(name, columns[name])),
  ];
  const writer = writingTo(file, () => {
    fs.mkdirSync(path.dirname(path.resolve(file)), { recursive: true });
    return new ParquetWriter({ writer: fileWriter(partial), schema, createdBy: "swarr" });
  });
  let rowCount = 0;
  return {
    get rowCount() {
      return rowCount;
    },
    append(rows) {
      rowCount += rows.length;
      if (rows.length === 0) return;
      const columnData = names.map((name) => ({ name, data: rows.map((row) => stored(row[name], columns[name])) }));
      void writer.write({ columnData, rowGroupSize: rows.length });
    },
    finish() {
      void writer.finish();
      fs.renameSync(partial, file);
    },
  };
}

function stored(cell: Cell, kind: ColumnKind): unknown {
  return kind === "integer" && typeof cell === "number" ? BigInt(cell) : cell;
}

function schemaOf(name: string, kind: ColumnKind): readonly SchemaElement[] {
  switch (kind) {
    case "text":
      return [textElement(name)];
    case "integer":
      return [{ name, type: "INT64", repetition_type: "OPTIONAL" }];
    case "real":
      return [realElement(name)];
    case "boolean":
      return [{ name, type: "BOOLEAN", repetition_type: "OPTIONAL" }];
    case "texts":
      return [...listElements(name), textElement("element")];
    case "reals":
      return [...listElements(name), realElement("element")];
    default:
      return kind satisfies never;
  }
}

function textElement(name: string): SchemaElement {
  return { name, type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" };
}

function realElement(name: string): SchemaElement {
  return { name, type: "DOUBLE", repetition_type: "OPTIONAL" };
}

/** The three-level form that readers agree on: list, repeated group, element. */
function listElements(name: string): readonly SchemaElement[] {
  return [
    { name, converted_type: "LIST", repetition_type: "OPTIONAL", num_children: 1 },
    { name: "list", repetition_type: "REPEATED", num_children: 1 },
  ];
}
