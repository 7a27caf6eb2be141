// Laws of folding events into the state of a run.

import { describe, expect, it } from "vitest";
import type { RunEvent, SftStep } from "./events.ts";
import { timelineOf } from "./timeline.ts";

const at = (second: number): string => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();

const start = (step: number, second: number, resumed = false): RunEvent => ({
  type: "stage-start",
  time: at(second),
  arm: "swa",
  stage: "sft",
  step,
  steps: 5,
  resumed,
});

const row = (step: number, loss: number): SftStep => ({
  type: "sft-step",
  time: at(step),
  arm: "swa",
  stage: "sft",
  step,
  lossNatsPerToken: loss,
  gradientNorm: 1,
  learningRate: 1,
  lossTokens: 1,
  tokensTrained: 1,
  tokensPerSecond: 1,
});

const end: RunEvent = {
  type: "run-end",
  time: at(9),
  arm: null,
  stage: null,
  step: null,
  outcome: "interrupted",
  message: null,
  seconds: 9,
};

const losses = (events: readonly RunEvent[]): readonly number[] | undefined =>
  timelineOf(events).stages[0]?.rows.map((step) => step.lossNatsPerToken);

describe("timelineOf", () => {
  it("keeps each step once when a run is resumed before its last logged step", () => {
    const events = [start(0, 0), row(1, 1), row(2, 2), row(3, 3), end, start(2, 10, true), row(3, 30), row(4, 40)];
    expect(losses(events)).toEqual([1, 2, 30, 40]);
  });

  it("drops every row when a stage starts over", () => {
    expect(losses([start(0, 0), row(1, 1), row(2, 2), start(0, 5), row(1, 10)])).toEqual([10]);
  });

  it("takes a run that said something after its end as running again", () => {
    expect(timelineOf([start(0, 0), row(1, 1), end]).end?.outcome).toBe("interrupted");
    expect(timelineOf([start(0, 0), row(1, 1), end, start(1, 10, true)]).end).toBeNull();
  });

  it("keeps the later of two evaluations of the same cell", () => {
    const evaluation = (accuracy: number): RunEvent => ({
      type: "evaluation",
      time: at(20),
      arm: "swa",
      stage: "sft",
      step: null,
      mode: "greedy",
      n: 4,
      samples: 1,
      accuracy,
      ci95: [0, 1],
      meanTokens: 3,
      truncated: 0,
    });
    expect(timelineOf([evaluation(0.1), evaluation(0.2)]).evaluations.map((one) => one.accuracy)).toEqual([0.2]);
  });
});
