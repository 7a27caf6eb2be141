// A tiny random model whose windows lie far apart, served on loopback by swarr's own engine, for a bounded time.

import { startCompletionServer, type CompletionServerOptions } from "../../src/serve/completion-server.ts";
import type { LoopbackServer } from "../../src/serve/http.ts";
import { createEngine } from "../../src/engine/create-engine.ts";
import type { ModelConfig } from "../../src/model/config.ts";
import { withWindow } from "../../src/model/window.ts";
import { byteTokenizer } from "../../src/tokens/byte-tokenizer.ts";
import { openTokenizer } from "../../src/tokens/tokenizer.ts";
import { tinyConfig, tinyWeights } from "./tiny-model.ts";

const LIFETIME_MS = 60_000;

export const files = byteTokenizer();
export const tokenizer = openTokenizer({ ...files, where: "the test" });

export function byteConfig(window: number | null, changes: Partial<ModelConfig> = {}): ModelConfig {
  return withWindow(
    tinyConfig({ family: "qwen2", queryKeyValueBias: true, vocabularySize: files.size, ...changes }),
    window,
  );
}

/** Serves on a free port; stops by itself after a minute. */
export async function serveTiny(
  config: ModelConfig,
  changes: Partial<CompletionServerOptions> = {},
): Promise<LoopbackServer> {
  const server = await startCompletionServer({
    engine: createEngine({ threads: 1 }),
    config,
    weights: tinyWeights(config),
    tokenizer,
    endIds: files.endIds,
    port: 0,
    name: "tiny",
    folder: "/nowhere/tiny",
    ...changes,
  });
  let closing: Promise<void> | null = null;
  const close = (): Promise<void> => (closing ??= server.close());
  const timer = setTimeout(() => void close(), LIFETIME_MS);
  return {
    url: server.url,
    close: () => {
      clearTimeout(timer);
      return close();
    },
  };
}
