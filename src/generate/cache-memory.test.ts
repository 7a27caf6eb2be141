import { describe, expect, it } from "vitest";
import { CacheMemory } from "./cache-memory.ts";

describe("CacheMemory", () => {
  it("hands out again what it was given, as zeros", () => {
    const memory = new CacheMemory();
    const first = memory.take(8).fill(NaN);
    memory.give(first);
    const second = memory.take(6);
    expect(second.buffer).toBe(first.buffer);
    expect(second).toEqual(new Float32Array(6));
  });

  it("gives a block that is still used to nobody else", () => {
    const memory = new CacheMemory();
    expect(memory.take(4).buffer).not.toBe(memory.take(4).buffer);
  });

  it("takes the least block that is large enough, and the whole of it again later", () => {
    const memory = new CacheMemory();
    const [small, large] = [memory.take(4), memory.take(16)];
    memory.give(large);
    memory.give(small);
    expect(memory.take(3).buffer).toBe(small.buffer);
    const part = memory.take(5);
    expect(part.buffer).toBe(large.buffer);
    memory.give(part);
    expect(memory.take(16).buffer).toBe(large.buffer);
  });
});
