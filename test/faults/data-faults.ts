// Faults around the method: updates over microbatches, files that lie, number formats, the miniature's bookkeeping.

import type { Fault } from "./fault.ts";

type Row = readonly [name: string, find: string, replace: string, test: string];

function inFile(file: string, testFile: string, rows: readonly Row[]): Fault[] {
  return rows.map(([name, find, replace, test]) => ({ name, file, find, replace, testFile, test }));
}

const SPLIT =
  "a training step > gives the same log-probs and the same gradient however it is split, packed, ordered, padded and spread over threads";
const POLICY =
  "clippedPolicy > is the plain-number loss and gradient times the token count, clipped on both sides or not";
const OUTSIDE = "a checkpoint that transformers wrote > is windowed by an override exactly as by its own config";
const WHOLE = "the gradient of the whole model > is what central differences of the float64 loss give";

export const DATA_FAULTS: readonly Fault[] = [
  ...inFile("src/train/accumulate.ts", "test/invariants/training.test.ts", [
    ["a microbatch replaces the sum of gradients", "return add(accumulator, gradient);", "return gradient;", SPLIT],
  ]),
  ...inFile("src/train/token-loss.ts", "test/invariants/gradient.test.ts", [
    ["the loss goes up", "neg(total(", "total((", `${WHOLE} (windowed)`],
  ]),
  ...inFile("src/train/token-loss.ts", "test/invariants/training.test.ts", [
    ["padding and prompts count in the loss", 'mul(logProb, input("weight", logProb.shape))', "logProb", SPLIT],
  ]),
  ...inFile("src/model/views.ts", "test/golden/checkpoints.test.ts", [
    ["keys read the rows of the queries", "row += rows;", "", OUTSIDE],
  ]),
  ...inFile("src/model/blocks.ts", "test/golden/checkpoints.test.ts", [
    ["the bias is left out", "return bias ? add(y, weights(`${name}Bias`)) : y;", "return y;", OUTSIDE],
  ]),
  ...inFile("src/train/policy-loss.ts", "src/train/policy-loss.test.ts", [
    [
      "ratio without the behaviour policy",
      'sub(logProb, input("behaviourLogProb", logProb.shape))',
      "sub(logProb, logProb)",
      POLICY,
    ],
    ["the policy loss goes up", "neg(total(minimum(", "total((minimum(", POLICY],
    ["clip-higher ignored", "scalar(1 + high)", "scalar(1 + low)", POLICY],
    ["the better of ratio and clip", "total(minimum(mul(ratio", "total(maximum(mul(ratio", POLICY],
  ]),
  ...inFile("src/tensor/half.ts", "src/tensor/half.test.ts", [
    [
      "bfloat16 truncated, not rounded",
      "(word + 0x7fff + ((word >>> 16) & 1)) >>> 16",
      "word >>> 16",
      "narrowing > rounds to bfloat16 as torch does: to nearest, ties to even, over the top to infinity",
    ],
  ]),
  ...inFile("src/checkpoint/config-keys.ts", "src/checkpoint/hf-config.test.ts", [
    [
      "an unknown field of config.json is ignored",
      "if (this.#asked.has(key) || Object.hasOwn(inert, key)) continue;",
      "continue;",
      'importConfig > refuses {"logit_scale":0.1} by name',
    ],
    [
      "a quantized checkpoint is taken for a plain one",
      "quantization_config: [],",
      "quantization_config: [{ quant_method: 'gptq' }],",
      'importConfig > refuses {"quantization_config":{"quant_method":"gptq"}} by name',
    ],
  ]),
  ...inFile("src/checkpoint/families/qwen.ts", "src/checkpoint/hf-config.test.ts", [
    [
      "a Qwen export forgets to switch its window on",
      "use_sliding_window: window !== null,",
      "use_sliding_window: false,",
      "exportConfig > states a Qwen window in all four keys",
    ],
  ]),
  ...inFile("src/tasks/running-total-trace.ts", "src/tasks/running-total.test.ts", [
    [
      "a dependency of exactly the window counts as beyond it",
      "farthest > window",
      "farthest >= window",
      "traceDependencies > is beyond the window when a distance exceeds it, not when one equals it",
    ],
  ]),
  ...inFile("src/base/seeds.ts", "src/base/seeds.test.ts", [
    [
      "streams of two items are one",
      '/${name.item ?? "-"}',
      "",
      "randomStream > gives the same draws for the same name and others for any other",
    ],
  ]),
  ...inFile("src/train/stage.ts", "test/invariants/training.test.ts", [
    [
      "a resumed run forgets how far its optimizer was",
      'optimizer.step = snapshot.state["optimizerStep"] as number;',
      "",
      "the sft stage > ends with the same bytes whether it was interrupted and resumed or not",
    ],
  ]),
  ...inFile("src/verify/reward.ts", "src/verify/reward.test.ts", [
    ["an unreadable answer is paid", 'case "unreadable":', "", "rewardOf > pays for a right answer alone"],
  ]),
  ...inFile("src/verify/extract.ts", "src/verify/extract.test.ts", [
    [
      "the first box wins",
      "const box = boxes.at(-1) as Box;",
      "const box = boxes[0] as Box;",
      "answerOfResponse > takes the last box, wherever the earlier ones stand",
    ],
  ]),
  ...inFile("src/checkpoint/save.ts", "src/checkpoint/save.test.ts", [
    [
      "a folder that appeared meanwhile is deleted",
      "fs.rmdirSync(place)",
      "fs.rmSync(place, { recursive: true })",
      "writeFolder > tells the second of two writers, and leaves the first one's folder alone",
    ],
  ]),
  ...inFile("src/evaluate/score.ts", "src/evaluate/score.test.ts", [
    [
      "pass@k drawn with replacement",
      "(n - c - i) / (n - i)",
      "(n - c) / n",
      "passAtK > equals the share of all k-subsets that hold a right sample",
    ],
  ]),
  ...inFile("src/analyze/gap.ts", "src/analyze/gap.test.ts", [
    [
      "the gap has the wrong sign",
      "value - hidden[positions[i]!]!",
      "hidden[positions[i]!]! - value",
      "createGapMeter > is the full log-prob minus the windowed one, token by token",
    ],
  ]),
  ...inFile("src/checkpoint/snapshot.ts", "src/checkpoint/snapshot.test.ts", [
    [
      "a snapshot of another recipe is taken",
      "if (snapshot.recipeHash === of.recipeHash) return snapshot;",
      "return snapshot;",
      "latestSnapshot > refuses one that was taken under another recipe, naming both",
    ],
  ]),
  ...inFile("src/recipe/resume.ts", "src/recipe/resume.test.ts", [
    [
      "a resumed run forgets its --set",
      "...setsOf(paths), ...sets",
      "...sets",
      "recipeToResume > keeps what the run was started with, its --set included, and the device and threads it settled",
    ],
  ]),
  ...inFile("src/recipe/record-inputs.ts", "src/recipe/resume.test.ts", [
    [
      "a run goes on with other kernels",
      "  checkKernels(manifest, paths, kernels);",
      "",
      "checkInputs > refuses other kernels than the run was started with, naming both and the variable that chooses",
    ],
  ]),
];
