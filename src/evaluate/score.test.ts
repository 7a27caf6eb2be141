// pass@k, avg@k and majority@k against enumeration and cases worked out by hand.

import { describe, expect, it } from "vitest";
import { figuresByK, majorityRight, meanOf, meanRight, passAtK, reportedKs, type GradedAnswer } from "./score.ts";

const right: GradedAnswer = { kind: "right", answer: "1/2" };
const wrong = (answer: string): GradedAnswer => ({ kind: "wrong", answer });
const unreadable: GradedAnswer = { kind: "unreadable", answer: null };
const timeout: GradedAnswer = { kind: "timeout", answer: "9!" };

describe("passAtK", () => {
  it("equals the share of all k-subsets that hold a right sample", () => {
    for (let n = 1; n <= 8; n++) {
      for (let c = 0; c <= n; c++) {
        for (let k = 1; k <= n; k++) {
          let hits = 0;
          let subsets = 0;
          for (let set = 0; set < 2 ** n; set++) {
            const members = Array.from({ length: n }, (_, i) => i).filter((i) => (set >> i) & 1);
            if (members.length !== k) continue;
            subsets += 1;
            if (members.some((i) => i < c)) hits += 1;
          }
          expect(Math.abs(passAtK(n, c, k) - hits / subsets), `n ${n} c ${c} k ${k}`).toBeLessThan(1e-14);
        }
      }
    }
  });

  it("does not overflow where the binomials would", () => {
    // C(1990, 500)/C(2000, 500): the product of (1500 - i)/(2000 - i) for i < 10
    let allWrong = 1;
    for (let i = 0; i < 10; i++) allWrong *= (1500 - i) / (2000 - i);
    expect(Math.abs(passAtK(2000, 10, 500) - (1 - allWrong))).toBeLessThan(1e-12);
  });
});

describe("reportedKs", () => {
  it("doubles up to K and ends with K", () => {
    expect([1, 2, 6, 8].map(reportedKs)).toEqual([[1], [1, 2], [1, 2, 4, 6], [1, 2, 4, 8]]);
  });
});

describe("majorityRight", () => {
  it("lets right answers vote together however they are written", () => {
    const answers = [wrong("3"), { kind: "right", answer: "0.5" }, wrong("4"), right, wrong("5")] as const;
    expect(majorityRight(answers)).toBe(true);
  });

  it("lets wrong answers that differ only in spacing, dollar signs and case vote together", () => {
    expect(majorityRight([right, wrong("$x + 1$"), wrong("X+1")])).toBe(false);
    expect(majorityRight([right, wrong("x+1"), wrong("x+2")])).toBe(true);
  });

  it("lets wrong answers that are the same number vote together", () => {
    expect(majorityRight([right, right, wrong("12"), wrong("12.0"), wrong("$12$")])).toBe(false);
    expect(majorityRight([right, right, wrong("1,200"), wrong("1200"), wrong("12")])).toBe(true);
    expect(majorityRight([right, right, wrong("-12"), wrong("12"), wrong("12")])).toBe(true);
  });

  it("gives a tie to the group whose first vote came first", () => {
    expect(majorityRight([right, wrong("3")])).toBe(true);
    expect(majorityRight([wrong("3"), right])).toBe(false);
    expect(majorityRight([wrong("3"), right, right, wrong("3")])).toBe(false);
  });

  it("gives no vote to unreadable and timed-out responses, and is wrong without any", () => {
    expect(majorityRight([unreadable, unreadable, timeout, timeout, right])).toBe(true);
    expect(majorityRight([unreadable, timeout])).toBe(false);
  });

  it("does not take a wrong answer reading 'right' for a right one", () => {
    expect(majorityRight([wrong("right"), wrong("right"), right])).toBe(false);
    expect(majorityRight([wrong("right")])).toBe(false);
  });
});

describe("meanOf", () => {
  it("gives the nearest double where a plain sum drifts", () => {
    const tenths = Array.from({ length: 10_000 }, () => 0.1);
    expect(tenths.reduce((sum, value) => sum + value, 0) / 10_000).not.toBe(0.1);
    expect(meanOf(tenths)).toBe(0.1);
  });
});

describe("figuresByK", () => {
  it("gives the figures worked out by hand for two problems of four samples", () => {
    const problems = [
      [wrong("3"), right, right, wrong("4")],
      [wrong("5"), wrong("6"), wrong("6"), right],
    ];
    // pass@2: 1 - C(2,2)/C(4,2) = 5/6 and 1 - C(3,2)/C(4,2) = 1/2. majority@2: tie 3|right goes to 3, tie 5|6 to 5.
    // majority@4: right 2 against 1 and 1; 6 has 2.
    expect(figuresByK(problems)).toEqual({
      passAtK: { "1": (0.5 + 0.25) / 2, "2": (passAtK(4, 2, 2) + 0.5) / 2, "4": 1 },
      avgAtK: { "1": 0, "2": 0.25, "4": 0.375 },
      majorityAtK: { "1": 0, "2": 0, "4": 0.5 },
    });
    expect(Math.abs(passAtK(4, 2, 2) - 5 / 6)).toBeLessThan(1e-15);
  });

  it("agrees with itself for one sample: all three figures are the accuracy", () => {
    const figures = figuresByK([[right], [wrong("1")], [unreadable], [right]]);
    expect(figures).toEqual({ passAtK: { "1": 0.5 }, avgAtK: { "1": 0.5 }, majorityAtK: { "1": 0.5 } });
    expect(meanRight([right, wrong("1"), unreadable, timeout])).toBe(0.25);
  });
});
