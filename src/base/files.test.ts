// Files: whole or not at all, and never outside the folder they belong to.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { insideFolder, readText, sha256, writeFileAtomic } from "./files.ts";

let folder = "";
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "swarr-files-"));
});
afterAll(() => {
  fs.rmSync(folder, { recursive: true, force: true });
});

describe("writeFileAtomic", () => {
  it("makes the folders on the way, replaces what was there and leaves no neighbour", () => {
    const file = path.join(folder, "a/b/result.json");
    writeFileAtomic(file, "first");
    writeFileAtomic(file, new Uint8Array([104, 105]));
    expect(fs.readFileSync(file, "utf8")).toBe("hi");
    expect(fs.readdirSync(path.dirname(file))).toEqual(["result.json"]);
  });

  it("leaves the old file as it was when the new one cannot be put in its place", () => {
    const taken = path.join(folder, "taken");
    fs.mkdirSync(path.join(taken, "inner"), { recursive: true });
    expect(() => writeFileAtomic(taken, "x")).toThrow();
    expect(fs.readdirSync(taken)).toEqual(["inner"]);
  });
});

describe("readText", () => {
  it("names a missing file, what it was for, and what to do", () => {
    const missing = path.join(folder, "none.txt");
    expect(() => readText(missing, "the recipe")).toThrow(/none\.txt \(the recipe\): ENOENT.*\[FILE_MISSING\]/);
  });
});

describe("sha256", () => {
  it("is the published digest of the text abc", () => {
    // FIPS 180-2, appendix B.1
    const digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    expect([sha256("abc"), sha256(new Uint8Array([97, 98, 99]))]).toEqual([digest, digest]);
  });
});

describe("insideFolder", () => {
  it("joins a plain name and refuses one that climbs out or is absolute", () => {
    expect(insideFolder(folder, "sub/x.bin", "index")).toBe(path.join(folder, "sub/x.bin"));
    for (const name of ["../x", "sub/../../x", path.resolve(folder, "x"), ".", ""]) {
      expect(() => insideFolder(folder, name, "index"), name).toThrow(/\[BAD_CHECKPOINT\]/);
    }
  });

  it("does not take a sibling whose name begins alike for the folder", () => {
    expect(() => insideFolder(folder, `../${path.basename(folder)}-other/x`, "index")).toThrow(/BAD_CHECKPOINT/);
  });
});
