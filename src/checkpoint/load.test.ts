import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { scratchFolder } from "../../test/support/scratch-folder.ts";
import { tinyConfig } from "../../test/support/tiny-model.ts";
import { SwarrError } from "../base/errors.ts";
import type { JsonObject } from "../base/json.ts";
import { writeSafetensors, type OutgoingTensor } from "../formats/safetensors-write.ts";
import { initialWeights } from "../model/parameters.ts";
import { byteTokenizer } from "../tokens/byte-tokenizer.ts";
import { loadCheckpoint } from "./load.ts";
import { outgoingTensors, saveCheckpoint } from "./save.ts";
import { INDEX_NAME, WEIGHTS_NAME } from "./weight-files.ts";

const config = tinyConfig({ family: "qwen3", queryKeyNorm: true });
const weights = initialWeights(config, 1);
const tensors = outgoingTensors(config, weights, "F32");
let folder: string;

beforeEach(async () => {
  folder = path.join(scratchFolder(), "model");
  await saveCheckpoint({ folder, config, weights, tokenizer: byteTokenizer() });
});

const at = (name: string): string => path.join(folder, name);
const rewrite = (name: string, change: (json: JsonObject) => unknown): void => {
  fs.writeFileSync(at(name), JSON.stringify(change(JSON.parse(fs.readFileSync(at(name), "utf8")) as JsonObject)));
};
const writeTensors = (list: readonly OutgoingTensor[], name = WEIGHTS_NAME): void => writeSafetensors(at(name), list);
const renamed = (change: (name: string) => string): readonly OutgoingTensor[] =>
  tensors.map((tensor) => ({ ...tensor, name: change(tensor.name) }));
const extra = (name: string, shape: readonly number[]): OutgoingTensor => ({
  name,
  type: "F32",
  shape,
  data: () => new Float32Array(shape.reduce((product, size) => product * size, 1)),
});
/** Two shards and their index. */
const shard = (
  place: (name: string) => string = (name) => (name < "model.layers.1" ? "a.safetensors" : "b.safetensors"),
): void => {
  fs.rmSync(at(WEIGHTS_NAME));
  for (const file of ["a.safetensors", "b.safetensors"]) {
    writeTensors(
      tensors.filter(({ name }) => (name < "model.layers.1" ? "a.safetensors" : "b.safetensors") === file),
      file,
    );
  }
  const weightMap = Object.fromEntries(tensors.map(({ name }) => [name, place(name)]));
  fs.writeFileSync(at(INDEX_NAME), JSON.stringify({ metadata: {}, weight_map: weightMap }));
};

async function faultOf(): Promise<string> {
  const started = performance.now();
  const thrown = await loadCheckpoint(folder).then(
    () => null,
    (error: unknown) => error,
  );
  expect(performance.now() - started).toBeLessThan(5000);
  expect(thrown).toBeInstanceOf(SwarrError);
  return (thrown as SwarrError).message;
}

describe("loadCheckpoint", () => {
  it("reads names with and without the prefix of the head's model", async () => {
    writeTensors(renamed((name) => name.replace(/^model\./, "")));
    const loaded = await loadCheckpoint(folder);
    for (const [name, data] of weights) expect(loaded.weights.get(name), name).toEqual(data);
  });

  it("reads shards by their index", async () => {
    shard();
    expect((await loadCheckpoint(folder)).weights.get("layers.1.down")).toEqual(weights.get("layers.1.down"));
  });

  it("leaves out the rotary tables of old checkpoints", async () => {
    writeTensors([...tensors, extra("model.layers.0.self_attn.rotary_emb.inv_freq", [2])]);
    expect((await loadCheckpoint(folder)).weights.size).toBe(weights.size);
  });

  it("takes a tied head that repeats the embedding, also when only the head's name was kept", async () => {
    rewrite("config.json", (json) => ({ ...json, tie_word_embeddings: true }));
    const embedding = weights.get("embedding")!;
    const others = tensors.filter(({ name }) => name !== "lm_head.weight");
    writeTensors([...others, { ...extra("lm_head.weight", [config.vocabularySize, 16]), data: () => embedding }]);
    expect((await loadCheckpoint(folder)).weights.has("head")).toBe(false);
    writeTensors(
      others.map((tensor) =>
        tensor.name === "model.embed_tokens.weight" ? { ...tensor, name: "lm_head.weight" } : tensor,
      ),
    );
    expect((await loadCheckpoint(folder)).weights.get("embedding")).toEqual(embedding);
  });

  it("takes the end tokens from generation_config.json, then config.json, then the family", async () => {
    rewrite("generation_config.json", () => ({ eos_token_id: [7, 8], temperature: 0.3 }));
    expect((await loadCheckpoint(folder)).endIds).toEqual([7, 8]);
    for (const silent of [{}, { eos_token_id: null }]) {
      rewrite("generation_config.json", () => silent);
      expect((await loadCheckpoint(folder)).endIds).toEqual([258, 256]);
    }
    rewrite("config.json", ({ eos_token_id: _ids, ...json }) => json);
    expect((await loadCheckpoint(folder)).endIds).toEqual([]);
  });

  it("refuses a text with a token that the model has no row for", async () => {
    const { tokenizer } = await loadCheckpoint(folder);
    expect(config.vocabularySize).toBe(24);
    expect(tokenizer.encode("\u0017")).toEqual([23]);
    expect(() => tokenizer.encode("\u0018")).toThrow(/id 24, and the model's vocabulary is 24.*\[BAD_TOKENIZER\]/);
  });

  it("opens a folder without a tokenizer, and refuses only the use of it", async () => {
    fs.rmSync(at("tokenizer.json"));
    const { tokenizer, hasTokenizer } = await loadCheckpoint(folder);
    expect(hasTokenizer).toBe(false);
    expect(() => tokenizer.encode("a")).toThrow(/has no tokenizer.json.*\[BAD_TOKENIZER\]/);
  });

  it("reads a chat template from tokenizer_config.json, the file of its own first", async () => {
    fs.rmSync(at("chat_template.jinja"));
    rewrite("tokenizer_config.json", (json) => ({
      ...json,
      chat_template: [{ name: "default", template: "<{{ messages[0].content }}>" }],
    }));
    const chat = [{ role: "user", content: "hi" }];
    expect((await loadCheckpoint(folder)).tokenizer.chatTemplate().prompt(chat)).toBe("<hi>");
    fs.writeFileSync(at("chat_template.jinja"), "[{{ messages[0].content }}]");
    expect((await loadCheckpoint(folder)).tokenizer.chatTemplate().prompt(chat)).toBe("[hi]");
  });

  it("takes named tokens from special_tokens_map.json where tokenizer_config.json is silent about added tokens", async () => {
    fs.writeFileSync(at("chat_template.jinja"), "{{ bos_token }}{{ pad_token }}");
    const rendered = async (): Promise<string> =>
      (await loadCheckpoint(folder)).tokenizer.chatTemplate().prompt([{ role: "user", content: "hi" }]);
    expect(await rendered()).toBe("<|endoftext|>");
    fs.writeFileSync(at("special_tokens_map.json"), JSON.stringify({ bos_token: { content: "<|im_start|>" } }));
    expect(await rendered()).toBe("<|im_start|><|endoftext|>");
    rewrite("tokenizer_config.json", (json) => ({ ...json, added_tokens_decoder: {} }));
    expect(await rendered()).toBe("<|endoftext|>");
  });

  it.each([
    ["added_tokens.json", { "<new>": 259, a: 97 }],
    [
      "tokenizer_config.json",
      { added_tokens_decoder: { 259: { content: "<new>", special: true }, 97: { content: "a" } } },
    ],
  ])("adds the tokens that %s states: of the vocabulary, or with the next id (case %#)", async (name, json) => {
    fs.writeFileSync(at(name), JSON.stringify(json));
    const { tokenizer } = await loadCheckpoint(folder);
    expect(tokenizer.size).toBe(260);
    expect(() => tokenizer.encode("<new>")).toThrow(/"<new>", id 259/);
  });

  it.each([
    ["added_tokens.json", { "<new>": 300 }],
    ["added_tokens.json", { a: 98 }],
    ["tokenizer_config.json", { added_tokens_decoder: { 300: { content: "<new>" } } }],
    ["tokenizer_config.json", { additional_special_tokens: ["<new>"] }],
    ["tokenizer_config.json", { extra_special_tokens: ["<new>"] }],
  ])("refuses a token that %s states and tokenizer.json has no id for (case %#)", async (name, json) => {
    fs.writeFileSync(at(name), JSON.stringify(json));
    await expect(loadCheckpoint(folder)).rejects.toThrow(/no token "(<new>|a)".*\[BAD_TOKENIZER\]/);
  });

  it("refuses what it would ignore: single-word tokens, split special tokens, an adapter beside the weights", async () => {
    const single = { id: 5, content: "word", single_word: true };
    const whole = fs.readFileSync(at("tokenizer.json"), "utf8");
    rewrite("tokenizer.json", (json) => ({ ...json, added_tokens: [single] }));
    await expect(loadCheckpoint(folder)).rejects.toThrow(/"word" counts only as a single word/);
    fs.writeFileSync(at("tokenizer.json"), whole);
    rewrite("tokenizer_config.json", (json) => ({ ...json, split_special_tokens: true }));
    await expect(loadCheckpoint(folder)).rejects.toThrow(/splits special tokens/);
    fs.writeFileSync(at("adapter_config.json"), "{}");
    await expect(loadCheckpoint(folder)).rejects.toThrow(/adapter_config.json beside .*\[BAD_CHECKPOINT\]/);
  });

  it("follows the links of the hub's cache, and no others", async () => {
    const cache = scratchFolder();
    const snapshot = path.join(cache, "snapshots", "abc");
    fs.mkdirSync(snapshot, { recursive: true });
    fs.renameSync(folder, path.join(cache, "blobs"));
    for (const name of fs.readdirSync(path.join(cache, "blobs"))) {
      fs.symlinkSync(path.join("..", "..", "blobs", name), path.join(snapshot, name));
    }
    expect((await loadCheckpoint(snapshot)).config).toEqual(config);
    const outside = path.join(scratchFolder(), "elsewhere");
    fs.cpSync(path.join(cache, "blobs"), outside, { recursive: true });
    folder = path.join(cache, "plain");
    fs.mkdirSync(folder);
    for (const name of fs.readdirSync(outside)) fs.symlinkSync(path.join(outside, name), at(name));
    expect(await faultOf()).toMatch(/plain\/config\.json.*link that leaves the folder.*BAD_CHECKPOINT/);
  });
});

const BROKEN: readonly (readonly [name: string, breakIt: () => void, fault: RegExp])[] = [
  ["no folder", () => fs.rmSync(folder, { recursive: true }), /There is no folder .*\/model\..*FILE_MISSING/],
  ["a file for a folder", () => (folder = at("config.json")), /config\.json.*not a folder.*BAD_CHECKPOINT/],
  ["no config.json", () => fs.rmSync(at("config.json")), /has no config\.json.*FILE_MISSING/],
  ["half a config.json", () => fs.truncateSync(at("config.json"), 40), /config\.json is not valid JSON.*BAD_JSON/],
  ["a config.json that is a list", () => rewrite("config.json", () => []), /config\.json is \[\].*BAD_JSON/],
  [
    "a config.json that is binary",
    () => fs.writeFileSync(at("config.json"), Buffer.of(0xff, 0xfe, 0)),
    /config\.json.*not UTF-8/,
  ],
  [
    "a folder named config.json",
    () => (fs.rmSync(at("config.json")), fs.mkdirSync(at("config.json"))),
    /config\.json.*not a regular file/,
  ],
  [
    "a config.json with a key twice",
    () =>
      fs.writeFileSync(at("config.json"), fs.readFileSync(at("config.json"), "utf8").replace("{", '{"vocab_size": 7,')),
    /config\.json states the key "vocab_size" twice/,
  ],
  ["a config.json of 300 MB", () => fs.truncateSync(at("config.json"), 300 << 20), /config\.json.*314572800 bytes/],
  [
    "a pipe for a config.json",
    () => (fs.rmSync(at("config.json")), execFileSync("mkfifo", [at("config.json")])),
    /config\.json.*not a regular file/,
  ],
  [
    "a link that leads nowhere",
    () => (fs.rmSync(at("config.json")), fs.symlinkSync("nowhere", at("config.json"))),
    /config\.json.*leads nowhere/,
  ],
  [
    "a link to itself",
    () => (fs.rmSync(at(WEIGHTS_NAME)), fs.symlinkSync(WEIGHTS_NAME, at(WEIGHTS_NAME))),
    /model\.safetensors.*leads nowhere/,
  ],
  [
    "weights linked to a device",
    () => (fs.rmSync(at(WEIGHTS_NAME)), fs.symlinkSync("/dev/zero", at(WEIGHTS_NAME))),
    /model\.safetensors.*leaves the folder/,
  ],
  ["no weights", () => fs.rmSync(at(WEIGHTS_NAME)), /has neither model\.safetensors nor.*FILE_MISSING/],
  [
    "a pickle only",
    () => fs.renameSync(at(WEIGHTS_NAME), at("pytorch_model.bin")),
    /only pytorch_model\.bin.*pickle runs code/,
  ],
  [
    "half the weights",
    () => fs.truncateSync(at(WEIGHTS_NAME), fs.statSync(at(WEIGHTS_NAME)).size / 2),
    /model\.safetensors.*BAD_SAFETENSORS/,
  ],
  [
    "a missing tensor",
    () => writeTensors(tensors.filter(({ name }) => !name.includes("1.mlp.up"))),
    /has no tensor "model\.layers\.1\.mlp\.up_proj\.weight".*TENSOR_MISSING/,
  ],
  [
    "a tensor too many",
    () => writeTensors([...tensors, extra("model.layers.0.self_attn.q_proj.bias", [16])]),
    /model\.safetensors has the tensor "model\.layers\.0\.self_attn\.q_proj\.bias" \[16\].*TENSOR_UNKNOWN/,
  ],
  [
    "a layer too many",
    () => rewrite("config.json", (json) => ({ ...json, num_hidden_layers: 1, layer_types: ["full_attention"] })),
    /"model\.layers\.1\.[^"]+".*TENSOR_UNKNOWN/,
  ],
  [
    "a layer too few",
    () => rewrite("config.json", (json) => ({ ...json, num_hidden_layers: 3, layer_types: null })),
    /no tensor "model\.layers\.2\.input_layernorm\.weight".*TENSOR_MISSING/,
  ],
  [
    "a config of another size",
    () => rewrite("config.json", (json) => ({ ...json, vocab_size: 2 ** 30 })),
    /model\.safetensors.*"model\.embed_tokens\.weight" has the shape \[24, 16\].*\[1073741824, 16\]/,
  ],
  [
    "names of another kind",
    () => writeTensors(renamed((name) => `transformer.${name}`)),
    /no tensor "embed_tokens\.weight"/,
  ],
  ["a quantized tensor", () => retype(), /"model\.norm\.weight" is stored as I32.*UNSUPPORTED/],
  [
    "a tied head that differs",
    () => rewrite("config.json", (json) => ({ ...json, tie_word_embeddings: true })),
    /model\.safetensors: tensor "lm_head\.weight" differs from "model\.embed_tokens\.weight" at index 0/,
  ],
  [
    "a weight that is NaN",
    () => poison(),
    /model\.safetensors: tensor "model\.norm\.weight" is NaN or infinite at index 3 .*NOT_FINITE/,
  ],
  [
    "an index that is no JSON",
    () => (shard(), fs.writeFileSync(at(INDEX_NAME), "{")),
    /index\.json is not valid JSON.*BAD_JSON/,
  ],
  [
    "an index without a map",
    () => (shard(), fs.writeFileSync(at(INDEX_NAME), "{}")),
    /index\.json weight_map is nothing/,
  ],
  [
    "an index that climbs out",
    () => shard(() => "../../a.safetensors"),
    /index\.json names the file "\.\.\/\.\.\/a\.safetensors", which lies outside/,
  ],
  [
    "an index with an absolute path",
    () => shard(() => "/etc/x.safetensors"),
    /index\.json names the file "\/etc\/x\.safetensors"/,
  ],
  ["an index that names a number", () => shard(() => 5 as unknown as string), /index\.json.*names the file 5/],
  [
    "an index with a name longer than any file's",
    () => shard(() => `${"a".repeat(5000)}.safetensors`),
    /aaaa\.safetensors cannot be used: it cannot be reached \(ENAMETOOLONG\)/,
  ],
  [
    "a loop of links for a folder",
    () => (fs.rmSync(folder, { recursive: true }), fs.symlinkSync(folder, folder)),
    /model cannot be used: it cannot be reached \(ELOOP\)/,
  ],
  [
    "a config.json nested without end",
    () => (rewrite("config.json", (json) => ({ ...json, rope_scaling: null, rope_parameters: null })), nest()),
    /config\.json.*nested too deeply/,
  ],
  ["a missing shard", () => (shard(), fs.rmSync(at("b.safetensors"))), /has no file b\.safetensors.*FILE_MISSING/],
  [
    "an index that misplaces a tensor",
    () =>
      shard((name) =>
        name === "model.norm.weight" ? "a.safetensors" : name < "model.layers.1" ? "a.safetensors" : "b.safetensors",
      ),
    /index\.json.*places "model\.norm\.weight" in a\.safetensors, which lacks it/,
  ],
  [
    "a tensor in two shards",
    () => (
      shard(),
      writeTensors(
        [...tensors.filter(({ name }) => name < "model.layers.1"), extra("model.norm.weight", [16])],
        "a.safetensors",
      )
    ),
    /index\.json.*does not place "model\.norm\.weight" in a\.safetensors, which holds it/,
  ],
  ["both a whole file and shards", () => (shard(), writeTensors(tensors)), /has both model\.safetensors and an index/],
  [
    "a tokenizer.json that is no JSON",
    () => fs.writeFileSync(at("tokenizer.json"), "{]"),
    /tokenizer\.json is not valid JSON/,
  ],
  [
    "a tokenizer without a model",
    () => rewrite("tokenizer.json", () => ({})),
    /tokenizer of .*\/model cannot be used.*BAD_TOKENIZER/,
  ],
  [
    "end tokens that are no ids",
    () => rewrite("generation_config.json", () => ({ eos_token_id: "x" })),
    /generation_config\.json: "eos_token_id" is "x"/,
  ],
];

function nest(): void {
  const text = fs.readFileSync(at("config.json"), "utf8");
  fs.writeFileSync(
    at("config.json"),
    text.replace("}", `,"quantization_config":${"[".repeat(1e5)}${"]".repeat(1e5)}}`),
  );
}

function retype(): void {
  const bytes = fs.readFileSync(at(WEIGHTS_NAME));
  const text = bytes
    .toString("latin1")
    .replace('"model.norm.weight":{"dtype":"F32"', '"model.norm.weight":{"dtype":"I32"');
  fs.writeFileSync(at(WEIGHTS_NAME), Buffer.from(text, "latin1"));
}

/** The writer refuses NaN, so it is put into the finished file. */
function poison(): void {
  const bytes = fs.readFileSync(at(WEIGHTS_NAME));
  const headerBytes = Number(bytes.readBigUInt64LE());
  const header = JSON.parse(bytes.toString("utf8", 8, 8 + headerBytes)) as {
    [name: string]: { data_offsets: [number, number] };
  };
  bytes.writeFloatLE(NaN, 8 + headerBytes + header["model.norm.weight"]!.data_offsets[0] + 12);
  fs.writeFileSync(at(WEIGHTS_NAME), bytes);
}

describe("a broken folder", () => {
  it.each(BROKEN)("with %s is refused within seconds, naming file and fault", async (_name, breakIt, fault) => {
    breakIt();
    expect(await faultOf()).toMatch(fault);
  });
});
