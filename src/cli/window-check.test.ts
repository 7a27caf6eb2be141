import path from "node:path";
import { describe, expect, it } from "vitest";
import { scratchFolder } from "../../test/support/scratch-folder.ts";
import { tinyConfig, tinyWeights } from "../../test/support/tiny-model.ts";
import { saveCheckpoint } from "../checkpoint/save.ts";
import type { ModelConfig } from "../model/config.ts";
import { checkWindow } from "./window-check.ts";

async function saved(changes: Partial<ModelConfig>): Promise<string> {
  const config = tinyConfig({ family: "mistral", ...changes });
  const folder = path.join(scratchFolder(), "model");
  await saveCheckpoint({ folder, config, weights: tinyWeights(config) });
  return folder;
}

describe("checkWindow", () => {
  it.each([{ windows: [4, 4] }, { windows: [null, 4] }, { windows: [4, 4], sinkTokens: 3 }])(
    "finds no difference up to the edge and one past it for %j",
    async (changes) => {
      const { figures } = await checkWindow(await saved(changes));
      expect(figures.window).toBe(4);
      expect(figures.largestBefore).toBeLessThan(1e-4);
      expect(figures.meanPast).toBeGreaterThan(1e-2);
    },
  );

  it("refuses a folder without a window", async () => {
    await expect(checkWindow(await saved({ windows: [null, null] }))).rejects.toThrow(/no window to check.*BAD_WINDOW/);
  });

  it("says so when the window changes nothing", async () => {
    const config = tinyConfig({ family: "mistral", windows: [4, 4] });
    const weights = tinyWeights(config);
    // Attention that adds nothing: what it sees cannot matter.
    for (const layer of [0, 1]) weights.get(`layers.${layer}.attentionOut`)!.fill(0);
    const folder = path.join(scratchFolder(), "model");
    await saveCheckpoint({ folder, config, weights });
    await expect(checkWindow(folder)).rejects.toThrow(/PROBE_FAILED/);
  });
});
