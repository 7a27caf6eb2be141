// Tiny models and throw-away folders for tests.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach } from "vitest";
import type { ModelConfig } from "../../src/model/config.ts";

/** A two-layer model of a few thousand numbers; every optional part off. */
export function tinyConfig(changes: Partial<ModelConfig> = {}): ModelConfig {
  return {
    family: "llama",
    vocabularySize: 24,
    width: 16,
    layerCount: 2,
    queryHeadCount: 4,
    keyValueHeadCount: 2,
    headWidth: 4,
    feedForwardWidth: 24,
    normEpsilon: 1e-6,
    ropeTheta: 10000,
    ropeScaling: { kind: "default" },
    maxPositions: 128,
    tiedHead: false,
    queryKeyValueBias: false,
    attentionOutputBias: false,
    mlpBias: false,
    queryKeyNorm: false,
    windows: [null, null],
    sinkTokens: 0,
    ...changes,
  };
}

const made: string[] = [];

/** A folder that is removed after the test. */
export function scratchFolder(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "swarr-test-"));
  made.push(folder);
  return folder;
}

afterEach(() => {
  for (const folder of made.splice(0)) fs.rmSync(folder, { recursive: true, force: true });
});
