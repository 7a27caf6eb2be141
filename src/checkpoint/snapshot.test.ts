// A snapshot comes back to the byte, or says that it cannot.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { randomStream } from "../base/seeds.ts";
import { latestSnapshot, readSnapshot, saveSnapshot, type Snapshot } from "./snapshot.ts";

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "swarr-snapshots-"));
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

const RECIPE = "0123456789abcdef";

function snapshot(stage: Snapshot["stage"], step: number, arm: Snapshot["arm"] = "swa"): Snapshot {
  const stream = randomStream({ root: step, purpose: "snapshot-test" });
  const pool = Float32Array.from({ length: 12 }, () => stream.normal());
  return {
    recipeHash: RECIPE,
    arm,
    stage,
    step,
    // A view into a larger buffer, a negative zero, a NaN's bits and a subnormal: all must survive.
    tensors: new Map([
      ["weights/embedding", pool.subarray(2, 9)],
      ["mean/embedding", Float32Array.of(-0, NaN, 1e-45)],
      ["empty", new Float32Array(0)],
    ]),
    state: { cursor: step * 16, stream: [...stream.state()], note: "größer" },
  };
}

const bits = (data: Float32Array): readonly number[] => [...new Uint32Array(Float32Array.from(data).buffer)];

describe("saveSnapshot", () => {
  it("brings back every bit of every tensor, and the state", () => {
    for (const step of [3, 14, 159]) {
      const written = snapshot("sft", step);
      const read = readSnapshot(saveSnapshot(folder, written));
      expect({ ...read, tensors: null }).toEqual({ ...written, tensors: null });
      expect([...read.tensors].map(([name, data]) => [name, bits(data)])).toEqual(
        [...written.tensors].map(([name, data]) => [name, bits(data)]),
      );
    }
  });

  it("keeps the last two of each stage, in the order of saving, until a later stage begins", () => {
    const save = (stage: Snapshot["stage"], ...steps: readonly number[]): void => {
      for (const step of steps) {
        saveSnapshot(folder, snapshot(stage, step));
        saveSnapshot(folder, snapshot(stage, step, "sa"));
      }
    };
    const names = (): string[] =>
      fs
        .readdirSync(folder)
        .filter((name) => name.startsWith("swa-"))
        .sort();
    save("sft", 100, 200, 50);
    expect(names()).toEqual(["swa-sft-000050.snapshot", "swa-sft-000200.snapshot"]);
    expect(latestSnapshot(folder, { recipeHash: RECIPE, arm: "swa", stage: "sft" })).toMatchObject({
      stage: "sft",
      step: 50,
    });
    // RL and more SFT may run side by side: neither removes the other's.
    save("rl", 5, 10, 15);
    save("more-sft", 3);
    const kept = ["more-sft-000003.snapshot", "rl-000010.snapshot", "rl-000015.snapshot"];
    expect(names()).toEqual(kept.map((name) => `swa-${name}`));
    expect(fs.readdirSync(folder).length).toBe(2 * kept.length);
  });

  it("leaves nothing behind when the state cannot be written", () => {
    const bad = { ...snapshot("rl", 2), state: { loss: NaN } };
    expect(() => saveSnapshot(folder, bad)).toThrow(/has loss = NaN/);
    expect(fs.readdirSync(folder)).toEqual([]);
  });
});

describe("latestSnapshot", () => {
  it("is null for an arm and for a stage that have none", () => {
    saveSnapshot(folder, snapshot("sft", 1, "sa"));
    expect(latestSnapshot(folder, { recipeHash: RECIPE, arm: "swa", stage: "sft" })).toBe(null);
    expect(latestSnapshot(folder, { recipeHash: RECIPE, arm: "sa", stage: "rl" })).toBe(null);
  });

  it("refuses any changed byte and any lost one, and names the older snapshot", () => {
    const older = saveSnapshot(folder, snapshot("rl", 10));
    const latest = saveSnapshot(folder, snapshot("rl", 20));
    const whole = fs.readFileSync(latest);
    for (let at = 0; at < whole.length; at += 7) {
      const changed = Buffer.from(whole);
      changed[at]! ^= 1;
      fs.writeFileSync(latest, changed);
      expect(() => latestSnapshot(folder, { recipeHash: RECIPE, arm: "swa", stage: "rl" }), `byte ${at}`).toThrow(
        `--resume goes on from ${older}. [BAD_SNAPSHOT]`,
      );
    }
    fs.writeFileSync(latest, whole.subarray(0, whole.length - 1));
    expect(() => latestSnapshot(folder, { recipeHash: RECIPE, arm: "swa", stage: "rl" })).toThrow(
      /do not match their hash/,
    );
    fs.rmSync(latest);
    expect(latestSnapshot(folder, { recipeHash: RECIPE, arm: "swa", stage: "rl" })).toMatchObject({ step: 10 });
  });

  it("refuses one that was taken under another recipe, naming both", () => {
    const file = saveSnapshot(folder, { ...snapshot("sft", 4), recipeHash: "fedcba9876543210" });
    const refused = () => latestSnapshot(folder, { recipeHash: RECIPE, arm: "swa", stage: "sft" });
    expect(refused).toThrow(`${file} was taken under the recipe fedcba987654, and this run's is 0123456789ab.`);
    expect(refused).toThrow(/\[BAD_SNAPSHOT\]$/);
  });
});
