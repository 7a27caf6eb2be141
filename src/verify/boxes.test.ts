// Boxes: which there are, what they hold, and that finding them is linear whatever the braces do.

import { describe, expect, it } from "vitest";
import { boxesIn } from "./boxes.ts";

const contents = (text: string): readonly string[] => boxesIn(text).map((box) => box.content);

describe("boxesIn", () => {
  it("balances braces and skips escaped ones", () => {
    expect(contents("\\boxed{\\frac{1}{2}} and \\boxed{\\left\\{1,2\\right.}")).toEqual([
      "\\frac{1}{2}",
      "\\left\\{1,2\\right.",
    ]);
  });

  it("keeps the outer box of two", () => {
    expect(contents("\\boxed{a \\boxed{b}}")).toEqual(["a \\boxed{b}"]);
  });

  it("reads a box without braces up to the end of its formula", () => {
    expect(contents("so $\\boxed 5$, or \\fbox{6}")).toEqual(["5", "6"]);
  });

  it("finds a closed box behind one that was never closed, and reports an unclosed one at the end", () => {
    expect(contents("\\boxed{1 then \\boxed{2}")).toEqual(["2"]);
    expect(boxesIn("\\boxed{1} then \\boxed{2").map((box) => box.closed)).toEqual([true, false]);
  });

  it("repairs a command whose backslash was eaten by an escape", () => {
    expect(contents("\u0008oxed{7}")).toEqual(["7"]);
  });

  it("takes time in proportion to the text for a million characters of braces", () => {
    for (const unit of ["\\boxed{", "{", "}", "\\boxed", "\\boxed{1}", "\\"]) {
      const startedMs = performance.now();
      boxesIn(unit.repeat(Math.floor(1e6 / unit.length)));
      // A quadratic search would take minutes; a linear one tens of milliseconds.
      expect(performance.now() - startedMs).toBeLessThan(2000);
    }
  });
});
