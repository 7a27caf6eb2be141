// node bench/load-memory.mjs: peak memory and time of opening a random checkpoint of the shape of Qwen2.5-0.5B, in BF16.
// Needs a built checkout (npm ci) and 1 GB of free disk; prints one JSON document.

import { Buffer } from "node:buffer";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const DIST = new URL("../dist/checkpoint/", import.meta.url);
const SHAPE = {
  architectures: ["Qwen2ForCausalLM"],
  model_type: "qwen2",
  vocab_size: 151936,
  hidden_size: 896,
  intermediate_size: 4864,
  num_hidden_layers: 24,
  num_attention_heads: 14,
  num_key_value_heads: 2,
  max_position_embeddings: 32768,
  rope_theta: 1000000,
  tie_word_embeddings: true,
};

/** The peak of a process never falls, so the model is opened in one of its own. */
async function open(folder) {
  const { loadCheckpoint } = await import(new URL("load.js", DIST));
  const before = process.memoryUsage().rss;
  const started = performance.now();
  const { weights } = await loadCheckpoint(folder);
  const seconds = (performance.now() - started) / 1000;
  const float32Bytes = [...weights.values()].reduce((total, data) => total + data.byteLength, 0);
  const peakRssBytes = process.resourceUsage().maxRSS * 1024;
  return { float32Bytes, peakRssBytes, aboveStart: (peakRssBytes - before) / float32Bytes, seconds };
}

async function make(folder) {
  const { importConfig } = await import(new URL("hf-config.js", DIST));
  const { namedParameters } = await import(new URL("hf-names.js", DIST));
  const header = {};
  let end = 0;
  for (const { name, shape } of namedParameters(importConfig(SHAPE, "bench")).flatMap(({ parts }) => parts)) {
    const begin = end;
    end += shape.reduce((product, size) => product * size, 2);
    header[name] = { dtype: "BF16", shape, data_offsets: [begin, end] };
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  // Words whose exponent is far from the top: finite whatever the other bits are.
  const block = new Uint16Array(1 << 22).map(() => (Math.random() * 65536) & 0xbfff);
  const handle = fs.openSync(path.join(folder, "model.safetensors"), "w");
  fs.writeSync(handle, length);
  fs.writeSync(handle, json);
  for (let at = 0; at < end; at += block.byteLength) {
    fs.writeSync(handle, Buffer.from(block.buffer, 0, Math.min(block.byteLength, end - at)));
  }
  fs.closeSync(handle);
  fs.writeFileSync(path.join(folder, "config.json"), JSON.stringify(SHAPE));
}

if (process.argv[2] !== undefined) {
  process.stdout.write(`${JSON.stringify(await open(process.argv[2]), null, 2)}\n`);
} else {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "swarr-load-"));
  try {
    await make(folder);
    const child = spawnSync(process.execPath, [fileURLToPath(import.meta.url), folder], { stdio: "inherit" });
    process.exitCode = child.status ?? 1;
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
