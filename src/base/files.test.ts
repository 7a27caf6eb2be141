// Files: whole or not at all, and never outside the folder they belong to.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { insideFolder, readText, requireWritableFile, sha256, writeFileAtomic } from "./files.ts";

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
    expect(() => writeFileAtomic(taken, "x")).toThrow(/taken.*\[FILE_UNWRITABLE\]/);
    expect(fs.readdirSync(taken)).toEqual(["inner"]);
    expect(fs.readdirSync(folder).filter((name) => name.endsWith(".partial"))).toEqual([]);
  });
});

describe("requireWritableFile", () => {
  it("refuses a folder, a device, and what lies below a file or a dead link", () => {
    const file = path.join(folder, "plain.txt");
    const link = path.join(folder, "dead");
    fs.writeFileSync(file, "");
    fs.symlinkSync("nowhere", link);
    for (const place of [folder, os.devNull, path.join(file, "x"), path.join(link, "x"), path.join(file, "x", "y")]) {
      expect(() => requireWritableFile(place), place).toThrow(/\[FILE_UNWRITABLE\]/);
    }
  });

  it("makes nothing and takes a file that is there, or folders that are not", () => {
    const place = path.join(folder, "new", "deep", "x.jsonl");
    requireWritableFile(place);
    requireWritableFile(path.join(folder, "plain.txt"));
    expect(fs.existsSync(path.join(folder, "new"))).toBe(false);
  });

  it.skipIf(process.platform === "win32")("refuses a folder without permission", () => {
    const closed = path.join(folder, "closed");
    fs.mkdirSync(closed, { mode: 0o555 });
    // Permissions do not bind root, so there the system's answer to everybody else is played.
    const denied = Object.assign(new Error(`EACCES: permission denied, access '${closed}'`), { code: "EACCES" });
    const access = vi.spyOn(fs, "accessSync");
    if (process.getuid!() === 0) {
      access.mockImplementationOnce(() => {
        throw denied;
      });
    }
    expect(() => requireWritableFile(path.join(closed, "x"))).toThrow(/EACCES.*\[FILE_UNWRITABLE\]/);
    expect(access).toHaveBeenCalledWith(closed, fs.constants.W_OK | fs.constants.X_OK);
    access.mockRestore();
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
