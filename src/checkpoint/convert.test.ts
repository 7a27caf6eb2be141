import fs from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { scratchFolder } from "../../test/support/scratch-folder.ts";
import { tinyConfig } from "../../test/support/tiny-model.ts";
import type { ModelConfig } from "../model/config.ts";
import { initialWeights } from "../model/parameters.ts";
import { byteTokenizer } from "../tokens/byte-tokenizer.ts";
import { convertCheckpoint } from "./convert.ts";
import { loadCheckpoint } from "./load.ts";
import { saveCheckpoint } from "./save.ts";

async function savedModel(changes: Partial<ModelConfig>, maxShardBytes?: number): Promise<string> {
  const config = tinyConfig(changes);
  const folder = path.join(scratchFolder(), "source");
  const weights = initialWeights(config, 1);
  await saveCheckpoint({ folder, config, weights, weightType: "BF16", tokenizer: byteTokenizer(), maxShardBytes });
  return folder;
}

const QWEN2 = { family: "qwen2", queryKeyValueBias: true } as const;
const read = (folder: string, name: string): Buffer => fs.readFileSync(path.join(folder, name));
const beside = (folder: string): string => path.join(path.dirname(folder), "out");

describe("convertCheckpoint", () => {
  it("copies every file but config.json byte for byte, shards and index included", async () => {
    const source = await savedModel(QWEN2, 2000);
    const out = beside(source);
    const { weightFiles } = await convertCheckpoint({ source, out, window: 5, fullAttentionLayers: [0] });
    expect(weightFiles.length).toBeGreaterThan(2);
    expect(fs.readdirSync(out)).toEqual(fs.readdirSync(source));
    for (const name of fs.readdirSync(source)) {
      expect(read(out, name).equals(read(source, name)), name).toBe(name !== "config.json");
    }
    expect((await loadCheckpoint(out)).config.windows).toEqual([null, 5]);
  });

  it("can be undone: converted to full attention the model is what it was", async () => {
    const source = await savedModel(QWEN2);
    const [windowed, full] = [beside(source), `${beside(source)}-full`];
    await convertCheckpoint({ source, out: windowed, window: 5 });
    await convertCheckpoint({ source: windowed, out: full, window: null });
    expect((await loadCheckpoint(full)).config).toEqual((await loadCheckpoint(source)).config);
  });

  it("writes a Llama without biases as a Mistral, and refuses one with them before it writes anything", async () => {
    const plain = await savedModel({ family: "llama" });
    await convertCheckpoint({ source: plain, out: beside(plain), window: 5 });
    expect((await loadCheckpoint(beside(plain))).config).toMatchObject({ family: "mistral", windows: [5, 5] });
    const biased = await savedModel({ family: "llama", mlpBias: true });
    await expect(convertCheckpoint({ source: biased, out: beside(biased), window: 5 })).rejects.toThrow(/mlp_bias/);
    expect(fs.existsSync(beside(biased))).toBe(false);
  });

  it("leaves behind weights in other layouts, which would state no window, and says which", async () => {
    const source = await savedModel(QWEN2);
    for (const name of ["pytorch_model.bin", "consolidated.safetensors", "params.json", "model.gguf"]) {
      fs.writeFileSync(path.join(source, name), "x");
    }
    fs.writeFileSync(path.join(source, "README.md"), "card");
    const { leftBehind } = await convertCheckpoint({ source, out: beside(source), window: 5 });
    expect(leftBehind).toEqual(["consolidated.safetensors", "model.gguf", "params.json", "pytorch_model.bin"]);
    expect(read(beside(source), "README.md").toString()).toBe("card");
  });

  it("refuses a plan that leaves no layer with a window, and a place that is taken", async () => {
    const source = await savedModel(QWEN2);
    const convert = (out: string, fullAttentionLayers: readonly number[]): Promise<unknown> =>
      convertCheckpoint({ source, out, window: 5, fullAttentionLayers });
    await expect(convert(beside(source), [0, 1])).rejects.toThrow(/All 2 layers keep full attention.*BAD_WINDOW/);
    await expect(convert(beside(source), [2])).rejects.toThrow(/BAD_WINDOW/);
    await expect(convert(source, [])).rejects.toThrow(/FILE_EXISTS/);
  });

  it("leaves nothing behind that could not be read again, or that did not stand inspection", async () => {
    const source = await savedModel(QWEN2);
    const out = beside(source);
    await expect(convertCheckpoint({ source, out, window: 2 ** 31 })).rejects.toThrow(/BAD_WINDOW/);
    const sinks = convertCheckpoint({ source, out, window: 5, sinkTokens: 2 ** 31 });
    await expect(sinks).rejects.toThrow(/swarr_sink_tokens.*BAD_CONFIG/);
    const inspect = (folder: string): Promise<void> =>
      Promise.reject(new Error(`seen: ${fs.readdirSync(folder).includes("model.safetensors")}`));
    await expect(convertCheckpoint({ source, out, window: 5, inspect })).rejects.toThrow("seen: true");
    expect(fs.readdirSync(path.dirname(out))).toEqual([path.basename(source)]);
  });

  it("stops on a signal between files, with nothing left behind", async () => {
    const source = await savedModel(QWEN2);
    const out = beside(source);
    const controller = new AbortController();
    setImmediate(() => controller.abort(new Error("stopped")));
    await expect(convertCheckpoint({ source, out, window: 5, signal: controller.signal })).rejects.toThrow("stopped");
    expect(fs.readdirSync(path.dirname(out))).toEqual([path.basename(source)]);
  });

  it("refuses weights that are not finite before it writes anything", async () => {
    const source = await savedModel(QWEN2);
    const file = path.join(source, "model.safetensors");
    const bytes = fs.readFileSync(file);
    bytes.writeUInt16LE(0x7fc0, bytes.length - 4);
    fs.writeFileSync(file, bytes);
    await expect(convertCheckpoint({ source, out: beside(source), window: 5 })).rejects.toThrow(/NaN.*NOT_FINITE/);
    expect(fs.existsSync(beside(source))).toBe(false);
  });
});
