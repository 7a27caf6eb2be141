// The gradients the model states in closed form, against central differences in float64.

import { describe, it } from "vitest";
import { expectGradients, randomValues } from "../../test/support/gradient-check.ts";
import { input } from "../graph/node.ts";
import { add } from "../graph/ops/elementwise.ts";
import { attention, attentionBlocks } from "./attention.ts";
import { swiglu } from "./blocks.ts";
import { targetLogProbs } from "./decoder.ts";
import { maskSize, writeMask } from "./mask.ts";

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

describe("swiglu", () => {
  it("differentiates as central differences do", () => {
    const [gate, up] = [input("gate", [3, 4]), input("up", [3, 4])];
    expectGradients(swiglu(gate, up), [gate, up], randomValues([gate, up], 5), "swiglu");
  });
});

describe("targetLogProbs", () => {
  it("differentiates as central differences do, beside a second use of the states", () => {
    const [hidden, head, targets] = [input("hidden", [4, 3]), input("head", [5, 3]), input("targets", [4], "int32")];
    const { logProb } = targetLogProbs(hidden, head, targets);
    expectGradients(add(logProb, hidden), [hidden, head], randomValues([hidden, head, targets], 9), "log-probs");
  });
});
