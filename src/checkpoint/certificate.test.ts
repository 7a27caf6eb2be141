// Laws of the certificate file: it reads as it was written, and one that contradicts itself is refused.

import { describe, expect, it } from "vitest";
import { tinyConfig } from "../../test/support/tiny-model.ts";
import type { JsonObject } from "../base/json.ts";
import { withWindow } from "../model/window.ts";
import {
  candidateConfig,
  candidatesOf,
  certificateText,
  edgeOf,
  parseCertificate,
  type Certificate,
} from "./certificate.ts";

/** A window of 3: one less hides position 0 from the query at 2, which predicts position 3. */
const certificate: Certificate = {
  swarr: "0.0.0",
  family: "qwen2",
  vocabularySize: 10,
  window: 3,
  fullAttentionLayers: [1],
  sinkTokens: 0,
  candidates: [3, 2, 4, null],
  edge: 3,
  margin: 0.5,
  tokenTexts: { "4": "four" },
  prompts: [
    {
      ids: [1, 2, 3, 4, 5],
      text: null,
      before: [-1, -2],
      past: [
        [-3, -4],
        [-3.5, -4.5],
        [-2, -5],
        [-1, -6],
      ],
      compared: [4],
    },
  ],
};

describe("parseCertificate", () => {
  it("reads what certificateText writes", () => {
    expect(parseCertificate(certificateText(certificate), "x")).toEqual(certificate);
  });

  const prompt = certificate.prompts[0]!;
  it.each<readonly [string, JsonObject]>([
    ["another format", { format: "swarr-certificate/2" }],
    ["a window that is not the first candidate", { window: 2 }],
    ["a candidate twice", { candidates: [3, 2, 2, null] }],
    ["an edge that its candidates do not give", { edge: 4 }],
    ["no prompts", { prompts: [] }],
    ["an id beyond the vocabulary", { vocabularySize: 5 }],
    ["a log-prob that is no number", { prompts: [{ ...prompt, before: [-1, "x"] }] }],
    ["too few log-probs before the edge", { prompts: [{ ...prompt, before: [-1] }] }],
    ["a candidate without log-probs", { prompts: [{ ...prompt, past: prompt.past.slice(1) }] }],
    ["a row that is too short", { prompts: [{ ...prompt, past: [[-3], ...prompt.past.slice(1)] }] }],
    ["a position before the edge to compare", { prompts: [{ ...prompt, compared: [2] }] }],
    ["a position past the end to compare", { prompts: [{ ...prompt, compared: [5] }] }],
    ["nothing to compare", { prompts: [{ ...prompt, compared: [] }] }],
    ["prompts that are no list", { prompts: {} }],
  ])("refuses %s", (_, change) => {
    const row = { ...(JSON.parse(certificateText(certificate)) as JsonObject), ...change };
    expect(() => parseCertificate(JSON.stringify(row), "the file")).toThrow(/the file.*\[BAD_(DATA|JSON)\]/);
  });
});

describe("edgeOf", () => {
  it("is the first position whose query loses a key under the narrowest candidate, sinks staying", () => {
    // Window 4, sinks 2: under 3 the query at 5 is the first to lose a key (2, as 0 and 1 stay); it predicts position 6.
    expect(edgeOf([4, 3, 5, null], 2)).toBe(6);
    // Window 1: the narrowest is itself; the query at 1 loses key 0 and predicts position 2.
    expect(edgeOf([1, 2, null], 0)).toBe(2);
  });
});

describe("candidatesOf", () => {
  it("leaves one less out of a window of 1, and refuses a model without one", () => {
    expect(candidatesOf(withWindow(tinyConfig(), 1))).toEqual([1, 2, null]);
    expect(() => candidatesOf(tinyConfig())).toThrow(/no window to certify.*BAD_WINDOW/);
  });
});

describe("candidateConfig", () => {
  it("leaves the full layers full but under full attention, which replaces all", () => {
    const mixed = withWindow(tinyConfig(), 5, [1]);
    expect(candidateConfig(mixed, 4).windows).toEqual([4, null]);
    expect(candidateConfig(mixed, null).windows).toEqual([null, null]);
  });
});
