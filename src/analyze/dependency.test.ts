// Distances in short texts, counted by hand.

import { describe, expect, it } from "vitest";
import { lookBackDistances, textDependencies, type TextTokens } from "./dependency.ts";

/** Tokens separated by `|`; equal texts have equal ids. */
function tokens(written: string): TextTokens {
  const texts = written.split("|");
  return { texts, ids: texts.map((text) => texts.indexOf(text)) };
}

const distances = (written: string): readonly number[] => [...lookBackDistances(tokens(written))];

describe("lookBackDistances", () => {
  it("looks back to the latest earlier occurrence of a number", () => {
    expect(distances("48| and| 7| then| 48| so| 48")).toEqual([0, 0, 0, 0, 4, 0, 2]);
  });

  it("takes a number of several tokens as one, from its first token", () => {
    // 1|2 is 12 at token 0 and at token 4; the 1 of 13 is no 12.
    expect(distances("1|2| x|,|1|2|;|1|3")).toEqual([0, 0, 0, 0, 4, 4, 0, 0, 0]);
  });

  it("does not find a number inside another", () => {
    expect(distances("148| a| 48| b| 14")).toEqual([0, 0, 0, 0, 0]);
  });

  it("reads grouped digits and decimals as one number", () => {
    expect(distances("1,000| a| 1000| b| 1000.5| c| 1000.5")).toEqual([0, 0, 2, 0, 0, 0, 2]);
  });

  it("looks back to the latest earlier run of the same three tokens, from its last", () => {
    expect(distances("a|b|c|x|a|b|c|b|c")).toEqual([0, 0, 0, 0, 0, 0, 4, 0, 0]);
  });

  it("takes the nearer of number and 3-gram", () => {
    // The 3-gram `a b 5` lies 6 back, the number 5 four back.
    expect(distances("a|b|5|x|5|x|a|b|5")[8]).toBe(4);
    expect(distances("a|b|5|x|a|b|5")[6]).toBe(4);
  });

  it("finds nothing in a text without repeats, and none before the first token", () => {
    expect(distances("a|b|1|2")).toEqual([0, 0, 0, 0]);
    expect(distances("5")).toEqual([0]);
  });
});

describe("textDependencies", () => {
  it("lets the response look back into the prompt, and the prompt not at all", () => {
    const text = tokens("5| a| 5|?| so| 5| b");
    expect(textDependencies(text, 4, 2)).toMatchObject({
      distances: [3],
      arcs: [[2, 5]],
      farthest: 3,
      beyondWindow: true,
      unseenCount: 2,
      meanLookupDistance: 3,
    });
    expect(textDependencies(text, 4, 3).beyondWindow).toBe(false);
  });
});
