// Flag values: what is accepted, what is refused, and that nothing is rounded on the way.

import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { CATALOGUE } from "./catalogue.ts";
import {
  collect,
  outputPath,
  portNumber,
  realNumber,
  temperatureFlag,
  windowFlag,
  wholeNumber,
  wholeNumberList,
} from "./flags.ts";

describe("wholeNumber", () => {
  it.each(["1.5", "1e3", "0x10", "", " ", "NaN", "9007199254740993", "-1", "12px"])("refuses %j", (text) => {
    expect(() => wholeNumber()(text)).toThrow("an integer of at least 0");
  });

  it("accepts its least value and refuses the one below", () => {
    expect(wholeNumber(2)("2")).toBe(2);
    expect(() => wholeNumber(2)("1")).toThrow("at least 2");
  });

  it("accepts its greatest value and refuses the one above", () => {
    expect(wholeNumber(2, 9)("9")).toBe(9);
    expect(() => wholeNumber(2, 9)("10")).toThrow("from 2 to 9");
  });
});

describe("portNumber", () => {
  it("ends at 65535, and reads every --port", async () => {
    expect([portNumber("0"), portNumber("65535")]).toEqual([0, 65535]);
    expect(() => portNumber("65536")).toThrow("from 0 to 65535");
    const program = new Command();
    for (const entry of CATALOGUE) (await entry.load()).register(program);
    const ports = program.commands.flatMap(({ options }) => options.filter(({ long }) => long === "--port"));
    expect(ports.map(({ parseArg }) => parseArg)).toEqual([portNumber, portNumber, portNumber]);
  });
});

describe("realNumber", () => {
  it("accepts both ends of its range and refuses what lies outside, NaN and the empty text", () => {
    const share = realNumber(0, 1);
    expect([share("0"), share("1"), share("2.5e-1")]).toEqual([0, 1, 0.25]);
    for (const text of ["-0.1", "1.1", "", "nan", "Infinity"]) expect(() => share(text)).toThrow("from 0 to 1");
  });
});

describe("temperatureFlag", () => {
  it("takes 0 and everything a float32 logit can be divided by, and refuses what lies between", () => {
    expect([temperatureFlag("0"), temperatureFlag("1e-6"), temperatureFlag("0.7")]).toEqual([0, 1e-6, 0.7]);
    for (const text of ["1e-300", "9e-7", "-1"]) expect(() => temperatureFlag(text)).toThrow("at least 0");
  });
});

describe("wholeNumberList", () => {
  it("keeps order and repetitions, and refuses an empty place", () => {
    expect(wholeNumberList()("3,1,1")).toEqual([3, 1, 1]);
    expect(wholeNumberList()("")).toEqual([]);
    expect(() => wholeNumberList()("1,,2")).toThrow("an integer");
  });
});

describe("windowFlag", () => {
  it("takes a positive integer or the word full, never 0", () => {
    expect([windowFlag("1"), windowFlag("full")]).toEqual([1, "full"]);
    for (const text of ["0", "2147483648"]) expect(() => windowFlag(text)).toThrow("from 1 to 2147483647");
  });
});

describe("outputPath", () => {
  it("takes a path as it stands and refuses an empty one", () => {
    expect(outputPath(" a b/")).toBe(" a b/");
    for (const text of ["", " "]) expect(() => outputPath(text)).toThrow("Expected a path");
  });

  it("reads every flag that says where output goes", async () => {
    const outputs = ["--out", "--out-a", "--out-b", "--filter", "--tokens", "--tensorboard", "--parquet"];
    const program = new Command();
    for (const entry of CATALOGUE) (await entry.load()).register(program);
    const found = program.commands.flatMap(({ options }) => options.filter(({ long }) => outputs.includes(long ?? "")));
    expect(new Set(found.map(({ long }) => long))).toEqual(new Set(outputs));
    expect(found.filter(({ parseArg }) => parseArg !== outputPath).map(({ flags }) => flags)).toEqual([]);
  });
});

describe("collect", () => {
  it("appends without changing the list it was given", () => {
    const earlier = ["a=1"];
    expect(collect("b=2", earlier)).toEqual(["a=1", "b=2"]);
    expect(earlier).toEqual(["a=1"]);
  });
});
