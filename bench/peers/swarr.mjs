// Our side of the comparison: the bench's own training and sampling in a process that lives on, obeying orders on stdin.

import readline from "node:readline";
import ort from "onnxruntime-node";
import { benchShape } from "../../dist/bench/configs.js";
import { openSampleBench } from "../../dist/bench/sample-speed.js";
import { openTrainBench, UPDATE } from "../../dist/bench/train-speed.js";
import { whyNotPrecision } from "../../dist/engine/precision.js";
import { writeSafetensors } from "../../dist/formats/safetensors-write.js";
import { forwardFlops } from "../../dist/model/flops.js";
import { parameterCount, parametersOf } from "../../dist/model/parameters.js";

let cell = null;

async function obey({ kind, ...order }) {
  switch (kind) {
    case "versions":
      return { node: process.versions.node, "onnxruntime-node": ort.env.versions.node };
    case "open":
      cell = order.work === "train" ? await openTraining(order) : await openSampling(order);
      return cell.about;
    case "round": {
      const started = performance.now();
      await cell.round();
      return { milliseconds: performance.now() - started };
    }
    case "close":
      await cell.close();
      cell = null;
      return null;
    default:
      return cell[kind]();
  }
}

/** bfloat16 where this processor has it, else float32: the row says which. */
async function precisionHere(asked) {
  return (await whyNotPrecision(asked, "cpu")) === null ? asked : "float32";
}

async function openTraining({ config: name, threads, file, precision: asked }) {
  const shape = benchShape(name);
  const precision = await precisionHere(asked);
  const bench = await openTrainBench(shape, threads, { precision });
  const joined = (field) => Float32Array.from(bench.batches.flatMap((batch) => Array.from(batch[field])));
  const tokens = [shape.batch, shape.tokens];
  exportTensors(file, shape.config, bench.weights, [
    { name: "tokens.ids", shape: tokens, data: joined("ids") },
    { name: "tokens.targets", shape: tokens, data: joined("targets") },
  ]);
  return {
    about: {
      parameters: parameterCount(shape.config),
      tokens: bench.tokensPerStep,
      flops: bench.flopsPerStep,
      microbatchRows: bench.batches[0].shape.rows,
      loss: await bench.meanLoss(),
      precision,
      peer: { ...shape, update: UPDATE },
    },
    round: () => bench.step(),
    loss: () => bench.meanLoss(),
    close: () => bench.dispose(),
  };
}

async function openSampling({ config: name, sequences, newTokens, threads, file }) {
  const { config } = benchShape(name);
  const bench = await openSampleBench(benchShape(name), sequences, threads, newTokens);
  const promptLength = bench.prompts[0].length;
  const prompts = {
    name: "tokens.prompts",
    shape: [sequences, promptLength],
    data: Float32Array.from(bench.prompts.flat()),
  };
  exportTensors(file, config, bench.weights, [prompts]);
  return {
    about: {
      parameters: parameterCount(config),
      tokens: bench.tokens,
      // Decoding token by token is the same as one pass; the last token drawn is never fed.
      flops: sequences * forwardFlops(config, promptLength + newTokens - 1),
      peer: { config },
    },
    round: () => bench.round(),
    greedy: async () => {
      const responses = await bench.greedy();
      return {
        ids: responses.map(({ ids }) => Array.from(ids)),
        logProbs: responses.map(({ logProbs }) => Array.from(logProbs)),
      };
    },
    close: () => bench.dispose(),
  };
}

/** Ids travel as float32, which holds every id below 2^24 exactly. */
function exportTensors(file, config, weights, tokens) {
  const parameters = parametersOf(config).map(({ name, shape }) => ({ name, shape, data: weights.get(name) }));
  writeSafetensors(
    file,
    [...parameters, ...tokens].map(({ name, shape, data }) => ({ name, shape, type: "F32", data: () => data })),
  );
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  let reply;
  try {
    reply = { value: (await obey(JSON.parse(line))) ?? null };
  } catch (thrown) {
    process.stderr.write(`${thrown.stack}\n`);
    reply = { error: thrown.message };
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
