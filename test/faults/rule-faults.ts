// Faults in the rules of the method: the window, what is trained on, the two losses, decoding, number formats.

import type { Fault } from "./fault.ts";

const WINDOW_FAULTS: readonly Fault[] = [
  {
    name: "window off by one",
    file: "src/model/window.ts",
    find: "distance < window ||",
    replace: "distance <= window ||",
    testFile: "src/model/window.test.ts",
    test: "windowMask > agrees with `visible` for every query, key, window and number of sinks",
    quick: true,
  },
  {
    name: "window of the whole mask off by one",
    file: "src/model/window.ts",
    find: "query - width + 1)",
    replace: "query - width)",
    testFile: "src/model/window.test.ts",
    test: "windowMask > shows each query itself and the two before it when the window is 3",
  },
  {
    name: "window of the blockwise mask off by one",
    file: "src/model/mask.ts",
    find: "Math.max(start, query - window + 1)",
    replace: "Math.max(start, query - window)",
    testFile: "test/invariants/model.test.ts",
    test: "writeMask > shows each query the keys of its own segment that the window rule names, and nothing else",
  },
  {
    name: "packed documents see each other",
    file: "src/model/mask.ts",
    find: "const start = segmentStart_RT[row * tokens + query]!;",
    replace: "const start = 0;",
    testFile: "test/invariants/model.test.ts",
    test: "writeMask > shows each query the keys of its own segment that the window rule names, and nothing else",
  },
  {
    name: "a block forgets the keys of the block before it",
    file: "src/model/attention.ts",
    find: "const before = Math.ceil((window - 1) / block);",
    replace: "const before = 0;",
    testFile: "test/invariants/model.test.ts",
    test: "the windowed model > agrees with a plain mask in float64 at every window (plain)",
  },
];

const DECODING_FAULTS: readonly Fault[] = [
  {
    name: "the ring always overwrites its last slot",
    file: "src/generate/cache.ts",
    find: "((position - this.#sinks) % window)",
    replace: "Math.min(position - this.#sinks, window - 1)",
    testFile: "test/invariants/model.test.ts",
    test: "decoding with the ring > gives the log-probs of one prefill, past several wraps (window 5)",
  },
  {
    name: "the ring shows a token that has just left the window",
    file: "src/generate/cache.ts",
    find: "if (next < count) mask[row * count + next] = HIDDEN;",
    replace: "",
    testFile: "test/invariants/model.test.ts",
    test: "decoding with the ring > gives the log-probs of one prefill, past several wraps (window 5)",
  },
];

const PACKING_FAULTS: readonly Fault[] = [
  {
    name: "targets not shifted",
    file: "src/tokens/pack.ts",
    find: "batch.targets[base + i] = ids[i + 1]!;",
    replace: "batch.targets[base + i] = ids[i]!;",
    testFile: "src/tokens/pack.test.ts",
    test: "packSequences > shifts targets inside a segment and never across two",
    quick: true,
  },
  {
    name: "prompt tokens trained on",
    file: "src/tokens/pack.ts",
    find: "if (i + 1 >= promptLength) batch.weight",
    replace: "batch.weight",
    testFile: "src/tokens/pack.test.ts",
    test: "packSequences > weighs response targets only",
  },
  {
    name: "rotary phase from the row, not the segment",
    file: "src/tokens/pack.ts",
    find: "batch.positions[base + i] = i;",
    replace: "batch.positions[base + i] = place.start + i;",
    testFile: "src/tokens/pack.test.ts",
    test: "packSequences > restarts positions at every segment and says where each begins in its row",
  },
  {
    name: "padding sees the documents of its row",
    file: "src/tokens/pack.ts",
    find: "(_, at) => at % rowTokens",
    replace: "() => 0",
    testFile: "src/tokens/pack.test.ts",
    test: "packSequences > restarts positions at every segment and says where each begins in its row",
  },
];

const TRAINING_FAULTS: readonly Fault[] = [
  {
    name: "gradients of the step before are kept",
    file: "src/replicas/trained.ts",
    find: "() => shared.kernel.clear(sums)",
    replace: "() => undefined",
    testFile: "src/replicas/trained.test.ts",
    test: "weights that are shared > have their gradients with the others' once published, and none once forgotten",
  },
  {
    name: "gradients of one member are lost",
    file: "src/train/gradient-kernel.ts",
    find: "...sum.set(addFour(load(total.get), load(other.get))),",
    replace: "...sum.set(load(total.get)),",
    testFile: "src/train/gradient-kernel.test.ts",
    test: "gradientKernel over memory that is shared: true > adds up 5 numbers of one to four members and gives their squares",
  },
  {
    name: "what a part carries is looked through",
    file: "src/model/chunks.ts",
    find: "const carried = offered.map((each) => withGradient(each, [each], (up) => [up]));",
    replace: "const carried = offered;",
    testFile: "src/model/parts.test.ts",
    test: "a window of a whole part > gives in parts what rows of 81 tokens give at once",
  },
  {
    name: "a part gets no gradient from the part that goes on from it",
    file: "src/model/chunks.ts",
    find: "toCarried = rest.slice(0, before.length);",
    replace: "toCarried = [];",
    testFile: "src/model/parts.test.ts",
    test: "a window below a block > gives in parts what rows of 81 tokens give at once",
  },
  {
    name: "a chunk's gradient comes from another chunk's",
    file: "src/model/chunks.ts",
    find: "pullback(made, slice(up, 0, start, end)",
    replace: "pullback(made, slice(up, 0, 0, end - start)",
    testFile: "src/model/chunks.test.ts",
    test: "attention in chunks of blocks > gives what one dense block gives, with a window of 100",
  },
  {
    name: "advantage sign",
    file: "src/stage2-rl/advantages.ts",
    find: "(others * (reward - mean))",
    replace: "(others * (mean - reward))",
    testFile: "src/stage2-rl/advantages.test.ts",
    test: "groupAdvantages > is (R - mean)/(population deviation + 1e-4), positive for the better rollout",
    quick: true,
  },
  {
    name: "equal rewards divided by rounding noise",
    file: "src/stage2-rl/advantages.ts",
    find: "group.some((reward) => reward !== group[0])",
    replace: "deviation > 0",
    testFile: "src/stage2-rl/advantages.test.ts",
    test: "groupAdvantages > names a group of equal rewards instead of dividing rounding noise by 1e-4",
  },
  {
    name: "mean over rollouts instead of tokens",
    file: "src/train/policy-loss-oracle.ts",
    find: "const perToken = count === 0 ? 0 : 1 / count;",
    replace: "const perToken = 1;",
    testFile: "src/train/policy-loss-oracle.test.ts",
    test: "clippedPolicyLoss > weighs every token alike, not every rollout",
  },
  {
    name: "weight decay on norms",
    file: "src/train/optimizer.ts",
    find: "parameter.decays ? 1 - learningRate * settings.weightDecay : 1",
    replace: "1 - learningRate * settings.weightDecay",
    testFile: "src/train/optimizer.test.ts",
    test: "adamwStep > leaves the decay out where the parameter does not decay",
  },
  {
    name: "bias correction left out of the second moment",
    file: "src/train/optimizer.ts",
    find: "rootScale: 1 / Math.sqrt(1 - settings.beta2 ** state.step),",
    replace: "rootScale: 1,",
    testFile: "src/train/optimizer.test.ts",
    test: "adamwStep > corrects the bias by the number of the step, not only of the first",
  },
];

const CLOSED_FORM_FAULTS: readonly Fault[] = [
  [
    "attention: the row sum of dS",
    "sub(toWeights, sum(mul(up, out), [3]))",
    "toWeights",
    "attention.ts",
    "attention",
    " (dense)",
  ],
  [
    "attention: the scale of dK",
    "matmul(toScores, q, { transA: true, scale })",
    "matmul(toScores, q, { transA: true })",
    "attention.ts",
    "attention",
    " (in blocks of a window)",
  ],
  [
    "SwiGLU: the slope of the gate",
    "add(s, sub(activated, mul(activated, s)))",
    "s",
    "blocks.ts",
    "gatedMlp",
    ", its weights too (biases: false)",
  ],
  [
    "log-probs: the one-hot term",
    "addAt(mul(probs, neg(weight)), labels, weight)",
    "mul(probs, neg(weight))",
    "decoder.ts",
    "targetLogProbs",
    ", beside a second use of the states",
  ],
].map(([name, find, replace, file, subject, ending]): Fault => ({
  name: `gradient of ${name}`,
  file: `src/model/${file}`,
  find: find!,
  replace: replace!,
  testFile: "src/model/closed-forms.test.ts",
  test: `${subject} > differentiates as central differences do${ending}`,
}));

export const RULE_FAULTS: readonly Fault[] = [
  ...WINDOW_FAULTS,
  ...DECODING_FAULTS,
  ...PACKING_FAULTS,
  ...TRAINING_FAULTS,
  ...CLOSED_FORM_FAULTS,
];
