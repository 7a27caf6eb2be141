import fs from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { scratchFolder } from "../../test/support/scratch-folder.ts";
import { checkWeights, readSafetensorsHeader, readWeights } from "./safetensors.ts";
import { writeSafetensors } from "./safetensors-write.ts";

/** A file with this header text and this many bytes of data, every length as claimed. */
function fileOf(header: unknown, dataBytes = 0, claimed?: bigint): string {
  const text = typeof header === "string" ? header : JSON.stringify(header);
  const json = Buffer.from(text);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(claimed ?? BigInt(json.length));
  const file = path.join(scratchFolder(), "model.safetensors");
  fs.writeFileSync(file, Buffer.concat([length, json, Buffer.alloc(dataBytes)]));
  return file;
}

const entry = (begin: number, end: number, shape = [(end - begin) / 4], dtype = "F32"): object => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

describe("readSafetensorsHeader", () => {
  it("locates every tensor of a file by hand", () => {
    const header = { __metadata__: { format: "pt" }, b: entry(4, 16, [3, 1]), a: entry(0, 4, []) };
    const file = fileOf(header, 16);
    const start = 8 + JSON.stringify(header).length;
    const { tensors, metadata } = readSafetensorsHeader(file);
    expect(metadata).toEqual({ format: "pt" });
    expect(tensors.get("b")).toEqual({ name: "b", file, type: "F32", shape: [3, 1], begin: start + 4, byteLength: 12 });
    expect(tensors.get("a")!.byteLength).toBe(4);
  });

  it.each<[string, string, () => string, RegExp]>([
    ["an empty file", "", () => emptyFile(), /it has 0 bytes/],
    ["a header longer than the file", "", () => fileOf({}, 0, 1n << 40n), /claims a header of 1099511627776 bytes/],
    ["a header length with its sign bit set", "", () => fileOf({}, 0, (1n << 64n) - 1n), /claims a header/],
    ["a header that is not JSON", "", () => fileOf('{"a":'), /header is not JSON/],
    ["a header that is no object", "", () => fileOf("[1]"), /does not start with \{/],
    ["a header that is not UTF-8", "", () => latinFile(), /header is not JSON/],
    [
      "a tensor stated twice",
      "",
      () =>
        fileOf(
          '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
          4,
        ),
      /key "a" twice/,
    ],
    ["an unknown type", "", () => fileOf({ a: entry(0, 4, [1], "Q4") }, 4), /dtype "Q4"/],
    ["a negative size", "", () => fileOf({ a: entry(0, 4, [-1]) }, 4), /shape \[-1\]/],
    ["a size that is no integer", "", () => fileOf({ a: entry(0, 6, [1.5]) }, 6), /shape \[1.5\]/],
    [
      "a shape whose product overflows",
      "",
      () => fileOf({ a: entry(0, 4, [2 ** 40, 2 ** 40]) }, 4),
      /is given 4 bytes/,
    ],
    ["a shape and a length that differ", "", () => fileOf({ a: entry(0, 8, [3]) }, 8), /shape \[3\] is given 8 bytes/],
    ["offsets past the end", "", () => fileOf({ a: entry(0, 16) }, 8), /bytes 0 to 16 of 8 bytes/],
    ["offsets in reverse", "", () => fileOf({ a: entry(8, 4, [1]) }, 8), /bytes 8 to 4/],
    [
      "offsets that are no numbers",
      "",
      () => fileOf({ a: { dtype: "F32", shape: [1], data_offsets: ["0", 4] } }, 4),
      /data_offsets/,
    ],
    ["overlapping tensors", "", () => fileOf({ a: entry(0, 8), b: entry(4, 12) }, 12), /"b".* overlaps/],
    ["a hole between tensors", "", () => fileOf({ a: entry(0, 4), b: entry(8, 12) }, 12), /"b".* leaves unused bytes/],
    ["bytes behind the last tensor", "", () => fileOf({ a: entry(0, 4) }, 9), /tensors end at byte/],
    ["an unknown field", "", () => fileOf({ a: { ...entry(0, 4), codec: "zip" } }, 4), /field "codec"/],
    ["metadata that is no text", "", () => fileOf({ __metadata__: { format: 1 } }), /__metadata__/],
    ["a folder in its place", "", () => scratchFolder(), /not a regular file/],
  ])("refuses %s, naming file and fault%s", (_name, _none, make, fault) => {
    const file = make();
    expect(() => readSafetensorsHeader(file)).toThrow(fault);
    expect(() => readSafetensorsHeader(file)).toThrow(file);
    expect(() => readSafetensorsHeader(file)).toThrow(/\[BAD_SAFETENSORS\]$/);
  });

  it("does not take a key of the nested metadata for a tensor stated twice", () => {
    const header = { __metadata__: { a: "x" }, a: entry(0, 4) };
    expect([...readSafetensorsHeader(fileOf(header, 4)).tensors.keys()]).toEqual(["a"]);
  });
});

describe("readWeights", () => {
  it("names file, tensor and index of the first number that is not finite, in every type", () => {
    for (const [type, bytes, at] of [
      ["F32", Buffer.from(Float32Array.of(1, 2, NaN).buffer), 2],
      ["F16", Buffer.from(Uint16Array.of(0x3c00, 0xfc00, 0x7e00).buffer), 1],
      ["BF16", Buffer.from(Uint16Array.of(0x7f80, 0x3f80).buffer), 0],
    ] as const) {
      const file = fileOf({ "some.weight": entry(0, bytes.length, [bytes.length / (type === "F32" ? 4 : 2)], type) });
      fs.appendFileSync(file, bytes);
      const tensor = readSafetensorsHeader(file).tensors.get("some.weight")!;
      const fault = new RegExp(`${file}: tensor "some.weight" is NaN or infinite at index ${at} .*\\[NOT_FINITE\\]`);
      expect(() => readWeights(tensor, new Float32Array(3).subarray(0, tensor.shape[0]))).toThrow(fault);
      expect(() => checkWeights(tensor)).toThrow(fault);
    }
  });

  it("refuses a quantized tensor by its type", () => {
    const tensor = readSafetensorsHeader(fileOf({ q: entry(0, 4, [4], "F8_E4M3") }, 4)).tensors.get("q")!;
    expect(() => readWeights(tensor, new Float32Array(4))).toThrow(/stored as F8_E4M3.*\[UNSUPPORTED\]/);
  });

  it("reads a tensor past the first 4 GiB, and one of more than 2 GiB in chunks", () => {
    // A sparse file: 2.1 GiB of bfloat16 zeros twice over with a few numbers set; it takes almost no disk.
    const [large, small] = [Math.floor(2.1 * 2 ** 28) * 4, 24];
    const header = {
      a: entry(0, large, [large / 2], "BF16"),
      b: entry(large, 2 * large, [large / 2], "BF16"),
      c: entry(2 * large, 2 * large + small),
    };
    const file = fileOf(header);
    const start = fs.statSync(file).size;
    const handle = fs.openSync(file, "r+");
    fs.writeSync(handle, Buffer.from(Float32Array.of(1, 2, 3, 4, 5, 6).buffer), 0, small, start + 2 * large);
    fs.writeSync(handle, Buffer.from(Uint16Array.of(0x7fc0).buffer), 0, 2, start + large - 2);
    fs.closeSync(handle);
    const { tensors } = readSafetensorsHeader(file);
    const values = new Float32Array(6);
    readWeights(tensors.get("c")!, values);
    expect([...values]).toEqual([1, 2, 3, 4, 5, 6]);
    expect(() => checkWeights(tensors.get("a")!)).toThrow(`at index ${large / 2 - 1} `);
  });
});

describe("writeSafetensors", () => {
  it("writes what a reader of the format finds: header padded to eight, tensors in order, values exact", () => {
    const file = path.join(scratchFolder(), "model.safetensors");
    writeSafetensors(file, [
      { name: "x", type: "F16", shape: [3], data: () => Float32Array.of(1, -2, 0.5) },
      { name: "y", type: "F32", shape: [1, 2], data: () => Float32Array.of(0.1, 3) },
    ]);
    const bytes = fs.readFileSync(file);
    const headerBytes = Number(bytes.readBigUInt64LE());
    expect(headerBytes % 8).toBe(0);
    expect(JSON.parse(bytes.toString("utf8", 8, 8 + headerBytes))).toEqual({
      __metadata__: { format: "pt" },
      x: { dtype: "F16", shape: [3], data_offsets: [0, 6] },
      y: { dtype: "F32", shape: [1, 2], data_offsets: [6, 14] },
    });
    expect([...bytes.subarray(8 + headerBytes, 14 + headerBytes)]).toEqual([0x00, 0x3c, 0x00, 0xc0, 0x00, 0x38]);
    expect(bytes.readFloatLE(14 + headerBytes)).toBe(Math.fround(0.1));
    expect(fs.readdirSync(path.dirname(file))).toEqual(["model.safetensors"]);
  });
});

function emptyFile(): string {
  const file = path.join(scratchFolder(), "model.safetensors");
  fs.writeFileSync(file, "");
  return file;
}

function latinFile(): string {
  const file = fileOf('{"a":"x"}');
  const bytes = fs.readFileSync(file);
  bytes[10] = 0xff;
  fs.writeFileSync(file, bytes);
  return file;
}
