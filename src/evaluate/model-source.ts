// Responses from a checkpoint: opened, prompted through its tokenizer, sampled in this process.

import { createHash } from "node:crypto";
import { availableParallelism } from "node:os";
import type { JsonObject } from "../base/json.ts";
import { loadCheckpoint } from "../checkpoint/load.ts";
import { promptOf, type Template } from "../data/template.ts";
import { createEngine } from "../engine/create-engine.ts";
import { createSampler } from "../generate/decode.ts";
import type { ModelConfig } from "../model/config.ts";
import type { Weights } from "../tensor/tensor.ts";
import type { Tokenizer } from "../tokens/tokenizer.ts";
import type { ResponseSource } from "./response-source.ts";
import { samplerSource } from "./sampler-source.ts";

/** The weights alone do not say it: a converted model has the same bytes under another window. */
export interface ModelIdentity extends JsonObject {
  /** SHA-256 over names and bytes, in hex */
  readonly weightsSha256: string;
  /** as the folder's config resolves, so that another spelling of the same decoder is the same model */
  readonly config: ModelConfig;
  /** the chat template included */
  readonly tokenizerSha256: string;
  readonly endIds: readonly number[];
}

export interface ModelSource {
  readonly source: ResponseSource;
  /** everything of the checkpoint that its responses follow from, as loaded: a folder may change under its name */
  readonly identity: ModelIdentity;
  dispose(): Promise<void>;
}

/**
 * Opens a Hugging Face folder as something that answers.
 *
 * @throws as `loadCheckpoint`; `BAD_TOKENIZER` when it has no tokenizer, or the template is a chat and it has none
 */
export async function openModelSource(folder: string, template: Template): Promise<ModelSource> {
  const { config, weights, tokenizer, endIds } = await loadCheckpoint(folder);
  const promptText = promptTextFor(tokenizer, template);
  const engine = createEngine({ threads: availableParallelism() });
  const sampler = createSampler({ engine, config, weights, fixedWeights: true });
  const source = samplerSource({
    sampler,
    endIds,
    promptIds: ({ question }) => tokenizer.encode(promptText(question)),
    textOf: (ids) => tokenizer.decode(ids, { skipSpecialTokens: true }),
  });
  const identity = { weightsSha256: weightsHash(weights), config, tokenizerSha256: tokenizer.sha256(), endIds };
  return { source, identity, dispose: () => sampler.dispose() };
}

/** The text a question becomes; asked once up front, so that a missing chat template is refused before any sampling. */
function promptTextFor(tokenizer: Tokenizer, template: Template): (question: string) => string {
  const chat = template.kind === "chat" ? tokenizer.chatTemplate() : null;
  return (question) => {
    const prompt = promptOf(template, question);
    if (prompt.kind === "text" || chat === null) return prompt.kind === "text" ? prompt.text : question;
    return chat.prompt(prompt.messages, { addGenerationPrompt: true });
  };
}

function weightsHash(weights: Weights): string {
  const hash = createHash("sha256");
  for (const [name, data] of [...weights].sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`${name}\n`).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest("hex");
}
