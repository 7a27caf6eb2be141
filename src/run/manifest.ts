// What a run was made of: versions, seed, hashes of its inputs, the machine.

import { createHash } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { SwarrError } from "../base/errors.ts";

export interface InputFile {
  readonly sha256: string;
  readonly bytes: number;
}

export interface Manifest {
  readonly swarr: string;
  readonly node: string;
  readonly onnxruntime: string;
  /** operating system and architecture */
  readonly platform: string;
  readonly os: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly device: string;
  /** what computed there: our own machine code (`native`) or `onnxruntime` */
  readonly kernels: string;
  readonly threads: number;
  readonly seed: number;
  /** each `a.b.c=value` that the command line laid over the recipe's file, in order */
  readonly set: readonly string[];
  /** names the resolved recipe */
  readonly recipeSha256: string;
  /** ISO 8601, UTC */
  readonly startTime: string;
  /** by path as the recipe gives it; a folder's files are listed one by one */
  readonly inputs: Readonly<Record<string, InputFile>>;
}

/** The part of the manifest that only the caller knows. */
export interface ManifestFacts {
  readonly swarr: string;
  readonly onnxruntime: string;
  readonly device: string;
  readonly kernels: string;
  readonly threads: number;
  readonly seed: number;
  readonly set: readonly string[];
  readonly recipeSha256: string;
  /** files and folders that the run reads */
  readonly inputPaths: readonly string[];
}

/** @throws `FILE_MISSING` naming the input that is not there */
export function manifestOf(facts: ManifestFacts, now: Date = new Date()): Manifest {
  const { inputPaths, ...known } = facts;
  return {
    ...known,
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
    os: `${os.type()} ${os.release()}`,
    cpu: os.cpus()[0]?.model.trim() ?? "unknown",
    cores: os.availableParallelism(),
    memoryBytes: os.totalmem(),
    startTime: now.toISOString(),
    inputs: Object.fromEntries(inputPaths.flatMap(filesAt).map((file) => [file, hashFile(file)])),
  };
}

/**
 * The inputs that are no longer what the manifest says; a resumed run must not mix data.
 *
 * @returns one sentence each
 */
export function changedInputs(manifest: Pick<Manifest, "inputs">): readonly string[] {
  return Object.entries(manifest.inputs).flatMap(([file, { sha256, bytes }]) => {
    if (!fs.existsSync(file)) return [`${file} is gone.`];
    const present = hashFile(file);
    if (present.sha256 === sha256) return [];
    return [`${file} has changed (${bytes} bytes then, ${present.bytes} now).`];
  });
}

/** SHA-256 of a file, read in pieces, so that a checkpoint larger than memory can be named. */
export function hashFile(file: string): InputFile {
  const hash = createHash("sha256");
  const piece = Buffer.allocUnsafe(1 << 20);
  const handle = fs.openSync(file, "r");
  try {
    let bytes = 0;
    for (;;) {
      const read = fs.readSync(handle, piece, 0, piece.length, null);
      if (read === 0) return { sha256: hash.digest("hex"), bytes };
      hash.update(piece.subarray(0, read));
      bytes += read;
    }
  } finally {
    fs.closeSync(handle);
  }
}

/** The file itself, or the files right inside a folder, by name. */
function filesAt(input: string): readonly string[] {
  const stat = fs.statSync(input, { throwIfNoEntry: false });
  if (stat === undefined) {
    throw new SwarrError("FILE_MISSING", {
      what: `The run's input ${input} does not exist.`,
      expected: "a file or a folder.",
      fix: "Correct the path in the recipe, or give it with --set.",
    });
  }
  if (!stat.isDirectory()) return [input];
  const names = fs.readdirSync(input, { withFileTypes: true }).filter((entry) => !entry.isDirectory());
  return names.map(({ name }) => path.join(input, name)).sort();
}
