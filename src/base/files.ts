// Files written whole or not at all, hashed, and never outside the folder they belong to.

import { createHash, randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { SwarrError, messageOf } from "./errors.ts";

/**
 * Writes to a neighbour, flushes it, then renames: a reader sees the old file or the new one, never half of either.
 *
 * @throws `FILE_UNWRITABLE`; the neighbour is gone then
 */
export function writeFileAtomic(file: string, content: string | Uint8Array): void {
  writingTo(file, () => {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    const neighbour = `${file}.${randomBytes(4).toString("hex")}.partial`;
    const handle = fs.openSync(neighbour, "w");
    try {
      try {
        fs.writeFileSync(handle, content);
        fs.fsyncSync(handle);
      } finally {
        fs.closeSync(handle);
      }
      fs.renameSync(neighbour, file);
    } catch (cause) {
      fs.rmSync(neighbour, { force: true });
      throw cause;
    }
  });
}

/** What the file system answers when the place chosen for output is at fault and not the program. */
const PLACE_AT_FAULT: ReadonlySet<string> = new Set([
  ...["EACCES", "EPERM", "EROFS", "EBUSY"],
  ...["ENOENT", "ENOTDIR", "EISDIR", "EEXIST", "ENOTEMPTY", "ELOOP", "ENAMETOOLONG", "EXDEV"],
  ...["ENOSPC", "EDQUOT", "EFBIG"],
]);

/**
 * Does what writes to a place.
 *
 * @throws `FILE_UNWRITABLE` where the file system refuses; what else is thrown stays as it is
 */
export function writingTo<Result>(place: string, write: () => Result): Result {
  try {
    return write();
  } catch (cause) {
    throw unwritable(place, cause);
  }
}

/** The error of a write that failed: `FILE_UNWRITABLE` where the file system refused, else what was thrown. */
export function unwritable(place: string, cause: unknown): unknown {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  if (!PLACE_AT_FAULT.has(code)) return cause;
  return new SwarrError(
    "FILE_UNWRITABLE",
    {
      what: `Cannot write ${place === "" ? "to an empty path" : place}: ${messageOf(cause)}.`,
      expected: "a place that can be written, with room for it.",
      fix: "Choose another place, or mend its permissions, links or free space.",
    },
    { cause },
  );
}

/**
 * Refuses before long work what could not be written after it. Leaves nothing there.
 *
 * @throws `FILE_UNWRITABLE` when there is something else than a plain file, or no file can be made there
 */
export function requireWritableFile(file: string): void {
  writingTo(file, () => {
    const found = fs.statSync(file, { throwIfNoEntry: false });
    // The rename would put a file in the place of a device, too.
    if (found !== undefined && !found.isFile()) throw refusal("EISDIR", "what is there is no plain file");
    requireWritableParent(path.resolve(file));
  });
}

/** For `writingTo`: the first thing above a place that exists has to be a folder, and to let a new entry in. */
export function requireWritableParent(place: string): void {
  let parent = path.dirname(place);
  while (fs.lstatSync(parent, { throwIfNoEntry: false }) === undefined) parent = path.dirname(parent);
  if (!fs.statSync(parent).isDirectory()) throw refusal("ENOTDIR", `${parent} is no folder`);
  fs.accessSync(parent, fs.constants.W_OK | fs.constants.X_OK);
}

function refusal(code: string, message: string): Error {
  return Object.assign(new Error(`${code}: ${message}`), { code });
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
