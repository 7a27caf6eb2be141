// Laws of the alerts: each fires on the figures it names, and a healthy run raises none.

import { describe, expect, it } from "vitest";
import { runFixtureWrites } from "../../test/support/run-fixture.ts";
import type { RlStep, RunEvent } from "../run/events.ts";
import { timelineOf } from "../run/timeline.ts";
import { alertsOf, type RunFolderState } from "./alerts.ts";

const events: readonly RunEvent[] = [...runFixtureWrites({ rlSteps: 40, sftSteps: 40 })]
  .filter((write) => write.file === "events.jsonl")
  .map((write) => JSON.parse(write.text) as RunEvent);
const calm: RunFolderState = { state: "finished", idleSeconds: 0, broken: [], damaged: [] };

/** The run with its windowed RL steps changed from a step on. */
const changed = (from: number, change: Partial<RlStep>): readonly RunEvent[] =>
  events.map((event) =>
    event.type === "rl-step" && event.arm === "swa" && (event.step ?? 0) >= from ? { ...event, ...change } : event,
  );
const titles = (list: readonly RunEvent[], state = calm): readonly string[] =>
  alertsOf(timelineOf(list), state).map((alert) => alert.title);

describe("alertsOf", () => {
  it("is silent about a healthy run", () => {
    expect(titles(events)).toEqual([]);
  });

  it.each([
    ["Reward collapsed", { rewardMean: 0.1 }],
    ["Entropy collapsed", { entropyNats: 0.001 }],
    ["Many responses cut off", { truncated: 0.4 }],
    ["Sampler and trainer disagree", { samplerTrainerMaxDifference: 2e-4 }],
  ])("says %j when the last steps show it", (title, change) => {
    expect(titles(changed(28, change))).toEqual([title]);
  });

  it("names the first step at which sampler and trainer disagreed", () => {
    const list = changed(28, { samplerTrainerMaxDifference: 3e-4 });
    expect(alertsOf(timelineOf(list), calm)[0]).toMatchObject({ level: "critical", arm: "swa", stage: "rl", step: 28 });
  });

  it("does not call one bad step a collapse", () => {
    expect(titles(changed(40, { rewardMean: 0 }))).toEqual([]);
  });

  it("says that a run without any reward has nothing to learn from", () => {
    expect(titles(changed(1, { rewardMean: 0 }))).toEqual(["No reward yet"]);
  });

  it("warns of a loss that rises again", () => {
    const list = events.map((event) =>
      event.type === "sft-step" && event.arm === "swa" && event.stage === "sft" && (event.step ?? 0) > 25
        ? { ...event, lossNatsPerToken: 3 }
        : event,
    );
    expect(titles(list)).toEqual(["Loss rises"]);
  });

  it("puts critical alerts first", () => {
    const list = changed(28, { truncated: 0.4, rewardMean: 0.05 });
    const levels = alertsOf(timelineOf(list), { ...calm, damaged: ["results.json is not valid JSON."] }).map(
      (alert) => alert.level,
    );
    expect(levels).toEqual(["critical", "warning", "warning"]);
  });

  it("says that a run stands still, for how long, and how to go on", () => {
    const [alert] = alertsOf(timelineOf(events.slice(0, 40)), { ...calm, state: "stalled", idleSeconds: 600 });
    expect(alert?.detail).toMatch(/10 min.*--resume/);
  });
});
