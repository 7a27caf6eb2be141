// What `swarr export` and `swarr probe` share: the certificate's questions put to a checkpoint through swarr's own engine.

import { availableParallelism } from "node:os";
import { SwarrError } from "../base/errors.ts";
import { invariant } from "../base/invariant.ts";
import { candidateConfig, type Certificate } from "../checkpoint/certificate.ts";
import type { CertificateModel } from "../checkpoint/certificate-search.ts";
import { judge, type ServedLogProbs } from "../checkpoint/certificate-verdict.ts";
import { loadCheckpoint, type Checkpoint } from "../checkpoint/load.ts";
import { createEngine } from "../engine/create-engine.ts";
import { createSampler } from "../generate/decode.ts";
import { createScorer } from "../generate/log-probs.ts";
import type { ModelConfig } from "../model/config.ts";
import { tokenText } from "../tokens/token-text.ts";

type ModelParts = Pick<Checkpoint, "config" | "weights" | "tokenizer" | "hasTokenizer" | "endIds">;

/** The checkpoint as the search for a certificate asks it. */
export function certificateModel(checkpoint: ModelParts): CertificateModel {
  const { config, weights, tokenizer, hasTokenizer, endIds } = checkpoint;
  const engine = createEngine({ threads: availableParallelism() });
  const count = hasTokenizer ? Math.min(config.vocabularySize, tokenizer.size) : config.vocabularySize;
  const special = new Set([...(hasTokenizer ? tokenizer.specialIds : []), ...endIds]);
  return {
    config,
    ordinaryIds: Array.from({ length: count }, (_, id) => id).filter((id) => !special.has(id)),
    score: (candidate, texts) => scoreAll(candidateConfig(config, candidate), weights, texts),
    continued: async (texts, length) => {
      const sampler = createSampler({ engine, config, weights, fixedWeights: true });
      try {
        const requests = texts.map((promptIds, seed) => {
          return { promptIds, maxNewTokens: length - promptIds.length, temperature: 1, topP: 1, seed };
        });
        const responses = await sampler.sample(requests, { endIds: [] });
        return texts.map((ids, i) => [...ids, ...responses[i]!.ids]);
      } finally {
        await sampler.dispose();
      }
    },
    textOf: (ids) => {
      if (!hasTokenizer) return null;
      const text = tokenizer.decode(ids);
      return tokenizer.encode(text).join() === ids.join() ? text : null;
    },
    tokenText: (id) => (hasTokenizer ? tokenText(tokenizer, id) : null),
  };
}

/**
 * The certificate's log-probs under the window that the checkpoint's config states.
 *
 * @throws `BAD_DATA` when the certificate's tokens are not the model's
 */
export async function logProbsOfFolder(
  certificate: Certificate,
  { config, weights }: Pick<Checkpoint, "config" | "weights">,
): Promise<readonly ServedLogProbs[]> {
  if (config.vocabularySize !== certificate.vocabularySize) {
    throw new SwarrError("BAD_DATA", {
      what: `The certificate is for a model of ${certificate.vocabularySize} tokens; this one has ${config.vocabularySize}.`,
      expected: "the model that the certificate was made for.",
      fix: "Name the right certificate with --certificate.",
    });
  }
  const rows = await scoreAll(
    config,
    weights,
    certificate.prompts.map(({ ids }) => ids),
  );
  return rows.map((row) => Array.from(row, (value) => (Number.isNaN(value) ? null : value)));
}

/** Reads a folder again after it was written: what is handed on is what was looked at. */
export async function requireRightWindow(certificate: Certificate, folder: string): Promise<void> {
  const { result } = judge(certificate, await logProbsOfFolder(certificate, await loadCheckpoint(folder)));
  invariant(result.verdict === "right-window", `${folder}, read again, runs its window: ${JSON.stringify(result)}`);
}

async function scoreAll(
  config: ModelConfig,
  weights: Checkpoint["weights"],
  texts: readonly (readonly number[])[],
): Promise<readonly Float32Array[]> {
  const scorer = createScorer(createEngine({ threads: availableParallelism() }), config, weights);
  try {
    const rows: Float32Array[] = [];
    for (const ids of texts) rows.push(await scorer.logProbs(ids));
    return rows;
  } finally {
    await scorer.dispose();
  }
}
