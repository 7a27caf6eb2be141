// Parquet files as the same numbered rows that JSON Lines files give.

import zlib from "node:zlib";
import type { Compressors } from "hyparquet";
import { SwarrError, messageOf } from "../base/errors.ts";
import { readBytes } from "../base/files.ts";
import { isObject, type JsonObject } from "../base/json.ts";
import type { NumberedRow } from "./jsonl.ts";

/**
 * Reads every row of a Parquet file. Values come as JSON knows them: integers as numbers (as strings where a double
 * would round them), dates as ISO text, bytes as UTF-8 text.
 *
 * @param purpose  what the file is for, quoted when it cannot be read
 * @returns rows numbered from 1
 * @throws `FILE_MISSING`; `BAD_DATA` when the file is not Parquet or uses a compression that is not built in
 */
export async function readParquet(file: string, purpose: string): Promise<readonly NumberedRow[]> {
  const bytes = readBytes(file, purpose);
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  const { parquetReadObjects } = await import("hyparquet");
  try {
    const rows = await parquetReadObjects({ file: buffer, compressors: nodeCompressors() });
    return rows.map((row, index) => ({ line: index + 1, value: jsonLike(row) as JsonObject }));
  } catch (cause) {
    throw new SwarrError(
      "BAD_DATA",
      {
        what: `${file} cannot be read as Parquet: ${messageOf(cause)}.`,
        expected:
          "a whole Parquet file, uncompressed or compressed with snappy, gzip or brotli (zstd needs Node 22.15 or later).",
        fix: "Download it again, or convert it to JSON Lines.",
      },
      { cause },
    );
  }
}

function nodeCompressors(): Compressors {
  const { zstdDecompressSync } = zlib as { zstdDecompressSync?: (input: Uint8Array) => Buffer };
  return {
    GZIP: (input) => zlib.gunzipSync(input),
    BROTLI: (input) => zlib.brotliDecompressSync(input),
    ...(zstdDecompressSync === undefined ? {} : { ZSTD: (input: Uint8Array) => zstdDecompressSync(input) }),
  };
}

function jsonLike(value: unknown): unknown {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString("utf8");
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<unknown>, jsonLike);
  if (Array.isArray(value)) return value.map(jsonLike);
  if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, jsonLike(item)]));
  return value ?? null;
}
