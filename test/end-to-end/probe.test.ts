// A certificate tells six ways of running one model apart: through servers of several kinds, and through noise.

import { beforeAll, describe, expect, it } from "vitest";
import { certificateText, LEAST_MARGIN, parseCertificate, type Certificate } from "../../src/checkpoint/certificate.ts";
import { judge } from "../../src/checkpoint/certificate-verdict.ts";
import { logProbsOfFolder } from "../../src/cli/certify.ts";
import { withWindow } from "../../src/model/window.ts";
import { randomStream } from "../../src/base/seeds.ts";
import { narrowToBfloat16, widenBfloat16 } from "../../src/tensor/half.ts";
import { config, probeWay, tinyCertificate, WAYS, WINDOW } from "../support/probed-ways.ts";
import { tinyWeights } from "../support/tiny-model.ts";

let certificate: Certificate;
beforeAll(async () => {
  certificate = await tinyCertificate();
}, 120_000);

describe("a certificate", () => {
  it("is the same after writing and reading, and keeps its candidates further apart than it promises", () => {
    expect(parseCertificate(certificateText(certificate), "x")).toEqual(certificate);
    expect(certificate.margin).toBeGreaterThan(LEAST_MARGIN);
    expect(certificate.candidates).toEqual([WINDOW, WINDOW - 1, WINDOW + 1, null]);
    // One less hides its first key from the query at WINDOW - 1, which predicts the token at WINDOW.
    expect(certificate.edge).toBe(WINDOW);
  });

  describe.each(WAYS)("of a model served with $name", (way) => {
    it.each([
      ["prompt_logprobs", null, undefined],
      ["echo", null, "echo"],
      ["SGLang", "sglang", undefined],
      ["llama.cpp", "llama.cpp", undefined],
    ] as const)(`says ${way.verdict} through %s`, async (through, dialect, protocol) => {
      // A prompt grown token by token takes a request a token: one prompt is enough to see it.
      const asked =
        dialect === "llama.cpp" ? { ...certificate, prompts: certificate.prompts.slice(0, 1) } : certificate;
      const outcome = await probeWay(way, asked, dialect, protocol);
      expect(outcome.result.verdict, JSON.stringify(outcome)).toBe(way.verdict);
      if (way.verdict !== "other") expect(outcome.nearest).toBe(way.window);
      expect(outcome.through).toContain(through);
    });

    it("says the same when the weights are rounded to bfloat16 first", async () => {
      const served = withWindow(config, way.window);
      const rounded = tinyWeights(served, way.weightSeed);
      for (const data of rounded.values()) {
        const words = new Uint16Array(data.length);
        narrowToBfloat16(data, words);
        widenBfloat16(words, data);
      }
      const { result, noise } = judge(
        certificate,
        await logProbsOfFolder(certificate, { config: served, weights: rounded }),
      );
      expect(result.verdict, JSON.stringify(result)).toBe(way.verdict);
      expect(noise).toBeGreaterThan(1e-3);
    });

    it("says the same under noise three times that of a server in bfloat16, in each of 20 draws", async () => {
      const served = withWindow(config, way.window);
      const exact = await logProbsOfFolder(certificate, {
        config: served,
        weights: tinyWeights(served, way.weightSeed),
      });
      for (let seed = 0; seed < 20; seed++) {
        const stream = randomStream({ root: seed, purpose: "noise" });
        const noisy = exact.map((row) => row.map((value) => (value === null ? null : value + 0.1 * stream.normal())));
        const { result } = judge(certificate, noisy);
        expect(result.verdict, `seed ${seed}: ${JSON.stringify(result)}`).toBe(way.verdict);
      }
    });
  });
});
