// JSON at the door: the path in every complaint, and nothing converted on the way.

import { describe, expect, it } from "vitest";
import { asInteger, asNumber, asObject, asString, parseJson, quote } from "./json.ts";

describe("parseJson", () => {
  it("names where the broken text came from", () => {
    expect(() => parseJson("{", "config.json")).toThrow(/config\.json is not valid JSON.*\[BAD_JSON\]/);
    expect(parseJson("[1, null]", "x")).toEqual([1, null]);
  });
});

describe("the readers of one value", () => {
  it("refuse a value of another type with its path and a quotation", () => {
    expect(() => asObject([], "a.b")).toThrow(/a\.b is \[\]\. Expected a JSON object/);
    expect(() => asObject(null, "a")).toThrow(/a is null/);
    expect(() => asString(7, "a.name")).toThrow(/a\.name is 7\. Expected a string/);
    expect(() => asNumber("7", "a")).toThrow(/a is "7"\. Expected a finite number/);
    expect(() => asNumber(Infinity, "a")).toThrow(/finite/);
    expect(() => asInteger(undefined, "a")).toThrow(/a is nothing/);
  });

  it("hold integers to their least value and to what a double can hold", () => {
    expect(asInteger(0, "n")).toBe(0);
    expect(() => asInteger(0, "n", 1)).toThrow(/at least 1/);
    expect(() => asInteger(1.5, "n")).toThrow(/integer/);
    expect(() => asInteger(2 ** 53, "n")).toThrow(/integer/);
  });
});

describe("quote", () => {
  it("shortens a long value and says how long it was", () => {
    expect(quote("x".repeat(100), 10)).toBe(`"${"x".repeat(9)}… (102 characters)`);
  });
});
