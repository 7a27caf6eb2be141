import { describe, expect, it } from "vitest";
import { randomStream } from "../base/seeds.ts";
import { gradients } from "../graph/autodiff.ts";
import { graphOf } from "../graph/check.ts";
import { interpret } from "../graph/interpret.ts";
import { input } from "../graph/node.ts";
import { expectClose } from "../../test/support/expect-close.ts";
import { tolerances } from "../../test/support/tolerances.ts";
import { clippedPolicyLoss } from "./policy-loss-oracle.ts";
import { clippedPolicy } from "./policy-loss.ts";

describe("clippedPolicy", () => {
  const clip = { low: 0.25, high: 0.375 }; // exact in float32, as the graph holds them
  const logProb = input("logProb", [64, 1]);
  const loss = clippedPolicy(clip)(logProb);
  const graph = graphOf({ loss, gradient: gradients(loss, [logProb])[0]! });

  it("is the plain-number loss and gradient times the token count, clipped on both sides or not", () => {
    const stream = randomStream({ root: 3, purpose: "policy-loss" });
    const behaviourLogProb = Array.from({ length: 64 }, () => -3 * stream.uniform());
    // Ratios from about 0.6 to 1.65, so that both ends of the clip are met with both signs of the advantage.
    const values = behaviourLogProb.map((old) => old + 1.2 * (stream.uniform() - 0.5));
    const advantage = Array.from({ length: 64 }, () => stream.normal());
    const given = { logProb: values, behaviourLogProb, advantage };
    const actual = interpret(graph, given);
    const oracle = clippedPolicyLoss(
      { logProbs: values, behaviourLogProbs: behaviourLogProb, advantages: advantage },
      clip,
    );
    expect(oracle.clippedLow).toBeGreaterThan(0);
    expect(oracle.clippedHigh).toBeGreaterThan(0);
    expectClose(actual["loss"]!, [64 * oracle.loss], tolerances.closedForm64);
    expectClose(
      actual["gradient"]!,
      oracle.gradient.map((g) => 64 * g),
      tolerances.closedForm64,
    );
  });

  it("raises the probability of a token with a positive advantage on the policy that sampled it", () => {
    // At ratio 1 the gradient of the loss is -A, so a descent step moves the log-prob by +A.
    const same = Array.from({ length: 64 }, () => -1);
    const advantage = Array.from({ length: 64 }, (_, i) => (i % 2 === 0 ? 1.5 : -0.5));
    const { gradient } = interpret(graph, { logProb: same, behaviourLogProb: same, advantage });
    expectClose(
      gradient!,
      advantage.map((a) => -a),
      tolerances.closedForm64,
    );
  });
});
