// Files written whole or not at all, hashed, and never outside the folder they belong to.

import { createHash, randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { SwarrError } from "./errors.ts";

/** Writes to a neighbour, flushes it, then renames: a reader sees the old file or the new one, never half of either. */
export function writeFileAtomic(file: string, content: string | Uint8Array): void {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const neighbour = `${file}.${randomBytes(4).toString("hex")}.partial`;
  const handle = fs.openSync(neighbour, "w");
  try {
    fs.writeFileSync(handle, content);
    fs.fsyncSync(handle);
  } finally {
    fs.closeSync(handle);
  }
  fs.renameSync(neighbour, file);
}

/** @throws `FILE_MISSING` with the path and the remedy */
export function readText(file: string, purpose: string): string {
  return readBytes(file, purpose).toString("utf8");
}

/** @throws `FILE_MISSING` with the path and the remedy */
export function readBytes(file: string, purpose: string): Buffer {
  try {
    return fs.readFileSync(file);
  } catch (cause) {
    throw new SwarrError(
      "FILE_MISSING",
      {
        what: `Cannot read ${file} (${purpose}): ${(cause as NodeJS.ErrnoException).code ?? String(cause)}.`,
        expected: "a readable file.",
        fix: "Check the path and its permissions.",
      },
      { cause },
    );
  }
}

/** SHA-256 of the bytes, in hex. */
export function sha256(bytes: string | Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/**
 * Joins a name from an untrusted file to its folder.
 *
 * @throws `BAD_CHECKPOINT` when the name is absolute or climbs out of the folder
 */
export function insideFolder(folder: string, name: string, where: string): string {
  const full = path.resolve(folder, name);
  if (!path.isAbsolute(name) && full.startsWith(path.resolve(folder) + path.sep)) return full;
  throw new SwarrError("BAD_CHECKPOINT", {
    what: `${where} names the file "${name}", which lies outside ${folder}.`,
    expected: "a plain file name inside the folder.",
    fix: "Do not use this checkpoint unless you trust where it came from.",
  });
}
