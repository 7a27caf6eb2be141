// The files of a checkpoint folder: regular, inside the folder, of a sane size; links only as the hub's cache makes them.

import fs from "node:fs";
import path from "node:path";
import { SwarrError } from "../base/errors.ts";
import { insideFolder } from "../base/files.ts";
import { asObject, parseJson, quote, type JsonObject } from "../base/json.ts";
import { jsonKeyTwice } from "../formats/json-keys.ts";

/** The largest real tokenizer.json is about 40 MB. */
const MAX_TEXT_BYTES = 256 << 20;

/** @throws `FILE_MISSING` when the folder does not exist; `BAD_CHECKPOINT` when it is something else */
export function checkFolder(folder: string): void {
  const status = reached(folder, () => fs.statSync(folder, { throwIfNoEntry: false }));
  if (status === undefined) {
    throw new SwarrError("FILE_MISSING", {
      what: `There is no folder ${folder}.`,
      expected: "a Hugging Face folder with config.json and safetensors weights.",
      fix: "Check the path.",
    });
  }
  if (status.isDirectory()) return;
  throw badFile(folder, "it is not a folder", "a Hugging Face folder with config.json and safetensors weights.");
}

/**
 * The path of a file of the folder.
 *
 * A link is followed only to a regular file inside the folder, or to the `blobs` of the hub cache that the folder is a
 * snapshot of: a downloaded folder must not make us read anything else.
 *
 * @returns null when there is no such file
 * @throws `BAD_CHECKPOINT` when the name leaves the folder, or it is no regular file
 */
export function checkpointFile(folder: string, name: string): string | null {
  const file = insideFolder(folder, name, folder);
  if (reached(file, () => fs.lstatSync(file, { throwIfNoEntry: false })) === undefined) return null;
  let target: string;
  try {
    target = fs.realpathSync(file);
  } catch {
    throw badFile(file, "it is a link that leads nowhere", "a regular file.");
  }
  const root = fs.realpathSync(folder);
  if (!isBelow(target, root) && !isBelow(target, blobsOf(root))) {
    throw badFile(file, `it is a link that leaves the folder, to ${target}`, "a file inside the folder.");
  }
  if (!fs.statSync(target).isFile()) throw badFile(file, "it is not a regular file", "a regular file.");
  return file;
}

/** A folder that may not be entered, a name that is too long, a loop of links: nothing of ours to fail on. */
function reached<Result>(file: string, look: () => Result): Result {
  try {
    return look();
  } catch (cause) {
    const fault = `it cannot be reached (${(cause as NodeJS.ErrnoException).code ?? String(cause)})`;
    throw badFile(file, fault, "a path that exists and may be read.");
  }
}

/** Where the hub's cache keeps the contents of a snapshot: `.../snapshots/<revision>` beside `.../blobs`. */
function blobsOf(folder: string): string | null {
  const snapshots = path.dirname(folder);
  return path.basename(snapshots) === "snapshots" ? path.join(path.dirname(snapshots), "blobs") : null;
}

function isBelow(file: string, folder: string | null): boolean {
  return folder !== null && file.startsWith(folder + path.sep);
}

/** @returns the text of a file of the folder, or null when there is none */
export function optionalText(folder: string, name: string): string | null {
  const file = checkpointFile(folder, name);
  if (file === null) return null;
  const { size } = fs.statSync(file);
  if (size > MAX_TEXT_BYTES) throw badFile(file, `it has ${size} bytes`, `at most ${MAX_TEXT_BYTES} bytes of text.`);
  let bytes: Buffer;
  try {
    bytes = fs.readFileSync(file);
  } catch (cause) {
    throw new SwarrError(
      "FILE_MISSING",
      {
        what: `Cannot read ${file}: ${(cause as NodeJS.ErrnoException).code ?? String(cause)}.`,
        expected: "a readable file.",
        fix: "Check its permissions.",
      },
      { cause },
    );
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw badFile(file, "it is not UTF-8 text", "text in UTF-8.");
  }
}

/**
 * @returns a JSON object of the folder, or null when there is no such file
 * @throws `BAD_JSON` when it is not JSON, no object, or states a key twice
 */
export function optionalObject(folder: string, name: string): JsonObject | null {
  const text = optionalText(folder, name);
  if (text === null) return null;
  const where = path.join(folder, name);
  const object = asObject(parseJson(text, where), where);
  // Only small files: in a vocabulary a repeated key is the tokenizer's own affair, and the scan would cost.
  const twice = text.length < 1 << 20 ? jsonKeyTwice(text) : null;
  if (twice === null) return object;
  throw new SwarrError("BAD_JSON", {
    what: `${where} states the key ${quote(twice)} twice in one object.`,
    expected: "every key once.",
    fix: "Remove one of the two.",
  });
}

export function badFile(file: string, fault: string, expected: string): SwarrError {
  return new SwarrError("BAD_CHECKPOINT", {
    what: `${file} cannot be used: ${fault}.`,
    expected,
    fix: "Download the checkpoint again, and do not use one you do not trust.",
  });
}
