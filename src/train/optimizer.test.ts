// AdamW by arithmetic: every expected number is worked out in the comment above it.

import { describe, expect, it } from "vitest";
import { expectClose } from "../../test/support/expect-close.ts";
import { randomStream } from "../base/seeds.ts";
import type { Parameter } from "../model/parameters.ts";
import { adamwKernel } from "./adamw-kernel.ts";
import { adamwStep, newAdamwState, type AdamwSettings, type AdamwState } from "./optimizer.ts";

const SETTINGS: AdamwSettings = { beta1: 0.9, beta2: 0.98, epsilon: 1e-8, weightDecay: 0.01 };

function vector(name: string, size: number, decays: boolean): Parameter {
  return { name, shape: [size], decays, init: { kind: "constant", value: 0 } };
}

/** Steps one parameter through the given gradients and returns what is left of it. */
function steps(
  p: number,
  gradients: readonly number[],
  options: { lr: number; decays?: boolean; settings?: AdamwSettings; gradientScale?: number },
): { p: number; state: AdamwState } {
  const parameters = [vector("p", 1, options.decays ?? true)];
  const weights = new Map([["p", Float32Array.of(p)]]);
  const state = newAdamwState(parameters);
  for (const g of gradients) {
    const update = {
      parameters,
      gradients: new Map([["p", Float32Array.of(g)]]),
      gradientScale: options.gradientScale ?? 1,
      learningRate: options.lr,
      settings: options.settings ?? SETTINGS,
    };
    adamwStep(weights, state, update, adamwKernel(null));
  }
  return { p: weights.get("p")![0]!, state };
}

/** Half a unit in the last place of a float32 near 3 is 1.2e-7; weights are stored so. */
const STORED = { absolute: 2.4e-7, relative: 0 };

describe("adamwStep", () => {
  it("moves by lr·(sign + weightDecay·p) on the first step", () => {
    // m̂ = g and v̂ = g², so the step is g/(|g| + 1e-8): 3 - 0.1·(-1 + 0.01·3) = 3.097.
    expectClose([steps(3, [-2], { lr: 0.1 }).p], [3.097], STORED);
  });

  it("leaves the decay out where the parameter does not decay", () => {
    expectClose([steps(3, [-2], { lr: 0.1, decays: false }).p], [3.1], STORED);
  });

  it("corrects the bias by the number of the step, not only of the first", () => {
    // β1 = 0.5, β2 = 0.75, g = 1 then 3, lr = 1, no decay:
    // step 1: p = 5 - 1 = 4.
    // step 2: m = 0.5·0.5 + 0.5·3 = 1.75, m̂ = 1.75/0.75 = 7/3; v = 0.75·0.25 + 0.25·9 = 2.4375, v̂ = 2.4375/0.4375 = 39/7.
    //         p = 4 - (7/3)/√(39/7) = 4 - 0.98854...
    const settings = { beta1: 0.5, beta2: 0.75, epsilon: 0, weightDecay: 0 };
    const { p, state } = steps(5, [1, 3], { lr: 1, settings });
    expectClose([p], [4 - 7 / 3 / Math.sqrt(39 / 7)], STORED);
    expect([state.step, state.mean.get("p")![0], state.meanSquare.get("p")![0]]).toEqual([2, 1.75, 2.4375]);
  });

  it("scales the gradient before the moments, so that epsilon still counts", () => {
    // g = 4·0.25 = 1, ε = 1: the step is 1/(1 + 1) = 0.5. Scaling afterwards would give 4/5·…
    const settings = { ...SETTINGS, epsilon: 1, weightDecay: 0 };
    expectClose([steps(0, [4], { lr: 1, settings, gradientScale: 0.25 }).p], [-0.5], STORED);
  });

  it("agrees with the formula in float64 over 50 steps of noise", () => {
    const stream = randomStream({ root: 3, purpose: "adamw-test" });
    const gradients = Array.from({ length: 50 }, () => stream.normal());
    let [p, m, v] = [1, 0, 0];
    for (const [i, exact] of gradients.entries()) {
      const g = Math.fround(exact);
      m = 0.9 * m + 0.1 * g;
      v = 0.98 * v + 0.02 * g * g;
      p -= 0.01 * (m / (1 - 0.9 ** (i + 1)) / (Math.sqrt(v / (1 - 0.98 ** (i + 1))) + 1e-8) + 0.01 * p);
    }
    // 2e-6: worst seen 4.3e-7 over 20 seeds; no bias correction gives at least 4.5e-3, no decay 4.5e-3.
    expectClose([steps(1, gradients, { lr: 0.01 }).p], [p], { absolute: 2e-6, relative: 0 });
  });

  it("refuses a gradient of another size", () => {
    const parameters = [vector("p", 2, true)];
    const gradients = new Map([["p", new Float32Array(3)]]);
    const update = { parameters, gradients, gradientScale: 1, learningRate: 1, settings: SETTINGS };
    const weights = new Map([["p", new Float32Array(2)]]);
    const run = (): void => adamwStep(weights, newAdamwState(parameters), update, adamwKernel(null));
    expect(run).toThrow(/the gradients of "p" are 2 numbers, not 3/);
  });
});
