// Writes safetensors files, a tensor at a time, whole or not at all.

import { randomBytes } from "node:crypto";
import fs from "node:fs";
import { SwarrError } from "../base/errors.ts";
import { invariant } from "../base/invariant.ts";
import { quote } from "../base/json.ts";
import { STORED_TYPE_BYTES, type WeightType } from "../tensor/dtype.ts";
import { firstNotFinite, firstNotFiniteWord, narrowToBfloat16, narrowToFloat16 } from "../tensor/half.ts";

/** One tensor to write; `data` is asked for when its turn comes. */
export interface OutgoingTensor {
  readonly name: string;
  readonly type: WeightType;
  readonly shape: readonly number[];
  data(): Float32Array;
}

const CHUNK_ELEMENTS = 1 << 21;

/** Bytes of the tensor in the file. */
export function storedBytes(tensor: OutgoingTensor): number {
  return tensor.shape.reduce((product, count) => product * count, STORED_TYPE_BYTES[tensor.type]);
}

/**
 * Writes to a neighbour and renames. Half types are rounded to nearest, ties to even.
 *
 * @throws `NOT_FINITE` with tensor and index for NaN, infinity, or a value beyond the range of its type
 */
export function writeSafetensors(
  file: string,
  tensors: readonly OutgoingTensor[],
  metadata: { readonly [key: string]: string } = { format: "pt" },
): void {
  const neighbour = `${file}.${randomBytes(4).toString("hex")}.partial`;
  const handle = fs.openSync(neighbour, "wx");
  try {
    try {
      writeAll(handle, headerOf(tensors, metadata));
      for (const tensor of tensors) writeTensor(handle, file, tensor);
      fs.fsyncSync(handle);
    } finally {
      fs.closeSync(handle);
    }
    fs.renameSync(neighbour, file);
  } catch (error) {
    fs.rmSync(neighbour, { force: true });
    throw error;
  }
}

function headerOf(tensors: readonly OutgoingTensor[], metadata: { readonly [key: string]: string }): Buffer {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let offset = 0;
  for (const tensor of tensors) {
    const end = offset + storedBytes(tensor);
    header[tensor.name] = { dtype: tensor.type, shape: tensor.shape, data_offsets: [offset, end] };
    offset = end;
  }
  const json = Buffer.from(JSON.stringify(header));
  // Spaces up to a multiple of 8, so that the data is aligned for readers that map the file.
  const padded = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, 0x20);
  padded.writeBigUInt64LE(BigInt(padded.length - 8));
  json.copy(padded, 8);
  return padded;
}

function writeTensor(handle: number, file: string, tensor: OutgoingTensor): void {
  const data = tensor.data();
  const count = storedBytes(tensor) / STORED_TYPE_BYTES[tensor.type];
  invariant(data.length === count, `${data.length} numbers fill ${tensor.name} [${tensor.shape.join(", ")}]`);
  for (let at = 0; at < count; at += CHUNK_ELEMENTS) {
    const values = data.subarray(at, Math.min(at + CHUNK_ELEMENTS, count));
    const bad = firstNotFinite(values);
    if (bad >= 0) throw notWritable(file, tensor, at + bad, values[bad]!);
    if (tensor.type === "F32") {
      writeAll(handle, Buffer.from(values.buffer, values.byteOffset, values.byteLength));
      continue;
    }
    const words = new Uint16Array(values.length);
    (tensor.type === "F16" ? narrowToFloat16 : narrowToBfloat16)(values, words);
    const tooLarge = firstNotFiniteWord(words, tensor.type);
    if (tooLarge >= 0) throw notWritable(file, tensor, at + tooLarge, values[tooLarge]!);
    writeAll(handle, Buffer.from(words.buffer));
  }
}

function writeAll(handle: number, bytes: Buffer): void {
  let done = 0;
  while (done < bytes.length) done += fs.writeSync(handle, bytes, done);
}

function notWritable(file: string, tensor: OutgoingTensor, index: number, value: number): SwarrError {
  return new SwarrError("NOT_FINITE", {
    what: `${file}: tensor ${quote(tensor.name)} has ${value} at index ${index}, which ${tensor.type} cannot hold as a finite number.`,
    expected: "finite weights within the range of the type.",
    fix: Number.isFinite(value)
      ? "Write the checkpoint as BF16 or F32."
      : "Go back to weights from before the training diverged.",
  });
}
