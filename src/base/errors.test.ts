// The error a person meets: three sentences and a code.

import { describe, expect, it } from "vitest";
import { ERROR_CODES, messageOf, SwarrError } from "./errors.ts";
import { invariant } from "./invariant.ts";

describe("SwarrError", () => {
  it("says what happened, what was expected and what to do, then its code", () => {
    const error = new SwarrError("BAD_WINDOW", {
      what: "The window is 0.",
      expected: "A positive integer.",
      fix: "Choose 1.",
    });
    expect(error.message).toBe("The window is 0. Expected a positive integer. Choose 1. [BAD_WINDOW]");
    expect([error.code, error.parts.fix]).toEqual(["BAD_WINDOW", "Choose 1."]);
  });

  it("leaves an expectation that begins with a name or a symbol as it is", () => {
    const parts = { what: "x.", fix: "y." };
    expect(new SwarrError("BAD_DATA", { ...parts, expected: "JSON." }).message).toContain("Expected JSON.");
    expect(new SwarrError("BAD_DATA", { ...parts, expected: "`a`." }).message).toContain("Expected `a`.");
  });

  it("keeps the error it adds a fact to", () => {
    const cause = new TypeError("deep");
    expect(new SwarrError("BAD_JSON", { what: "", expected: "", fix: "" }, { cause }).cause).toBe(cause);
  });
});

describe("ERROR_CODES", () => {
  it("names each code once, in capitals", () => {
    expect(new Set(ERROR_CODES).size).toBe(ERROR_CODES.length);
    for (const code of ERROR_CODES) expect(code).toMatch(/^[A-Z]+(?:_[A-Z]+)*$/);
  });
});

describe("messageOf", () => {
  it("takes the sentence of an error and the text of anything else", () => {
    expect([messageOf(new Error("no")), messageOf("text"), messageOf(null)]).toEqual(["no", "text", "null"]);
  });
});

describe("invariant", () => {
  it("stops at a broken belief with its values and calls it a bug of ours", () => {
    expect(() => invariant(0, "the count is 0")).toThrow(/An internal check failed: the count is 0\..*\[INTERNAL\]/);
    expect(() => invariant("non-empty", "never shown")).not.toThrow();
  });
});
