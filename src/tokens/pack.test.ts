// Packing by hand on tiny rows, and the laws that hold for any sequences.

import { describe, expect, it } from "vitest";
import { randomStream } from "../base/seeds.ts";
import { packSequences, unpackResponses, type PackSequence } from "./pack.ts";

const SHAPE = { rowTokens: 6, rowsPerMicrobatch: 2, padId: 9 };

// lengths 3, 4, 2: decreasing 1 (4), 0 (3), 2 (2); row 0 holds 1 and 2, row 1 holds 0.
const SEQUENCES: PackSequence[] = [
  { ids: [10, 11, 12], promptLength: 2, fields: { advantage: 5, old: [0.5] } },
  { ids: [20, 21, 22, 23], promptLength: 1, fields: { advantage: -1, old: [0.1, 0.2, 0.3] } },
  { ids: [30, 31], promptLength: 1, fields: { advantage: 7, old: [0.7] } },
];

describe("packSequences", () => {
  const packed = packSequences(SEQUENCES, SHAPE);
  const [batch] = packed.microbatches;

  it("lays out rows by first-fit decreasing", () => {
    expect(packed.microbatches.length).toBe(1);
    expect([...batch!.ids]).toEqual([20, 21, 22, 23, 30, 31, 10, 11, 12, 9, 9, 9]);
    expect([...batch!.sequenceOf]).toEqual([1, 1, 1, 1, 2, 2, 0, 0, 0, -1, -1, -1]);
    expect([packed.tokenCount, packed.targetCount, packed.utilisation]).toEqual([9, 5, 0.75]);
  });

  it("restarts positions at every segment and says where each begins in its row", () => {
    expect([...batch!.positions]).toEqual([0, 1, 2, 3, 0, 1, 0, 1, 2, 0, 0, 0]);
    expect([...batch!.segments]).toEqual([0, 0, 0, 0, 1, 1, 0, 0, 0, -1, -1, -1]);
    expect([...batch!.segmentStart]).toEqual([0, 0, 0, 0, 4, 4, 0, 0, 0, 3, 4, 5]);
  });

  it("shifts targets inside a segment and never across two", () => {
    expect([...batch!.targets]).toEqual([21, 22, 23, 0, 31, 0, 11, 12, 0, 0, 0, 0]);
  });

  it("weighs response targets only", () => {
    expect([...batch!.weight]).toEqual([1, 1, 1, 0, 1, 0, 0, 1, 0, 0, 0, 0]);
  });

  it("leaves out response tokens that are not to be trained on, such as a user's turn", () => {
    const turns = { ids: [1, 2, 3, 4, 5], promptLength: 2, trained: [1, 0, 1] };
    const { microbatches, targetCount } = packSequences([turns], SHAPE);
    expect([...microbatches[0]!.weight].slice(0, 6)).toEqual([0, 1, 0, 1, 0, 0]);
    expect(targetCount).toBe(2);
  });

  it("puts a response token's field where the token is predicted", () => {
    const old = [0.1, 0.2, 0.3, 0, 0.7, 0, 0, 0.5, 0, 0, 0, 0].map(Math.fround);
    expect([...batch!.fields["old"]!]).toEqual(old);
    expect([...batch!.fields["advantage"]!]).toEqual([-1, -1, -1, 0, 7, 0, 0, 5, 0, 0, 0, 0]);
  });

  it("refuses a sequence longer than a row, with its length", () => {
    const long = { ids: [1, 2, 3, 4, 5, 6, 7], promptLength: 3 };
    expect(() => packSequences([SEQUENCES[2]!, long], SHAPE)).toThrow(
      /Sequence 1 has 7 tokens \(prompt 3, response 4\); a row holds 6/,
    );
  });

  it("refuses a sequence without a prompt or without a response", () => {
    expect(() => packSequences([{ ids: [1, 2], promptLength: 0 }], SHAPE)).toThrow(/2 tokens, 0 of them prompt/);
    expect(() => packSequences([{ ids: [1, 2], promptLength: 2 }], SHAPE)).toThrow(/2 tokens, 2 of them prompt/);
  });

  it("keeps the order of equal lengths", () => {
    const equal = [1, 2, 3].map((id) => ({ ids: [id, id], promptLength: 1 }));
    expect([...packSequences(equal, SHAPE).microbatches[0]!.sequenceOf].slice(0, 6)).toEqual([0, 0, 1, 1, 2, 2]);
  });
});

describe("packSequences on any sequences", () => {
  const cases = Array.from({ length: 20 }, (_, seed) => {
    const stream = randomStream({ root: seed, purpose: "pack-test" });
    const sequences = Array.from({ length: 40 }, () => {
      const length = 2 + stream.integer(31);
      const promptLength = 1 + stream.integer(length - 1);
      return { ids: Array.from({ length }, () => 1 + stream.integer(50)), promptLength };
    });
    return { seed, sequences, packed: packSequences(sequences, { rowTokens: 32, rowsPerMicrobatch: 3, padId: 0 }) };
  });

  it("places every token of every sequence once, in order", () => {
    for (const { seed, sequences, packed } of cases) {
      const seen = sequences.map((): number[] => []);
      for (const { ids, positions, sequenceOf } of packed.microbatches) {
        for (const [at, sequence] of sequenceOf.entries()) {
          if (sequence < 0) continue;
          expect(positions[at], `seed ${seed}`).toBe(seen[sequence]!.length);
          seen[sequence]!.push(ids[at]!);
        }
      }
      expect(seen, `seed ${seed}`).toEqual(sequences.map(({ ids }) => ids));
    }
  });

  it("needs at most 11/9 of the fewest rows thinkable, plus one", () => {
    for (const { seed, packed } of cases) {
      const rows = packed.microbatches.flatMap(({ segments }) =>
        [0, 32, 64].filter((start) => segments[start] === 0),
      ).length;
      expect(rows, `seed ${seed}`).toBeLessThanOrEqual((11 / 9) * Math.ceil(packed.tokenCount / 32) + 1);
    }
  });

  it("brings per-place results back to the response tokens they belong to", () => {
    for (const { seed, sequences, packed } of cases) {
      const responses = sequences.map(({ ids, promptLength }) => ids.slice(promptLength));
      const returned = unpackResponses(
        packed,
        packed.microbatches.map(({ targets }) => targets),
      );
      expect(
        returned.map((values) => [...values]),
        `seed ${seed}`,
      ).toEqual(responses);
    }
  });
});
