// Laws of responses made elsewhere: each row finds its problem or is refused by line.

import { describe, expect, it } from "vitest";
import type { JsonObject } from "../base/json.ts";
import type { Problem } from "../data/record.ts";
import { matchResponses } from "./response-file.ts";

const problems: readonly Problem[] = ["60", "61", "62"].map((id) => ({ id, question: `q${id}`, answer: "1" }));

function match(
  rows: readonly JsonObject[],
  count = 3,
  wanted?: number,
  all = problems,
): ReturnType<typeof matchResponses> {
  const numbered = rows.map((value, index) => ({ line: index + 1, value }));
  return matchResponses(numbered, "responses.jsonl", all.slice(0, count), all, wanted);
}

const texts = (rows: readonly JsonObject[], count = 3, wanted?: number): unknown =>
  match(rows, count, wanted).responses.map((own) => own.map(({ text }) => text));

describe("matchResponses", () => {
  it("finds problems by index and by id, in any order", () => {
    expect(
      texts([
        { index: 2, text: "c" },
        { index: 0, text: "a" },
        { index: 1, text: "b" },
      ]),
    ).toEqual([["a"], ["b"], ["c"]]);
    expect(
      texts([
        { id: 62, response: "c" },
        { id: "60", response: "a" },
        { id: 61, response: "b" },
      ]),
    ).toEqual([["a"], ["b"], ["c"]]);
    expect(texts([{ problem_index: 0, id: "made-7", output: "a" }], 1)).toEqual([["a"]]);
  });

  it("keeps several responses to a problem in the order of the file, or of their sample numbers", () => {
    const rows = [
      { index: 0, text: "a" },
      { index: 1, text: "x" },
      { index: 0, text: "b" },
      { index: 1, text: "y" },
    ];
    expect(texts(rows, 2)).toEqual([
      ["a", "b"],
      ["x", "y"],
    ]);
    expect(
      texts(
        rows.map((row, i) => ({ ...row, sample: 3 - i })),
        2,
      ),
    ).toEqual([
      ["b", "a"],
      ["y", "x"],
    ]);
    expect(
      texts(
        [
          { index: 0, responses: ["a", "b"] },
          { index: 1, responses: ["x", "y"] },
        ],
        2,
      ),
    ).toEqual([
      ["a", "b"],
      ["x", "y"],
    ]);
  });

  it("takes over counts and reasons where the rows have them", () => {
    const rows = [
      { index: 0, text: "a", tokens: 7, finish_reason: "length" },
      { index: 1, text: "b", finishReason: "eos" },
    ];
    expect(match(rows, 2).responses).toEqual([
      [{ text: "a", tokens: 7, finishReason: "length" }],
      [{ text: "b", tokens: null, finishReason: "stop" }],
    ]);
    const lists = [{ index: 0, responses: ["a", "b"], tokens: [3, 4], finish_reason: ["stop", "length"] }];
    expect(match(lists, 1).responses[0]).toEqual([
      { text: "a", tokens: 3, finishReason: "stop" },
      { text: "b", tokens: 4, finishReason: "length" },
    ]);
  });

  it("passes over the header and the figures of a sample file, and counts rows beyond the limit", () => {
    const rows = [
      { type: "evaluation", settings: {} },
      { type: "sample", index: 0, id: "60", text: "a" },
      { index: 2, text: "c" },
      { type: "figures", n: 1 },
    ];
    expect(match(rows, 1)).toMatchObject({ samples: 1, beyondLimit: 1 });
  });

  it("names problems without a response and problems with another number of them", () => {
    expect(() => match([{ index: 1, text: "b" }])).toThrow(/no response to 2 of 3 problems: 0 \(id 60\), 2 \(id 62\)/);
    const uneven = [
      { index: 0, text: "a" },
      { index: 1, text: "x" },
      { index: 1, text: "y" },
    ];
    expect(() => match(uneven, 2)).toThrow(/has 2 responses to problem 1, and 1 to problem 0/);
    expect(match(uneven, 2, 1).samples).toBe(1);
    expect(() => match(uneven, 2, 2)).toThrow(/has 1 responses to problem 0.*at least 2/);
  });

  it("takes an index as a number or in digits, and nothing else that counts as one", () => {
    expect(match([{ index: "0", text: "a" }], 1).samples).toBe(1);
    for (const index of ["", " ", true, false, [0], "0x0", "1e0", -1]) {
      const rows = [
        { index: 0, text: "a" },
        { index, text: "b" },
      ];
      expect(() => match(rows, 2), JSON.stringify(index)).toThrow(/line 2: index is .*BAD_DATA/);
    }
  });

  it("refuses rows it cannot place, by line", () => {
    expect(() =>
      match([
        { index: 0, text: "a" },
        { index: 3, text: "b" },
      ]),
    ).toThrow(/line 2: index is 3.*0 to 2/);
    expect(() => match([{ index: 0.5, text: "a" }])).toThrow(/line 1: index is 0.5/);
    expect(() => match([{ id: "70", text: "a" }])).toThrow(/line 1: id is "70", which no problem has/);
    expect(() => match([{ index: 0, id: "61", text: "a" }])).toThrow(
      /line 1 has index 0, but its id is that of problem 1/,
    );
    expect(() => match([{ text: "a" }])).toThrow(/line 1 has the fields text/);
    expect(() => match([{ index: 0, reply: "a" }])).toThrow(/line 1 has the fields index, reply/);
    expect(() => match([{ index: 0, responses: ["a", 2] }])).toThrow(/line 1: responses\[1\] is 2/);
    const twins = [problems[0], problems[0]].filter((problem) => problem !== undefined);
    expect(() => match([{ id: "60", text: "a" }], 2, undefined, twins)).toThrow(/"60", which several problems have/);
  });
});
