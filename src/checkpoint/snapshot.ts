// Resumable state on disk: named numbers and a JSON state, hashed, written whole or not at all, the last two of a stage kept.

import { createHash, randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { SwarrError } from "../base/errors.ts";
import { readBytes, sha256, writingTo } from "../base/files.ts";
import { asInteger, asObject, asString, parseJson, type JsonObject } from "../base/json.ts";
import type { ArmName, StageName } from "../run/events.ts";
import type { Weights } from "../tensor/tensor.ts";

/** Where in the run a snapshot was taken. */
export interface SnapshotPoint {
  /** names the recipe of the run */
  readonly recipeHash: string;
  readonly arm: ArmName;
  readonly stage: StageName;
  /** steps done */
  readonly step: number;
}

export interface Snapshot extends SnapshotPoint {
  /** weights, optimizer moments: whatever the stage names */
  readonly tensors: Weights;
  /** data cursor, counters, random streams */
  readonly state: JsonObject;
}

/*
 * Layout, little-endian: 8 bytes magic; uint32 header length; header (JSON: point, serial, state, tensors in order with
 * their counts); zeros up to a multiple of 4; the numbers; 32 bytes SHA-256 of everything before.
 */
const MAGIC = Buffer.from("SWARRSN2");
const PREFIX_BYTES = MAGIC.length + 4;
const HASH_BYTES = 32;
const KEPT = 2;

/** The stages that are over once one of these has begun. Stages that may run side by side never remove each other's. */
const OVER_BEFORE: Readonly<Record<StageName, readonly StageName[]>> = {
  pretrain: [],
  base: [],
  sft: ["pretrain"],
  rl: ["pretrain", "sft"],
  "more-sft": ["pretrain", "sft"],
};

/**
 * Writes a snapshot; removes all but the last two of its stage, and those of stages that are over.
 *
 * @param folder the run's `snapshots/`
 * @returns the file
 * @throws `NOT_FINITE` when the state holds a number that JSON cannot
 */
export function saveSnapshot(folder: string, snapshot: Snapshot): string {
  const { arm, stage, step } = snapshot;
  writingTo(folder, () => fs.mkdirSync(folder, { recursive: true }));
  const older = snapshotFiles(folder, arm, stage);
  const serial = 1 + Math.max(0, ...older.map((file) => file.serial ?? 0));
  const file = path.join(folder, `${arm}-${stage}-${String(step).padStart(6, "0")}.snapshot`);
  const pieces = encode(snapshot, serial);
  writingTo(file, () => writePieces(file, pieces));
  const others = older.filter((other) => other.path !== file);
  const over = OVER_BEFORE[stage].flatMap((before) => snapshotFiles(folder, arm, before));
  for (const stale of [...others.slice(KEPT - 1), ...over]) fs.rmSync(stale.path, { force: true });
  return file;
}

/**
 * The latest snapshot of an arm's stage; null when there is none.
 *
 * @throws `BAD_SNAPSHOT` when it is damaged, naming the file and the older one to fall back on; when it is another recipe's
 */
export function latestSnapshot(folder: string, of: Omit<SnapshotPoint, "step">): Snapshot | null {
  const [latest, older] = snapshotFiles(folder, of.arm, of.stage);
  if (latest === undefined) return null;
  const snapshot = readSnapshot(latest.path, older?.path ?? null);
  if (snapshot.recipeHash === of.recipeHash) return snapshot;
  const short = (hash: string): string => hash.slice(0, 12);
  throw new SwarrError("BAD_SNAPSHOT", {
    what: `The snapshot ${latest.path} was taken under the recipe ${short(snapshot.recipeHash)}, and this run's is ${short(of.recipeHash)}.`,
    expected: "a snapshot of the same run.",
    fix: "Put this run's own snapshot back; without any, the stage starts again.",
  });
}

/**
 * Reads one snapshot whole and checks its hash.
 *
 * @param older the snapshot to name in the remedy
 * @throws `BAD_SNAPSHOT`
 */
export function readSnapshot(file: string, older: string | null = null): Snapshot {
  const bytes = readBytes(file, "a snapshot of a run");
  if (bytes.length < PREFIX_BYTES + HASH_BYTES || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw damaged(file, `it does not begin like a snapshot (${bytes.length} bytes)`, older);
  }
  const body = bytes.subarray(0, bytes.length - HASH_BYTES);
  if (sha256(body) !== bytes.subarray(bytes.length - HASH_BYTES).toString("hex")) {
    throw damaged(file, `its ${bytes.length} bytes do not match their hash`, older);
  }
  return decode(body, file);
}

interface Header extends SnapshotPoint {
  readonly serial: number;
  readonly state: JsonObject;
  /** name and count, in the order of the numbers */
  readonly tensors: readonly (readonly [name: string, count: number])[];
}

function encode(snapshot: Snapshot, serial: number): readonly Uint8Array[] {
  const { recipeHash, arm, stage, step, state, tensors } = snapshot;
  const header: Header = {
    recipeHash,
    arm,
    stage,
    step,
    serial,
    state,
    tensors: [...tensors].map(([name, data]) => [name, data.length]),
  };
  const text = Buffer.from(JSON.stringify(header, requireFinite));
  const prefix = Buffer.alloc(PREFIX_BYTES);
  MAGIC.copy(prefix);
  prefix.writeUInt32LE(text.length, MAGIC.length);
  const numbers = [...tensors.values()].map((data) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return [prefix, text, Buffer.alloc(paddingAfter(text.length)), ...numbers];
}

function decode(body: Buffer, file: string): Snapshot {
  const headerBytes = body.readUInt32LE(MAGIC.length);
  const header = readHeader(body.toString("utf8", PREFIX_BYTES, PREFIX_BYTES + headerBytes), file);
  let offset = PREFIX_BYTES + headerBytes + paddingAfter(headerBytes);
  const tensors: Weights = new Map();
  for (const [name, count] of header.tensors) {
    const data = new Float32Array(count);
    new Uint8Array(data.buffer).set(body.subarray(offset, offset + data.byteLength));
    tensors.set(name, data);
    offset += data.byteLength;
  }
  const { recipeHash, arm, stage, step, state } = header;
  return { recipeHash, arm, stage, step, state, tensors };
}

function readHeader(text: string, file: string): Header {
  const where = `the header of ${file}`;
  const row = asObject(parseJson(text, where), where);
  asString(row["recipeHash"], `${where}: recipeHash`);
  asString(row["arm"], `${where}: arm`);
  asString(row["stage"], `${where}: stage`);
  asInteger(row["step"], `${where}: step`);
  asInteger(row["serial"], `${where}: serial`);
  asObject(row["state"], `${where}: state`);
  return row as unknown as Header;
}

/** Hashes while writing to a neighbour, then renames: gigabytes are never joined into one buffer. */
function writePieces(file: string, pieces: readonly Uint8Array[]): void {
  const neighbour = `${file}.${randomBytes(4).toString("hex")}.partial`;
  const hash = createHash("sha256");
  const handle = fs.openSync(neighbour, "w");
  try {
    for (const piece of pieces) {
      hash.update(piece);
      writeAll(handle, piece);
    }
    writeAll(handle, hash.digest());
    fs.fsyncSync(handle);
  } catch (cause) {
    fs.rmSync(neighbour, { force: true });
    throw cause;
  } finally {
    fs.closeSync(handle);
  }
  fs.renameSync(neighbour, file);
}

function writeAll(handle: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += fs.writeSync(handle, bytes, done);
}

interface SnapshotFile {
  readonly path: string;
  /** counts the snapshots of a stage; null when the header cannot be read */
  readonly serial: number | null;
}

/** The snapshots of a stage, latest first; where a header is damaged all are taken by their files' times. */
function snapshotFiles(folder: string, arm: ArmName, stage: StageName): readonly SnapshotFile[] {
  if (!fs.existsSync(folder)) return [];
  const pattern = new RegExp(`^${arm}-${stage}-\\d+\\.snapshot$`);
  const names = fs.readdirSync(folder).filter((name) => pattern.test(name));
  const files = names.map((name) => {
    const file = path.join(folder, name);
    return { path: file, serial: serialOf(file), modifiedMs: fs.statSync(file).mtimeMs };
  });
  const whole = files.every(({ serial }) => serial !== null);
  return files.sort((a, b) => (whole ? (b.serial ?? 0) - (a.serial ?? 0) : b.modifiedMs - a.modifiedMs));
}

function serialOf(file: string): number | null {
  const handle = fs.openSync(file, "r");
  try {
    const prefix = Buffer.alloc(PREFIX_BYTES);
    fs.readSync(handle, prefix, 0, PREFIX_BYTES, 0);
    if (!prefix.subarray(0, MAGIC.length).equals(MAGIC)) return null;
    const size = prefix.readUInt32LE(MAGIC.length);
    if (size > fs.fstatSync(handle).size) return null;
    const header = Buffer.alloc(size);
    fs.readSync(handle, header, 0, size, PREFIX_BYTES);
    const serial = asObject(JSON.parse(header.toString("utf8")), file)["serial"];
    return Number.isSafeInteger(serial) ? Number(serial) : null;
  } catch {
    // A damaged header is no fault while listing: reading that snapshot reports it.
    return null;
  } finally {
    fs.closeSync(handle);
  }
}

function paddingAfter(headerBytes: number): number {
  return (4 - ((PREFIX_BYTES + headerBytes) % 4)) % 4;
}

function requireFinite(key: string, value: unknown): unknown {
  if (typeof value !== "number" || Number.isFinite(value)) return value;
  throw new SwarrError("NOT_FINITE", {
    what: `The state to be saved has ${key} = ${value}.`,
    expected: "finite numbers, which JSON can hold.",
    fix: "Lower the learning rate, or resume from the last snapshot and look at the step's data.",
  });
}

function damaged(file: string, why: string, older: string | null): SwarrError {
  return new SwarrError("BAD_SNAPSHOT", {
    what: `The snapshot ${file} is damaged: ${why}.`,
    expected: "a snapshot as it was written.",
    fix:
      older === null
        ? "Delete it; with no older snapshot of this stage, the stage starts again."
        : `Delete it, and --resume goes on from ${older}.`,
  });
}
