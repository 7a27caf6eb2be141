// Results on stdout: JSON that keeps every digit and hides no NaN.

import { describe, expect, it } from "vitest";
import { jsonText } from "./output.ts";

describe("jsonText", () => {
  it("writes typed arrays as arrays with full float precision", () => {
    const logprobs = new Float32Array([-0.1, 2 ** -24]);
    expect(JSON.parse(jsonText({ logprobs }))).toEqual({ logprobs: [...logprobs] });
  });

  it("keeps null and refuses NaN by the name of its field", () => {
    expect(jsonText({ logprobs: [null, -1] }, 0)).toBe('{"logprobs":[null,-1]}');
    expect(() => jsonText({ accuracy: Number.NaN })).toThrow(/"accuracy" is NaN.*\[NOT_FINITE\]/);
    expect(() => jsonText({ gaps: new Float32Array([1, Infinity]) })).toThrow(/is Infinity/);
  });
});
