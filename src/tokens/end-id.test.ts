import { describe, expect, it } from "vitest";
import { endIdOf } from "./end-id.ts";

describe("endIdOf", () => {
  it("takes the first of the end ids, 0 among them", () => {
    expect(endIdOf([0, 7], "m")).toBe(0);
  });

  it("refuses a model without any", () => {
    expect(() => endIdOf([], "models/base")).toThrow(/models\/base names no end token/);
  });
});
