// The gradients the model states in closed form, against central differences in float64.

import { describe, expect, it } from "vitest";
import { expectGradients, randomValues } from "../../test/support/gradient-check.ts";
import { tinyConfig } from "../../test/support/tiny-model.ts";
import { gradients } from "../graph/autodiff.ts";
import { input, nodesInOrder, type GraphNode } from "../graph/node.ts";
import { add } from "../graph/ops/elementwise.ts";
import { total } from "../graph/ops/reduce.ts";
import { attention, attentionBlocks } from "./attention.ts";
import { gatedMlp } from "./blocks.ts";
import { targetLogProbs } from "./decoder.ts";
import { maskSize, writeMask } from "./mask.ts";
import { viewsOf, weightInputs } from "./views.ts";

describe("attention", () => {
  it.each([
    ["dense", null],
    ["in blocks of a window", 16],
  ] as const)("differentiates as central differences do (%s)", (_, window) => {
    // Two rows of 20 tokens: with a window of 16 a block needs the keys of the one before it, and the last is part padding.
    const [rows, tokens] = [2, 20];
    const plan = { ...attentionBlocks(tokens, window), rows, tokens, queryHeads: 2, keyValueHeads: 1, headWidth: 2 };
    const query = input("query", [rows * tokens, 4]);
    const key = input("key", [rows * tokens, 2]);
    const value = input("value", [rows * tokens, 2]);
    const mask = input("mask", [rows * plan.count, plan.block, plan.span]);
    const written = new Float32Array(maskSize(plan, rows));
    writeMask(written, new Int32Array(rows * tokens), plan, tokens);
    const values = { ...randomValues([query, key, value], 3), mask: Float64Array.from(written) };
    expectGradients(attention(query, key, value, mask, plan), [query, key, value], values, "attention");
  });
});

describe("gatedMlp", () => {
  it.each([false, true])("differentiates as central differences do, its weights too (biases: %s)", (mlpBias) => {
    const config = tinyConfig({ width: 4, feedForwardWidth: 3, headWidth: 2, queryHeadCount: 2, mlpBias });
    const { nodes, used } = weightInputs(viewsOf(config));
    const x = input("x", [5, config.width]);
    const y = gatedMlp(x, nodes, "layers.0", config);
    const sources = [x, ...used.values()];
    expect(sources.length).toBe(mlpBias ? 7 : 4);
    expectGradients(y, sources, randomValues(sources, 5), "gatedMlp");
  });

  it("keeps nothing wide for the gradient but gate and up", () => {
    const config = tinyConfig({ feedForwardWidth: 7 });
    const { nodes, used } = weightInputs(viewsOf(config));
    const x = input("x", [5, config.width]);
    const y = gatedMlp(x, nodes, "layers.0", config);
    const isWide = ({ shape }: GraphNode): boolean => shape[0] === 5 && shape[1] === 7;
    const forward = new Set(nodesInOrder([y]).filter(isWide));
    const backward = nodesInOrder(gradients(total(y), [x, ...used.values()])).filter((node) => !forward.has(node));
    const kept = new Set(backward.flatMap(({ inputs }) => inputs).filter((node) => forward.has(node)));
    expect([...kept].map(({ op }) => op.name)).toEqual(["gemm", "gemm"]);
  });
});

describe("targetLogProbs", () => {
  it("differentiates as central differences do, beside a second use of the states", () => {
    const [hidden, head, targets] = [input("hidden", [4, 3]), input("head", [5, 3]), input("targets", [4], "int32")];
    const { logProb } = targetLogProbs(hidden, head, targets);
    expectGradients(add(logProb, hidden), [hidden, head], randomValues([hidden, head, targets], 9), "log-probs");
  });
});
