// The safetensors layout: a checked header, then tensors read in chunks; nothing in the file is believed before it is checked.

import fs from "node:fs";
import { SwarrError, messageOf } from "../base/errors.ts";
import { isObject, quote, type JsonObject } from "../base/json.ts";
import { STORED_TYPE_BYTES, isStoredType, isWeightType, type StoredType } from "../tensor/dtype.ts";
import { firstNotFinite, firstNotFiniteWord, widenBfloat16, widenFloat16 } from "../tensor/half.ts";
import { jsonKeyTwice } from "./json-keys.ts";

/** The reference reader refuses longer headers too. */
const MAX_HEADER_BYTES = 100_000_000;

/** A read is split so: one read call is limited to 2 GiB, and a small buffer keeps the peak at the result's own size. */
const CHUNK_BYTES = 8 << 20;

/** One tensor of a file, located but not read. */
export interface StoredTensor {
  readonly name: string;
  readonly file: string;
  readonly type: StoredType;
  readonly shape: readonly number[];
  /** First byte, counted from the start of the file. */
  readonly begin: number;
  readonly byteLength: number;
}

export interface SafetensorsFile {
  readonly file: string;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly metadata: { readonly [key: string]: string };
}

/**
 * Reads and checks the header: length, JSON, types, shapes, offsets that cover the data without hole or overlap.
 *
 * @throws `BAD_SAFETENSORS` naming the file and the fault; `FILE_MISSING` when it cannot be opened
 * @source the format page of the safetensors library: 8 bytes of header length, the header as JSON, the data
 */
export function readSafetensorsHeader(file: string): SafetensorsFile {
  return withFile(file, (handle, size) => {
    const prefix = Buffer.alloc(8);
    if (size < 8) throw bad(file, `it has ${size} bytes`, "at least the 8 bytes of the header's length.");
    readFully(handle, prefix, 0, file);
    const headerBytes = prefix.readBigUInt64LE();
    if (headerBytes > BigInt(Math.min(MAX_HEADER_BYTES, size - 8))) {
      throw bad(
        file,
        `it claims a header of ${headerBytes} bytes, and has ${size} bytes in all`,
        `a header inside the file and of at most ${MAX_HEADER_BYTES} bytes.`,
      );
    }
    const header = Buffer.alloc(Number(headerBytes));
    readFully(handle, header, 8, file);
    return parseHeader(file, header, size);
  });
}

function parseHeader(file: string, bytes: Buffer, fileSize: number): SafetensorsFile {
  const start = 8 + bytes.length;
  const root = headerObject(file, bytes);
  const tensors: StoredTensor[] = [];
  for (const [name, entry] of Object.entries(root)) {
    if (name !== "__metadata__") tensors.push(parseEntry(file, name, entry, start, fileSize));
  }
  checkCoverage(file, tensors, start, fileSize);
  return {
    file,
    tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])),
    metadata: parseMetadata(file, root.__metadata__),
  };
}

function headerObject(file: string, bytes: Buffer): JsonObject {
  const expected = "one JSON object that starts with {.";
  if (bytes[0] !== 0x7b) throw bad(file, "its header does not start with {", expected);
  let root: unknown;
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    root = JSON.parse(text) as unknown;
  } catch (cause) {
    throw bad(file, `its header is not JSON (${messageOf(cause)})`, expected);
  }
  if (!isObject(root)) throw bad(file, "its header is not an object", expected);
  const twice = jsonKeyTwice(text);
  if (twice !== null) throw bad(file, `its header has the key ${quote(twice)} twice`, "every tensor once.");
  return root;
}

function parseMetadata(file: string, value: unknown): { readonly [key: string]: string } {
  if (value === undefined) return {};
  if (isObject(value) && Object.values(value).every((text) => typeof text === "string")) {
    return value as { readonly [key: string]: string };
  }
  throw bad(file, `its __metadata__ is ${quote(value)}`, "an object of strings.");
}

function parseEntry(file: string, name: string, entry: unknown, start: number, fileSize: number): StoredTensor {
  const tensor = `tensor ${quote(name)}`;
  if (!isObject(entry))
    throw bad(file, `${tensor} is ${quote(entry)}`, "an object with dtype, shape and data_offsets.");
  const { dtype, shape, data_offsets: offsets, ...rest } = entry;
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined)
    throw bad(file, `${tensor} has the field ${quote(unknown)}`, "dtype, shape, data_offsets.");
  if (typeof dtype !== "string" || !isStoredType(dtype)) {
    throw bad(file, `${tensor} has the dtype ${quote(dtype)}`, `one of ${Object.keys(STORED_TYPE_BYTES).join(", ")}.`);
  }
  if (!isCounts(shape)) throw bad(file, `${tensor} has the shape ${quote(shape)}`, "a list of non-negative integers.");
  if (!isCounts(offsets) || offsets.length !== 2) {
    throw bad(file, `${tensor} has the data_offsets ${quote(offsets)}`, "two non-negative integers.");
  }
  const [from, to] = [offsets[0]!, offsets[1]!];
  if (from > to || start + to > fileSize) {
    throw bad(
      file,
      `${tensor} claims the bytes ${from} to ${to} of ${fileSize - start} bytes of data`,
      "offsets in order and inside the file.",
    );
  }
  // BigInt: a hostile shape may overflow a double and then happen to match.
  const wanted = shape.reduce((product, count) => product * BigInt(count), BigInt(STORED_TYPE_BYTES[dtype]));
  if (wanted !== BigInt(to - from)) {
    throw bad(
      file,
      `${tensor} of type ${dtype} and shape [${shape.join(", ")}] is given ${to - from} bytes`,
      `${wanted} bytes.`,
    );
  }
  return { name, file, type: dtype, shape, begin: start + from, byteLength: to - from };
}

function checkCoverage(file: string, tensors: readonly StoredTensor[], start: number, fileSize: number): void {
  let reached = start;
  for (const tensor of tensors.toSorted((a, b) => a.begin - b.begin || a.byteLength - b.byteLength)) {
    if (tensor.begin !== reached) {
      const kind = tensor.begin < reached ? "overlaps the tensor before it" : "leaves unused bytes before it";
      throw bad(
        file,
        `tensor ${quote(tensor.name)} starts at data byte ${tensor.begin - start} and ${kind}`,
        `a start at data byte ${reached - start}.`,
      );
    }
    reached += tensor.byteLength;
  }
  if (reached !== fileSize) {
    throw bad(file, `its tensors end at byte ${reached}, and the file has ${fileSize} bytes`, "the two to be equal.");
  }
}

function isCounts(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((count) => Number.isSafeInteger(count) && (count as number) >= 0);
}

/**
 * Reads one tensor into float32, chunk by chunk.
 *
 * @param target  as many numbers as the tensor has
 * @throws `UNSUPPORTED` for a type other than F32, F16 and BF16; `NOT_FINITE` with file, tensor and index
 */
export function readWeights(tensor: StoredTensor, target: Float32Array): void {
  let done = 0;
  forEachChunk(tensor, target, (count) => (done += count));
}

/** Reads the whole tensor and keeps nothing: the checks of `readWeights` alone. */
export function checkWeights(tensor: StoredTensor): void {
  forEachChunk(tensor, null, () => undefined);
}

function forEachChunk(tensor: StoredTensor, target: Float32Array | null, onChunk: (count: number) => void): void {
  const { type } = tensor;
  if (!isWeightType(type)) throw unsupportedType(tensor);
  const width = STORED_TYPE_BYTES[type];
  const chunk = Buffer.from(new ArrayBuffer(Math.min(CHUNK_BYTES, tensor.byteLength)));
  withFile(tensor.file, (handle) => {
    for (let at = 0; at < tensor.byteLength; at += chunk.length) {
      const bytes = chunk.subarray(0, Math.min(chunk.length, tensor.byteLength - at));
      readFully(handle, bytes, tensor.begin + at, tensor.file);
      const first = at / width;
      const count = bytes.length / width;
      const bad = decodeChunk(type, bytes, target?.subarray(first, first + count) ?? null);
      if (bad >= 0) throw notFinite(tensor, first + bad);
      onChunk(count);
    }
  });
}

/** @returns the index of the first number that is not finite, or -1 */
function decodeChunk(type: "F32" | "F16" | "BF16", bytes: Buffer, target: Float32Array | null): number {
  if (type === "F32") {
    const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    target?.set(values);
    return firstNotFinite(values);
  }
  const words = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
  if (target !== null) (type === "F16" ? widenFloat16 : widenBfloat16)(words, target);
  return firstNotFiniteWord(words, type);
}

/** Opens a regular file, and only that: a pipe or a device would block for ever or never end. */
function withFile<Result>(file: string, use: (handle: number, size: number) => Result): Result {
  let handle: number;
  try {
    if (!fs.statSync(file).isFile()) throw bad(file, "it is not a regular file", "a file with tensors.");
    handle = fs.openSync(file, "r");
  } catch (cause) {
    if (cause instanceof SwarrError) throw cause;
    throw new SwarrError(
      "FILE_MISSING",
      {
        what: `Cannot read ${file} (weights): ${(cause as NodeJS.ErrnoException).code ?? String(cause)}.`,
        expected: "a readable file.",
        fix: "Check the path and its permissions, or download the checkpoint again.",
      },
      { cause },
    );
  }
  try {
    return use(handle, fs.fstatSync(handle).size);
  } finally {
    fs.closeSync(handle);
  }
}

function readFully(handle: number, target: Buffer, position: number, file: string): void {
  let done = 0;
  while (done < target.length) {
    const count = fs.readSync(handle, target, done, target.length - done, position + done);
    if (count === 0)
      throw bad(file, `it ends at byte ${position + done}`, `it to reach byte ${position + target.length}.`);
    done += count;
  }
}

function unsupportedType(tensor: StoredTensor): SwarrError {
  return new SwarrError("UNSUPPORTED", {
    what: `${tensor.file}: tensor ${quote(tensor.name)} is stored as ${tensor.type}.`,
    expected: "weights in F32, F16 or BF16.",
    fix: "Use the unquantized checkpoint, or convert the tensor first.",
  });
}

function notFinite(tensor: StoredTensor, index: number): SwarrError {
  return new SwarrError("NOT_FINITE", {
    what: `${tensor.file}: tensor ${quote(tensor.name)} is NaN or infinite at index ${index} of its ${tensor.byteLength / STORED_TYPE_BYTES[tensor.type]} numbers.`,
    expected: "finite weights only.",
    fix: "Download the checkpoint again, or go back to one from before the training diverged.",
  });
}

function bad(file: string, fault: string, expected: string): SwarrError {
  return new SwarrError("BAD_SAFETENSORS", {
    what: `${file} is not a whole safetensors file: ${fault}.`,
    expected,
    fix: "Download or write the file again.",
  });
}
