// Laws of certificates made with the real engine: what they certify, and when there is none to be had.

import { describe, expect, it } from "vitest";
import { byteConfig, files, tokenizer } from "../../test/support/served-model.ts";
import { tinyWeights } from "../../test/support/tiny-model.ts";
import { makeCertificate } from "../checkpoint/certificate-search.ts";
import { judge } from "../checkpoint/certificate-verdict.ts";
import type { Certificate } from "../checkpoint/certificate.ts";
import type { ModelConfig } from "../model/config.ts";
import { withWindow } from "../model/window.ts";
import type { Weights } from "../tensor/tensor.ts";
import { certificateModel, logProbsOfFolder } from "./certify.ts";

const certified = (config: ModelConfig, weights: Weights = tinyWeights(config)): Promise<Certificate> =>
  makeCertificate(certificateModel({ config, weights, tokenizer, hasTokenizer: true, endIds: files.endIds }), {
    swarr: "0.0.0",
  });

const verdictOf = async (certificate: Certificate, config: ModelConfig): Promise<string> =>
  judge(certificate, await logProbsOfFolder(certificate, { config, weights: tinyWeights(config) })).result.verdict;

describe("makeCertificate", () => {
  it("tells a window of 1 from 2 and from full attention", async () => {
    const config = byteConfig(1);
    const certificate = await certified(config);
    expect(await verdictOf(certificate, config)).toBe("right-window");
    expect(await verdictOf(certificate, withWindow(config, 2))).toBe("off-by-one");
    expect(await verdictOf(certificate, withWindow(config, null))).toBe("full-attention");
  });

  it("notices sinks that a program forgets", async () => {
    const config = { ...byteConfig(5), sinkTokens: 2 };
    const certificate = await certified(config);
    expect(await verdictOf(certificate, config)).toBe("right-window");
    expect(await verdictOf(certificate, { ...config, sinkTokens: 0 })).toBe("other");
    expect(await verdictOf(certificate, { ...withWindow(config, 6), sinkTokens: 2 })).toBe("off-by-one");
  });

  it("notices a pattern of layers that a program flattens", async () => {
    const config = withWindow(byteConfig(7), 7, [1]);
    const certificate = await certified(config);
    expect(await verdictOf(certificate, config)).toBe("right-window");
    expect(await verdictOf(certificate, withWindow(config, 7))).toBe("other");
    expect(await verdictOf(certificate, withWindow(config, null))).toBe("full-attention");
    expect(await verdictOf(certificate, withWindow(config, 8, [1]))).toBe("off-by-one");
  });

  it("keeps texts that give their ids again, and no special tokens in what it makes up", async () => {
    const { prompts } = await certified(byteConfig(4));
    for (const { ids, text } of prompts) if (text !== null) expect(tokenizer.encode(text)).toEqual(ids);
    const special = [...tokenizer.specialIds];
    const model = certificateModel({
      ...{ config: byteConfig(4), weights: new Map(), tokenizer, hasTokenizer: true, endIds: files.endIds },
    });
    expect(model.ordinaryIds.filter((id) => special.includes(id))).toEqual([]);
    expect(model.ordinaryIds.length).toBe(256);
  });

  it("refuses a model whose attention says nothing, with the margin it found and the least it wants", async () => {
    const config = byteConfig(6);
    const deaf = new Map([...tinyWeights(config)].map(([name, data]) => [name, data.slice()]));
    for (const layer of [0, 1]) deaf.get(`layers.${layer}.attentionOut`)!.fill(0);
    await expect(certified(config, deaf)).rejects.toThrow(/by 0\.?0* nats a token.*at least 0\.01.*PROBE_FAILED/);
  });

  it("refuses a window that no position of the model is past", async () => {
    await expect(certified(byteConfig(500))).rejects.toThrow(/512 positions.*BAD_WINDOW/);
    await expect(certified(byteConfig(null))).rejects.toThrow(/no window to certify/);
  });
});

describe("logProbsOfFolder", () => {
  it("refuses a certificate of another vocabulary", async () => {
    const config = byteConfig(4);
    const certificate = { ...(await certified(config)), vocabularySize: 300 };
    await expect(logProbsOfFolder(certificate, { config, weights: tinyWeights(config) })).rejects.toThrow(/BAD_DATA/);
  });
});

describe("judge", () => {
  it("refuses to judge when no golden token is known", async () => {
    const certificate = await certified(byteConfig(4));
    expect(() =>
      judge(
        certificate,
        certificate.prompts.map(({ ids }) => ids.map(() => null)),
      ),
    ).toThrow(/none of the 384 golden tokens.*PROBE_FAILED/);
  });
});
