import fs from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { hubServer, type HubServer, type HubServerOptions } from "../../test/support/hub-server.ts";
import { scratchFolder } from "../../test/support/scratch-folder.ts";
import { tinyConfig } from "../../test/support/tiny-model.ts";
import { initialWeights } from "../model/parameters.ts";
import { byteTokenizer } from "../tokens/byte-tokenizer.ts";
import { hubSettings, parseHubName, type HubSettings } from "./hub-cache.ts";
import { downloadModel } from "./hub.ts";
import { pushFolder } from "./hub-push.ts";
import { loadCheckpoint } from "./load.ts";
import { saveCheckpoint } from "./save.ts";

const COMMIT = "0123456789abcdef0123456789abcdef01234567";
const OLD = "89abcdef0123456789abcdef0123456789abcdef";
const config = tinyConfig({ family: "qwen2", queryKeyValueBias: true });
const weights = initialWeights(config, 1);

let files: { [path: string]: Buffer };
let settings: HubSettings;
let server: HubServer;
let told: string[];

async function serve(changes: Partial<HubServerOptions> = {}): Promise<void> {
  server = await hubServer({
    repository: "org/model",
    revisions: { main: COMMIT, "v1.0": OLD },
    files,
    large: (name) => name.endsWith(".safetensors"),
    ...changes,
  });
  settings = { ...settings, endpoint: server.url };
}

const get = (text = "org/model"): Promise<string> =>
  downloadModel(parseHubName(text)!, settings, (line) => void told.push(line));
const shard = (n: number): string => Object.keys(files).find((name) => name.startsWith(`model-0000${n}-of-`))!;
const bodies = (): readonly string[] =>
  server.log.filter((line) => line.includes("/resolve/") && !line.includes("bytes=0-0"));

describe("the hub", () => {
  beforeEach(async () => {
    const folder = path.join(scratchFolder(), "model");
    await saveCheckpoint({ folder, config, weights, tokenizer: byteTokenizer(), maxShardBytes: 4000 });
    files = Object.fromEntries(fs.readdirSync(folder).map((name) => [name, fs.readFileSync(path.join(folder, name))]));
    files["pytorch_model.bin"] = Buffer.from("a pickle");
    files["original/params.json"] = Buffer.from("{}");
    settings = { endpoint: "", cache: path.join(scratchFolder(), "hub"), token: undefined, offline: false };
    told = [];
  });

  afterEach(async () => {
    await server.close();
  });

  describe("downloadModel", () => {
    it("fetches what a model needs and nothing else, into the layout of the hub's cache", async () => {
      await serve();
      const snapshot = await get();
      const root = path.join(settings.cache, "models--org--model");
      expect(snapshot).toBe(path.join(root, "snapshots", COMMIT));
      expect(fs.readFileSync(path.join(root, "refs", "main"), "utf8")).toBe(COMMIT);
      const wanted = Object.keys(files).filter((name) => !["pytorch_model.bin", "original/params.json"].includes(name));
      expect(fs.readdirSync(snapshot)).toEqual(wanted.toSorted());
      for (const name of wanted) {
        expect(fs.readlinkSync(path.join(snapshot, name))).toMatch(/^\.\.\/\.\.\/blobs\/([0-9a-f]{40}|[0-9a-f]{64})$/);
        expect(fs.readFileSync(path.join(snapshot, name)).equals(files[name]!), name).toBe(true);
      }
      const loaded = await loadCheckpoint(snapshot);
      for (const [name, data] of weights) expect(loaded.weights.get(name), name).toEqual(data);
    });

    it("fetches no content twice, also not for another revision with the same files", async () => {
      await serve();
      await get();
      const first = bodies().length;
      await get();
      const tagged = await get("org/model@v1.0");
      expect(bodies().length).toBe(first);
      expect(tagged).toContain(OLD);
      expect((await loadCheckpoint(tagged)).config).toEqual(config);
    });

    it("goes on at the byte where the connection broke", async () => {
      await serve();
      const name = shard(1);
      server.breakOnce(name, 1000);
      const snapshot = await get();
      expect(told.join("\n")).toMatch(/model-00001.*going on at byte 1000/);
      expect(bodies().filter((line) => line.includes(name) && line.includes("bytes=1000-"))).toHaveLength(1);
      expect(fs.readFileSync(path.join(snapshot, name)).equals(files[name]!)).toBe(true);
    });

    it("goes on with what an earlier run left behind", async () => {
      await serve();
      const name = shard(2);
      const snapshot = await get();
      const blob = fs.realpathSync(path.join(snapshot, name));
      fs.rmSync(path.join(snapshot, name));
      fs.renameSync(blob, `${blob}.incomplete`);
      fs.truncateSync(`${blob}.incomplete`, 777);
      await get();
      expect(bodies().at(-1)).toMatch(/bytes=777-/);
      expect(fs.readFileSync(path.join(snapshot, name)).equals(files[name]!)).toBe(true);
    });

    it("keeps nothing that is not what the hub announced", async () => {
      await serve({ wrongHash: { "config.json": "f".repeat(40) } });
      await expect(get()).rejects.toThrow(/config\.json arrived as something else.*\[NETWORK\]/);
      expect(fs.readdirSync(path.join(settings.cache, "models--org--model", "blobs"))).not.toContain("f".repeat(40));
    });

    it("refuses a hash that would be a path", async () => {
      await serve({ wrongHash: { "config.json": "../../../evil" } });
      await expect(get()).rejects.toThrow(/gives config\.json the hash "..\/..\/..\/evil"/);
    });

    it("sends the token, and names the remedy when it is missing", async () => {
      await serve({ token: "hf_secret" });
      await expect(get()).rejects.toThrow(/status 401.*set HF_TOKEN/);
      settings = { ...settings, token: "hf_secret" };
      expect((await loadCheckpoint(await get())).config).toEqual(config);
    });

    it("says what is wrong with a revision that does not exist and a model without safetensors", async () => {
      delete files["model.safetensors.index.json"];
      await serve();
      await expect(get("org/model@nowhere")).rejects.toThrow(/org\/model at nowhere.*status 404/);
      await expect(get()).rejects.toThrow(/org\/model has 0 of the 1 safetensors files/);
    });

    it("works from the cache alone when offline, and asks nobody", async () => {
      await serve();
      const snapshot = await get();
      const asked = server.log.length;
      settings = { ...settings, offline: true };
      expect(await get()).toBe(snapshot);
      expect(await get(`org/model@${COMMIT}`)).toBe(snapshot);
      await expect(get("org/other")).rejects.toThrow(/org\/other at main is not in the cache .*NETWORK/);
      expect(server.log.length).toBe(asked);
    });

    it("gives up in seconds when nobody listens", async () => {
      await serve();
      await server.close();
      await expect(get()).rejects.toThrow(
        /Cannot get org\/model at main \(http:\/\/127.*ECONNREFUSED.*HF_HUB_OFFLINE=1/,
      );
    });
  });

  describe("pushFolder", () => {
    it("commits every file, so that the model comes back as it was", async () => {
      await serve({ files: {}, token: "hf_secret", writable: true });
      const folder = path.join(scratchFolder(), "mine");
      await saveCheckpoint({ folder, config, weights, tokenizer: byteTokenizer() });
      settings = { ...settings, token: "hf_secret" };
      const name = parseHubName("org/model")!;
      const pushed = await pushFolder(folder, name, settings, (line) => void told.push(line));
      expect(pushed).toEqual({ commit: COMMIT, files: fs.readdirSync(folder).toSorted() });
      expect(told).toContain("model.safetensors: sent");
      const back = await loadCheckpoint(await get());
      expect(back.config).toEqual(config);
      for (const [parameter, data] of weights) expect(back.weights.get(parameter), parameter).toEqual(data);
    });

    it("says what is missing: a token, or the right to write", async () => {
      await serve({ token: "hf_secret" });
      const push = (token: string | undefined): Promise<unknown> =>
        pushFolder(scratchFolder(), parseHubName("org/model")!, { ...settings, token }, () => undefined);
      await expect(push(undefined)).rejects.toThrow(/no token.*Set HF_TOKEN.*BAD_ARGUMENT/);
      await expect(push("hf_other")).rejects.toThrow(/Cannot upload org\/model.*status 401.*may write.*NETWORK/);
    });
  });
});

describe("parseHubName", () => {
  it.each([
    ["org/model", "org/model", "main"],
    ["Qwen/Qwen2.5-0.5B@v1.0", "Qwen/Qwen2.5-0.5B", "v1.0"],
    ["a/b@refs/pr/1", "a/b", "refs/pr/1"],
  ])("reads %s", (text, repository, revision) => {
    expect(parseHubName(text)).toEqual({ repository, revision });
  });

  it.each(["model", "/org/model", "./org/model", "a/b/c", "org/../x", "a/b@../../x", "a/b@", "../b"])(
    "is not misled by %s",
    (text) => {
      expect(parseHubName(text)).toBeNull();
    },
  );
});

describe("hubSettings", () => {
  it("finds cache, token and offline mode where the hub's own programs look", () => {
    expect(hubSettings({ HF_HOME: "/h" })).toMatchObject({ cache: "/h/hub", offline: false, token: undefined });
    expect(hubSettings({ XDG_CACHE_HOME: "/x" }).cache).toBe("/x/huggingface/hub");
    expect(hubSettings({ HF_HOME: "/h", HF_HUB_CACHE: "/c", HF_TOKEN: "hf_a", HF_HUB_OFFLINE: "1" })).toEqual({
      endpoint: "https://huggingface.co",
      cache: "/c",
      token: "hf_a",
      offline: true,
    });
    expect(hubSettings({ HF_HUB_OFFLINE: "0", HF_ENDPOINT: "http://mirror/" })).toMatchObject({
      offline: false,
      endpoint: "http://mirror",
    });
  });
});
