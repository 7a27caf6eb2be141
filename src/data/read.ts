// Data files, JSON Lines or Parquet, read as problems or as conversations.

import { readJsonl } from "../formats/jsonl.ts";
import { readParquet } from "../formats/parquet-read.ts";
import { conversationsFromRows } from "./conversations.ts";
import type { FieldMapping, Row } from "./fields.ts";
import { problemsFromRows } from "./problems.ts";
import type { Conversation, Problem } from "./record.ts";
import type { Template } from "./template.ts";

/** The rows of a file; Parquet is told by its name (`.parquet`), everything else is read as JSON Lines. */
export async function readRows(file: string, purpose: string): Promise<readonly Row[]> {
  return file.endsWith(".parquet") ? readParquet(file, purpose) : readJsonl(file, purpose);
}

/** @throws as `readJsonl`, `readParquet` and `problemsFromRows` do */
export async function readProblems(file: string, mapping: FieldMapping = {}): Promise<readonly Problem[]> {
  return problemsFromRows(await readRows(file, "the problems"), file, mapping);
}

/** @throws as `readJsonl`, `readParquet` and `conversationsFromRows` do */
export async function readConversations(
  file: string,
  template: Template,
  mapping: FieldMapping = {},
): Promise<readonly Conversation[]> {
  return conversationsFromRows(await readRows(file, "the training rows"), file, template, mapping);
}
