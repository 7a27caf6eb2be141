// Laws of reading a run folder while it grows, after a crash, and when a line is damaged.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeRunFixture } from "../../test/support/run-fixture.ts";
import { encodeEvent, type Notice } from "./events.ts";
import { eventTail, readRun } from "./read-run.ts";

let folder: string;
let file: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "swarr-run-"));
  file = path.join(folder, "events.jsonl");
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

const notice = (message: string): Notice => ({
  type: "notice",
  time: "2026-01-01T00:00:00.000Z",
  arm: null,
  stage: null,
  step: null,
  level: "info",
  message,
});

describe("eventTail", () => {
  it("gives each event once, however the bytes arrive, even when a character is cut in two", () => {
    const bytes = Buffer.from(encodeEvent(notice("größer ≥ 1")) + encodeEvent(notice("second")));
    const tail = eventTail(file);
    const seen: string[] = [];
    for (let i = 0; i < bytes.length; i += 7) {
      fs.appendFileSync(file, bytes.subarray(i, i + 7));
      for (const event of tail.next().events) seen.push(event.type === "notice" ? event.message : event.type);
    }
    expect(seen).toEqual(["größer ≥ 1", "second"]);
  });

  it("counts a broken line with its number and goes on after it", () => {
    fs.writeFileSync(file, `${encodeEvent(notice("a"))}{"type":"not\n{"type":"odd"}\n${encodeEvent(notice("b"))}`);
    const batch = eventTail(file).next();
    expect(batch.events.length).toBe(2);
    expect(batch.broken.map((broken) => broken.line)).toEqual([2, 3]);
    expect(batch.broken[1]?.why).toBe('unknown type "odd"');
  });

  it("says that it starts again when the file was replaced by a shorter one", () => {
    fs.writeFileSync(file, encodeEvent(notice("a")) + encodeEvent(notice("b")));
    const tail = eventTail(file);
    expect(tail.next()).toMatchObject({ restarted: false, events: [{ message: "a" }, { message: "b" }] });
    fs.writeFileSync(file, encodeEvent(notice("c")));
    expect(tail.next()).toMatchObject({ restarted: true, events: [{ message: "c" }] });
  });
});

describe("readRun", () => {
  it("reads back the figures a run wrote", () => {
    writeRunFixture(folder, { sftSteps: 4, rlSteps: 4, rolloutEvery: 2, evaluated: 2 });
    const run = readRun(folder);
    expect(run.results?.arms.swa?.rl?.sampled?.accuracy).toBe(0.925);
    expect(run.broken).toEqual([]);
    expect(run.events.filter((event) => event.type === "rl-step").length).toBe(8);
  });

  it("names the field of a results.json that cannot be right", () => {
    writeRunFixture(folder, { sftSteps: 2, rlSteps: 2, evaluated: 1 });
    const results = path.join(folder, "results.json");
    fs.writeFileSync(results, fs.readFileSync(results, "utf8").replace('"accuracy": 0.925', '"accuracy": "high"'));
    expect(() => readRun(folder)).toThrow(/arms\.swa\.rl\.sampled\.accuracy is "high"/);
  });

  it("refuses a folder that is no run, with the remedy", () => {
    expect(() => readRun(folder)).toThrow(/neither events\.jsonl nor results\.json.*FILE_MISSING/);
  });
});
