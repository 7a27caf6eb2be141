// The same through servers that tell only the likeliest next tokens, with whole certificates: a request a golden token.

import { beforeAll, describe, expect, it } from "vitest";
import type { Certificate } from "../../src/checkpoint/certificate.ts";
import { probeWay, tinyCertificate, WAYS } from "../support/probed-ways.ts";

let certificate: Certificate;
beforeAll(async () => {
  certificate = await tinyCertificate();
}, 120_000);

describe.each(WAYS)("a whole certificate of a model served with $name", (way) => {
  it.each([
    ["llama.cpp", "llama.cpp", undefined],
    ["20 tokens of our own server", null, "openai"],
    ["5 tokens by their text", "openai", undefined],
  ] as const)(`says ${way.verdict} through %s`, async (_, dialect, protocol) => {
    const outcome = await probeWay(way, certificate, dialect, protocol);
    expect(outcome.result.verdict, JSON.stringify(outcome)).toBe(way.verdict);
    if (way.verdict !== "other") expect(outcome.nearest).toBe(way.window);
    expect(outcome.unknown > 0).toBe(dialect !== "llama.cpp");
  });
});
