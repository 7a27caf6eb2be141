import fs from "node:fs";
import path from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { scratchFolder } from "../../test/support/scratch-folder.ts";
import { tinyConfig } from "../../test/support/tiny-model.ts";
import type { ModelConfig } from "../model/config.ts";
import { initialWeights } from "../model/parameters.ts";
import { byteTokenizer } from "../tokens/byte-tokenizer.ts";
import { loadCheckpoint } from "./load.ts";
import { requireFreePlace, saveCheckpoint, writeFolder } from "./save.ts";

const EVERY_KIND: readonly Partial<ModelConfig>[] = [
  { family: "llama" },
  { family: "llama", queryKeyValueBias: true, attentionOutputBias: true, mlpBias: true, tiedHead: true },
  { family: "qwen2", queryKeyValueBias: true, windows: [null, 6] },
  { family: "qwen2", queryKeyValueBias: true, windows: [6, null], tiedHead: true },
  { family: "qwen3", queryKeyNorm: true, headWidth: 8, windows: [3, 3], sinkTokens: 2 },
  { family: "mistral", windows: [5, 5], ropeScaling: { kind: "linear", factor: 4 } },
  {
    family: "mistral",
    ropeScaling: {
      kind: "llama3",
      factor: 8,
      lowFrequencyFactor: 1,
      highFrequencyFactor: 4,
      originalMaxPositions: 64,
    },
  },
  {
    family: "ministral",
    windows: [null, 7],
    ropeScaling: {
      kind: "yarn",
      factor: 4,
      originalMaxPositions: 32,
      betaFast: 32,
      betaSlow: 1,
      attentionFactor: 1.25,
      truncate: false,
    },
  },
];

describe("saveCheckpoint", () => {
  it.each(EVERY_KIND)("writes a folder that loads as the same config and the same weights: %o", async (changes) => {
    const config = tinyConfig(changes);
    const weights = initialWeights(config, 1);
    const folder = path.join(scratchFolder(), "model");
    await saveCheckpoint({ folder, config, weights, tokenizer: byteTokenizer() });
    const loaded = await loadCheckpoint(folder);
    expect(loaded.config).toEqual(config);
    expect(loaded.endIds).toEqual([258, 256]);
    expect([...loaded.weights.keys()]).toEqual([...weights.keys()]);
    for (const [name, data] of weights) expect(loaded.weights.get(name), name).toEqual(data);
  });

  it("splits the weights into shards with an index when they are large, and the shards load as one", async () => {
    const config = tinyConfig({ tiedHead: true });
    const weights = initialWeights(config, 2);
    const folder = path.join(scratchFolder(), "model");
    await saveCheckpoint({ folder, config, weights, maxShardBytes: 4000 });
    const shards = fs.readdirSync(folder).filter((name) => /^model-0000\d-of-0000\d\.safetensors$/.test(name));
    expect(shards.length).toBeGreaterThan(2);
    const loaded = await loadCheckpoint(folder);
    for (const [name, data] of weights) expect(loaded.weights.get(name), name).toEqual(data);
  });

  it("leaves neither a folder nor a neighbour when a weight is not finite, and names tensor and index", async () => {
    const config = tinyConfig();
    const weights = initialWeights(config, 3);
    weights.get("layers.1.qkv")![17 * 16 + 3] = NaN; // row 17 of q|k|v with 16 rows of q: row 1 of k
    const parent = scratchFolder();
    const folder = path.join(parent, "model");
    await expect(saveCheckpoint({ folder, config, weights })).rejects.toThrow(
      /"model\.layers\.1\.self_attn\.k_proj\.weight" has NaN at index 19,.*\[NOT_FINITE\]/,
    );
    expect(fs.readdirSync(parent)).toEqual([]);
  });

  it("refuses a weight beyond the range of float16, which bfloat16 holds", async () => {
    const config = tinyConfig();
    const weights = initialWeights(config, 3);
    weights.get("head")![5] = 70000;
    const folder = path.join(scratchFolder(), "model");
    await expect(saveCheckpoint({ folder, config, weights, weightType: "F16" })).rejects.toThrow(/70000 at index 5/);
    await saveCheckpoint({ folder, config, weights, weightType: "BF16" });
    expect((await loadCheckpoint(folder)).weights.get("head")![5]).toBe(70144); // 70000 to 8 bits: 137 * 512
  });

  it("refuses a folder with something in it unless told to replace it", async () => {
    const config = tinyConfig();
    const weights = initialWeights(config, 4);
    const folder = scratchFolder();
    fs.writeFileSync(path.join(folder, "precious.txt"), "mine");
    await expect(saveCheckpoint({ folder, config, weights })).rejects.toThrow(/FILE_EXISTS/);
    expect(fs.readFileSync(path.join(folder, "precious.txt"), "utf8")).toBe("mine");
    await saveCheckpoint({ folder, config, weights, replace: true });
    expect(fs.readdirSync(folder).toSorted()).toEqual(["config.json", "model.safetensors"]);
  });
});

describe("writeFolder", () => {
  const one = (folder: string): void => fs.writeFileSync(path.join(folder, "one.txt"), "1");
  const precious = (folder: string): void => {
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(path.join(folder, "precious.txt"), "mine");
  };

  afterEach(() => {
    vi.restoreAllMocks();
  });

  it.each([false, true])(
    "refuses the empty path and leaves the working directory alone (replace: %s)",
    async (replace) => {
      const parent = scratchFolder();
      const working = path.join(parent, "working");
      precious(working);
      // Workers of the test runner cannot change directory; what resolves a path asks this.
      vi.spyOn(process, "cwd").mockReturnValue(working);
      await expect(writeFolder("", { replace }, one)).rejects.toThrow(/empty path.*\[BAD_ARGUMENT\]/);
      expect([fs.readdirSync(parent), fs.readdirSync(working)]).toEqual([["working"], ["precious.txt"]]);
    },
  );

  it("tells the second of two writers, and leaves the first one's folder alone", async () => {
    const parent = scratchFolder();
    const folder = path.join(parent, "model");
    const second = writeFolder(folder, {}, (partial) => {
      one(partial);
      precious(folder);
    });
    await expect(second).rejects.toThrow(/FILE_EXISTS/);
    expect([fs.readdirSync(parent), fs.readdirSync(folder)]).toEqual([["model"], ["precious.txt"]]);
  });

  it("fills an empty folder, and behind a link the folder it leads to", async () => {
    const parent = scratchFolder();
    fs.mkdirSync(path.join(parent, "empty"));
    fs.symlinkSync("empty", path.join(parent, "link"));
    await writeFolder(path.join(parent, "link"), {}, one);
    expect(fs.readdirSync(path.join(parent, "empty"))).toEqual(["one.txt"]);
    expect(fs.readdirSync(parent).toSorted()).toEqual(["empty", "link"]);
  });

  it("refuses a place below a file, and a link that leads nowhere, before and while it writes, and leaves nothing", async () => {
    const parent = scratchFolder();
    fs.writeFileSync(path.join(parent, "file"), "");
    fs.symlinkSync("nowhere", path.join(parent, "link"));
    for (const name of ["file/x", "file/x/y", "link", "link/x", "n".repeat(300)]) {
      const folder = path.join(parent, name);
      expect(() => requireFreePlace(folder), name).toThrow(/FILE_UNWRITABLE/);
      await expect(writeFolder(folder, { replace: true }, one), name).rejects.toThrow(/FILE_UNWRITABLE/);
    }
    expect(fs.readdirSync(parent).toSorted()).toEqual(["file", "link"]);
  });

  it("stops on a signal before the folder gets its name, and leaves nothing", async () => {
    const parent = scratchFolder();
    const controller = new AbortController();
    const writing = writeFolder(path.join(parent, "model"), { signal: controller.signal }, (partial) => {
      one(partial);
      controller.abort(new Error("stopped"));
    });
    await expect(writing).rejects.toThrow("stopped");
    expect(fs.readdirSync(parent)).toEqual([]);
  });
});
