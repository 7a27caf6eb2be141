// A whole evaluation of a real (tiny, random) checkpoint, of a server, and of a file of responses.

import fs from "node:fs";
import path from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { startCompletionServer, type CompletionServer } from "../../test/support/completion-server.ts";
import { scratchFolder } from "../../test/support/scratch-folder.ts";
import { tinyConfig, tinyWeights } from "../../test/support/tiny-model.ts";
import { convertCheckpoint } from "../checkpoint/convert.ts";
import { saveCheckpoint } from "../checkpoint/save.ts";
import { templateFrom } from "../data/template.ts";
import { byteTokenizer } from "../tokens/byte-tokenizer.ts";
import type { Grade } from "./benchmark.ts";
import {
  evaluateTarget,
  openProblemSet,
  type EvaluationTarget,
  type TargetEvaluation,
  type TargetEvaluationOptions,
} from "./evaluate-file.ts";

/** Right when the response has an even number of tokens: something a random model sometimes does. */
const grade: Grade = (_, { tokens, text }) =>
  (tokens ?? text.length) % 2 === 0
    ? { kind: "right", answer: "even", reason: "even" }
    : { kind: "wrong", answer: "odd", reason: "odd" };

let server: CompletionServer | null = null;
afterEach(async () => {
  await server?.close();
  server = null;
});

async function tinyCheckpoint(folder: string, seed = 5): Promise<string> {
  const tokenizer = byteTokenizer();
  const config = tinyConfig({ vocabularySize: tokenizer.size });
  const out = path.join(folder, `model-${seed}`);
  await saveCheckpoint({ folder: out, config, weights: tinyWeights(config, seed), tokenizer });
  return out;
}

function problemFile(folder: string): string {
  const file = path.join(folder, "problems.jsonl");
  const rows = Array.from({ length: 6 }, (_, i) => ({ question: `${i}+1?`, answer: `#### ${i + 1}` }));
  fs.writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return file;
}

async function evaluate(
  data: string,
  target: EvaluationTarget,
  more: Partial<TargetEvaluationOptions> = {},
): Promise<TargetEvaluation> {
  return evaluateTarget({
    target,
    set: await openProblemSet(data, {}),
    template: templateFrom("plain"),
    sampling: { temperature: 1, topP: 1, maxNewTokens: 12 },
    samples: 2,
    seed: 1,
    grade,
    ...more,
  });
}

describe("evaluateTarget", () => {
  it("samples a checkpoint: the same for the same seed, and the first sample whatever K", async () => {
    const folder = scratchFolder();
    const data = problemFile(folder);
    const target = { kind: "model", folder: await tinyCheckpoint(folder) } as const;
    const both = await evaluate(data, target);
    expect(both.samples.length).toBe(12);
    expect(new Set(both.samples.map(({ text }) => text)).size).toBeGreaterThan(6);
    const one = await evaluate(data, target, { samples: 1 });
    expect(one.samples).toEqual(both.samples.filter(({ sample }) => sample === 0));
    const other = await evaluate(data, target, { seed: 2 });
    expect(other.samples.map(({ text }) => text)).not.toEqual(both.samples.map(({ text }) => text));
    const longest = Math.max(...both.samples.map(({ tokens }) => tokens ?? 0));
    expect([longest, both.figures.truncated]).toEqual([
      12,
      both.samples.filter(({ finishReason }) => finishReason === "length").length / 12,
    ]);
  });

  it("asks with the checkpoint's chat template when the template is a chat", async () => {
    const folder = scratchFolder();
    const target = { kind: "model", folder: await tinyCheckpoint(folder) } as const;
    const data = problemFile(folder);
    const chat = await evaluate(data, target, { template: templateFrom("chat") });
    expect(chat.samples.map(({ text }) => text)).not.toEqual(
      (await evaluate(data, target)).samples.map(({ text }) => text),
    );
  });

  it("goes on with a sample file as the same model in another folder, and not as another model", async () => {
    const folder = scratchFolder();
    const data = problemFile(folder);
    const model = await tinyCheckpoint(folder);
    const out = path.join(folder, "samples.jsonl");
    const first = await evaluate(data, { kind: "model", folder: model }, { samples: 1, out });
    const moved = path.join(folder, "moved");
    fs.renameSync(model, moved);
    const second = await evaluate(data, { kind: "model", folder: moved }, { out });
    expect([first.resumed, second.resumed]).toEqual([0, 6]);
    expect(second.samples).toEqual((await evaluate(data, { kind: "model", folder: moved })).samples);
    const other = await tinyCheckpoint(folder, 6);
    await expect(evaluate(data, { kind: "model", folder: other }, { out })).rejects.toThrow(
      /weightsSha256.*FILE_EXISTS/,
    );
    const responses = await evaluate(data, { kind: "responses", file: out });
    expect(responses.figures).toEqual(second.figures);
  });

  it("does not take over samples of the same weights under another window, rotation, chat template or end token", async () => {
    const folder = scratchFolder();
    const data = problemFile(folder);
    const model = await tinyCheckpoint(folder);
    const out = path.join(folder, "samples.jsonl");
    await evaluate(data, { kind: "model", folder: model }, { samples: 1, out });
    const windowed = path.join(folder, "windowed");
    await convertCheckpoint({ source: model, out: windowed, window: 4 });
    await expect(evaluate(data, { kind: "model", folder: windowed }, { out })).rejects.toThrow(
      /config\.windows \[null,null\] there, \[4,4\] now.*FILE_EXISTS/,
    );
    const changes = [
      ["config.json", "10000", "20000", /config\.ropeTheta 10000 there, 20000 now/],
      ["tokenizer_config.json", "<|im_end|>", "<|endoftext|>", /tokenizerSha256/],
      ["chat_template.jinja", "message", "each", /tokenizerSha256/],
      ["generation_config.json", "258", "257", /endIds \[258,256\] there, \[257,256\] now/],
    ] as const;
    for (const [name, from, to, message] of changes) {
      const changed = path.join(folder, name);
      fs.cpSync(model, changed, { recursive: true });
      const file = path.join(changed, name);
      fs.writeFileSync(file, fs.readFileSync(file, "utf8").replaceAll(from, to));
      await expect(evaluate(data, { kind: "model", folder: changed }, { out }), name).rejects.toThrow(message);
    }
  });

  it("gives a server each sample's seed and takes up where it left", async () => {
    const folder = scratchFolder();
    const data = problemFile(folder);
    server = await startCompletionServer(({ body }, count) =>
      count === 5
        ? { status: 400, body: "no" }
        : {
            body: {
              choices: [{ text: String(body["seed"]), finish_reason: "stop" }],
              usage: { completion_tokens: 2 },
            },
          },
    );
    const target = { kind: "endpoint", url: server.url, model: "m", concurrency: 1 } as const;
    const out = path.join(folder, "samples.jsonl");
    await expect(evaluate(data, target, { out })).rejects.toThrow(/answered 400/);
    const { samples, resumed, figures } = await evaluate(data, target, { out });
    expect([resumed, server.requests.length, figures.accuracy]).toEqual([4, 13, 1]);
    expect(samples.every(({ seed, text }) => text === String(seed))).toBe(true);
  });

  it("scores responses without a sampler, and refuses several samples at temperature 0 before opening a model", async () => {
    const folder = scratchFolder();
    const data = problemFile(folder);
    const file = path.join(folder, "responses.jsonl");
    fs.writeFileSync(
      file,
      Array.from({ length: 6 }, (_, index) => `${JSON.stringify({ index, text: "x".repeat(index + 1) })}\n`).join(""),
    );
    const set = await openProblemSet(data, {}, 4);
    const sampling = { temperature: 0, topP: 1, maxNewTokens: 12 };
    const result = await evaluateTarget({
      target: { kind: "responses", file },
      set,
      template: templateFrom("plain"),
      sampling,
      seed: 1,
      grade,
    });
    expect(result.figures).toMatchObject({ n: 4, samples: 1, accuracy: 0.5, meanTokens: null });
    await expect(evaluate(data, { kind: "model", folder: "nowhere" }, { sampling })).rejects.toThrow(/temperature 0/);
  });
});
