// The progress line: rate and time left from recent pace, and silence between intervals in a log.

import { describe, expect, it } from "vitest";
import { clock, createProgress, type ProgressStream } from "./progress.ts";

function recorder(isTTY: boolean): ProgressStream & { text: string } {
  const stream = { isTTY, columns: 60, text: "", write: (text: string) => (stream.text += text) };
  return stream;
}

describe("createProgress", () => {
  it("writes a plain line every ten seconds and one at the end when stderr is no terminal", () => {
    const stream = recorder(false);
    let ms = 0;
    const progress = createProgress({ label: "sft", total: 100, unit: "steps", stream, nowMs: () => ms });
    for (let done = 1; done <= 25; done++) {
      ms += 1000;
      progress.update(done, { loss: "0.5" });
    }
    progress.end();
    progress.end();
    // One step a second: after 10 steps 90 are left, which is a minute and a half.
    expect(stream.text.split("\n")).toEqual([
      "sft  10/100 steps  1.0 steps/s  ETA 1:30  loss 0.5",
      "sft  20/100 steps  1.0 steps/s  ETA 1:20  loss 0.5",
      "sft  25/100 steps  1.0 steps/s  ETA 1:15  loss 0.5",
      "",
    ]);
  });

  it("rewrites one line on a terminal and cuts it to the width", () => {
    const stream = recorder(true);
    let ms = 0;
    const progress = createProgress({ label: "x".repeat(90), total: null, unit: "rows", stream, nowMs: () => ms });
    ms = 500;
    progress.update(1);
    progress.end();
    expect(stream.text).toBe(`\r\x1b[K${"x".repeat(59)}\r\x1b[K${"x".repeat(59)}\n`);
  });

  it("leaves out of the rate what a resumed run had done before", () => {
    const stream = recorder(false);
    let ms = 0;
    const progress = createProgress({ label: "rl", total: 60, unit: "steps", done: 50, stream, nowMs: () => ms });
    ms = 10_000;
    progress.update(52);
    expect(stream.text).toBe("rl  52/60 steps  5.0 s each  ETA 0:40\n");
  });

  it("follows a change of pace: the rate forgets what is older than half a minute", () => {
    const stream = recorder(false);
    let ms = 0;
    const progress = createProgress({ label: "rl", total: 1000, unit: "steps", stream, nowMs: () => ms });
    for (let done = 1; done <= 100; done++) progress.update(done, {});
    for (let second = 1; second <= 70; second++) {
      ms += 1000;
      progress.update(100 + second * 2);
    }
    expect(stream.text.trimEnd().split("\n").at(-1)).toContain("2.0 steps/s");
  });
});

describe("clock", () => {
  it.each([
    [0, "0:00"],
    [59.6, "1:00"],
    [3599, "59:59"],
    [3661, "1:01:01"],
  ])("writes %d seconds as %s", (seconds, text) => {
    expect(clock(seconds)).toBe(text);
  });
});
