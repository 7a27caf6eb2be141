import { describe, expect, it } from "vitest";
import { endIdOf } from "./end-id.ts";

const config = { vocabularySize: 8 };

describe("endIdOf", () => {
  it("takes the first of the end ids, 0 and the last row among them", () => {
    expect(endIdOf({ endIds: [0, 9], config }, "m")).toBe(0);
    expect(endIdOf({ endIds: [7, 0], config }, "m")).toBe(7);
  });

  it("refuses a model without any", () => {
    expect(() => endIdOf({ endIds: [], config }, "models/base")).toThrow(/models\/base names no end token/);
  });

  it.each([8, -1])("refuses %d, which the model has no row for", (id) => {
    expect(() => endIdOf({ endIds: [id], config }, "m")).toThrow(/end token -?\d.*from 0 to 7.*\[BAD_CHECKPOINT\]/);
  });
});
