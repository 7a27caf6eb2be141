// The manifest names the inputs by hash and notices when they change.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { changedInputs, manifestOf } from "./manifest.ts";

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "swarr-manifest-"));
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

const facts = {
  swarr: "0.1.0",
  onnxruntime: "1.30.0",
  device: "cpu",
  kernels: "avx2",
  threads: 2,
  seed: 7,
  set: ["seed=7"],
  recipeSha256: "ab",
};

describe("manifestOf", () => {
  it("hashes a file, and each file of a folder", () => {
    const model = path.join(folder, "model");
    fs.mkdirSync(model);
    fs.writeFileSync(path.join(model, "config.json"), "abc");
    fs.writeFileSync(path.join(folder, "train.jsonl"), "");
    const manifest = manifestOf({ ...facts, inputPaths: [model, path.join(folder, "train.jsonl")] }, new Date(0));
    // SHA-256 of "abc" is the first test vector of FIPS 180-4; of nothing, the well-known e3b0c442…
    expect(manifest.inputs).toEqual({
      [path.join(model, "config.json")]: {
        sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        bytes: 3,
      },
      [path.join(folder, "train.jsonl")]: {
        sha256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        bytes: 0,
      },
    });
    expect(manifest).toMatchObject({ ...facts, node: process.versions.node, startTime: "1970-01-01T00:00:00.000Z" });
  });

  it("names an input that is not there", () => {
    expect(() => manifestOf({ ...facts, inputPaths: [path.join(folder, "nowhere.jsonl")] })).toThrow(
      /nowhere.jsonl does not exist/,
    );
  });
});

describe("changedInputs", () => {
  it("tells what changed and what is gone, and nothing else", () => {
    const files = ["same", "changed", "gone"].map((name) => path.join(folder, name));
    for (const file of files) fs.writeFileSync(file, "12");
    const manifest = manifestOf({ ...facts, inputPaths: files });
    expect(changedInputs(manifest)).toEqual([]);
    fs.writeFileSync(files[1]!, "13!");
    fs.rmSync(files[2]!);
    expect(changedInputs(manifest)).toEqual([
      `${files[1]!} has changed (2 bytes then, 3 now).`,
      `${files[2]!} is gone.`,
    ]);
  });
});
