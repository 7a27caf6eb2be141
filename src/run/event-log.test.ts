// The log keeps whole lines, whatever happened to the process that wrote it.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openEventLog, type UnstampedEvent } from "./event-log.ts";
import { readEvents } from "./read-run.ts";

let folder: string;
let file: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "swarr-events-"));
  file = path.join(folder, "deep", "events.jsonl");
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

function notice(message: string): UnstampedEvent {
  return { type: "notice", arm: "swa", stage: "sft", step: 3, level: "info", message };
}

describe("openEventLog", () => {
  it("appends what a reader reads back, stamped with the time, and tells its listener", () => {
    const heard: string[] = [];
    const log = openEventLog(file, {
      now: () => new Date("2026-01-02T03:04:05.678Z"),
      onEvent: (event) => heard.push(event.type),
    });
    log.append(notice("first"));
    log.append({ type: "run-end", arm: null, stage: null, step: null, outcome: "finished", message: null, seconds: 2 });
    log.close();
    const { events, broken } = readEvents(file);
    expect(broken).toEqual([]);
    expect(events).toEqual([
      { ...notice("first"), time: "2026-01-02T03:04:05.678Z" },
      {
        type: "run-end",
        time: "2026-01-02T03:04:05.678Z",
        arm: null,
        stage: null,
        step: null,
        outcome: "finished",
        message: null,
        seconds: 2,
      },
    ]);
    expect(heard).toEqual(["notice", "run-end"]);
  });

  it("cuts a torn last line off and goes on at the start of a line", () => {
    const first = openEventLog(file);
    first.append(notice("kept"));
    first.close();
    fs.appendFileSync(file, '{"type":"notice","mess');
    const second = openEventLog(file);
    second.append(notice("after"));
    second.close();
    expect(second.recoveredBytes).toBe(22);
    const { events, broken } = readEvents(file);
    expect(broken).toEqual([]);
    expect(events.map((event) => event.type === "notice" && event.message)).toEqual(["kept", "after"]);
  });

  it("writes nothing of an event with a number that is none, and names it", () => {
    const log = openEventLog(file);
    const event = { type: "stage-end", arm: "sa", stage: "rl", step: 41, tokensTrained: 1, tokensSampled: 1 } as const;
    expect(() => log.append({ ...event, seconds: 1, flops: NaN })).toThrow(/stage-end.flops is NaN at rl step 41/);
    log.close();
    expect(fs.readFileSync(file, "utf8")).toBe("");
  });
});
