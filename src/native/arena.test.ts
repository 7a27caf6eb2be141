// Places in a block that does not exist yet.

import { describe, expect, it } from "vitest";
import { randomStream } from "../base/seeds.ts";
import { Arena } from "./arena.ts";

describe("Arena", () => {
  it("hands out whole cache lines, the lowest free ones that are large enough", () => {
    const arena = new Arena();
    const places = [100, 4, 300, 64].map((bytes) => arena.take(bytes));
    expect(places).toEqual([0, 128, 192, 512]);
    arena.giveBack(128);
    arena.giveBack(192);
    expect([arena.take(65), arena.take(0), arena.take(257)]).toEqual([128, 256, 576]);
    expect(arena.bytes).toBe(896);
  });

  it("never hands out a byte twice at a time, and has the whole block free when all is given back", () => {
    const stream = randomStream({ root: 41, purpose: "arena" });
    const arena = new Arena();
    const held = new Map<number, number>();
    for (let step = 0; step < 2000; step++) {
      const starts = [...held.keys()];
      if (starts.length > 0 && stream.uniform() < 0.5) {
        const start = starts[stream.integer(starts.length)]!;
        arena.giveBack(start);
        held.delete(start);
        continue;
      }
      const bytes = 1 + stream.integer(1000);
      const start = arena.take(bytes);
      expect(start % 64).toBe(0);
      for (const [other, size] of held) expect(start + bytes <= other || other + size <= start).toBe(true);
      held.set(start, bytes);
      expect(start + bytes).toBeLessThanOrEqual(arena.bytes);
    }
    for (const start of held.keys()) arena.giveBack(start);
    expect(arena.take(arena.bytes)).toBe(0);
  });

  it("takes a place back once", () => {
    const arena = new Arena();
    arena.giveBack(arena.take(10));
    expect(() => arena.giveBack(0)).toThrow("a place is given back once");
  });
});
