// The judge for training loops: plain numbers, exactly, in this thread.

import { describe, expect, it } from "vitest";
import { numericVerdict } from "./numeric.ts";

const kind = (gold: string, response: string): string => numericVerdict(gold, response).kind;

describe("numericVerdict", () => {
  it("compares the number after #### by value, not by spelling", () => {
    expect(kind("She has 18.\n#### 18", "9 * 2 = 18\n#### 18.0")).toBe("right");
    expect(kind("1800", "#### $1,800")).toBe("right");
    expect(kind("18", "#### 19")).toBe("wrong");
  });

  it("tells integers apart that share a double", () => {
    expect(kind("9007199254740993", "#### 9007199254740992")).toBe("wrong");
  });

  it("does not accept a list, a formula or a second number", () => {
    expect(kind("18", "#### 17 or 18")).toBe("wrong");
    expect(kind("18", "\\boxed{17}, \\boxed{18}")).toBe("wrong");
    expect(kind("18", "\\boxed{9+9}")).toBe("wrong");
  });

  it("is unreadable without an answer, and without a number to compare with", () => {
    expect(kind("18", "")).toBe("unreadable");
    expect(kind("\\sqrt{2}", "#### 2")).toBe("unreadable");
  });

  it("judges a million characters in well under a second", () => {
    const startedMs = performance.now();
    expect(kind("5", "9".repeat(1e6))).toBe("wrong");
    expect(kind("5", "\\boxed{".repeat(140_000))).toBe("unreadable");
    expect(performance.now() - startedMs).toBeLessThan(1000);
  });
});
