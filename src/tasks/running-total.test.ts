// The miniature's problems, traces, reward and distances, against the examples worked out on paper.

import { describe, expect, it } from "vitest";
import { randomStream } from "../base/seeds.ts";
import { idsOf, RUNNING_TOTAL_ALPHABET } from "./running-total-alphabet.ts";
import { gradeTrace, traceDependencies } from "./running-total-trace.ts";
import { drawRunningTotal, finalTotal, isHeldOut, promptOf, runningTotalTask, traceOf } from "./running-total.ts";

const PROMPT = "^f+3e+2d-5c+7b-2a+1=";
const TERSE = "f+3:0+3=3e+2:3+2=5d-5:5-5=0c+7:0+7=7b-2:7-2=5a+1:5+1=6#6";
const RESTATED =
  "f+3:0+3=3[e+2d-5c+7b-2a+1]e+2:3+2=5[d-5c+7b-2a+1]d-5:5-5=0[c+7b-2a+1]c+7:0+7=7[b-2a+1]b-2:7-2=5[a+1]a+1:5+1=6#6";
const EXAMPLE = { terms: [3, 2, -5, 7, -2, 1] };

const always = (): boolean => true;
const never = (): boolean => false;

describe("the alphabet", () => {
  it("has 32 single characters, with pad, begin and end first", () => {
    expect(RUNNING_TOTAL_ALPHABET.tokens.join("")).toBe("_^$0123456789+-=:[]#abcdefghijkl");
    expect([...idsOf("_^$09+al")]).toEqual([0, 1, 2, 3, 12, 13, 20, 31]);
  });
});

describe("drawRunningTotal", () => {
  const problems = Array.from({ length: 4000 }, (_, item) =>
    drawRunningTotal(randomStream({ root: 5, purpose: "draw-test", item })),
  );

  it("keeps every running total in 0..9 and never adds 0", () => {
    for (const { terms } of problems) {
      let total = 0;
      for (const term of terms) {
        total += term;
        expect(term !== 0 && total >= 0 && total <= 9, `terms ${terms.join(" ")}`).toBe(true);
      }
    }
  });

  it("gives each count of 4..8 terms equally often, and each first total of 1..9", () => {
    // 4000 draws: 800 a count (deviation 25), 444 a total (deviation 20); five deviations allowed.
    for (let count = 4; count <= 8; count++) {
      expect(Math.abs(problems.filter(({ terms }) => terms.length === count).length - 800)).toBeLessThan(127);
    }
    for (let total = 1; total <= 9; total++) {
      expect(Math.abs(problems.filter(({ terms }) => terms[0] === total).length - 444)).toBeLessThan(100);
    }
  });
});

describe("promptOf and traceOf", () => {
  it("write the page's example", () => {
    expect(promptOf(EXAMPLE)).toBe(PROMPT);
    expect(traceOf(EXAMPLE, never)).toBe(TERSE);
    expect(traceOf(EXAMPLE, always)).toBe(RESTATED);
  });
});

describe("isHeldOut", () => {
  it("follows the hash by hand", () => {
    // +1: h = 7 + 3 = 10. Then -1 (v = 12): h = 310 + 84 + 3 = 397. Then +6: h = 12307 + 42 + 3 = 12352 = 16·772.
    // 7v ≡ -12310 ≡ 10 mod 16 has the one solution v ≡ 6, so no other third term is held out (v = 22 would be -11).
    const all = [1, 2, 3, 4, 5, 6, 7, 8, 9].flatMap((d) => [d, -d]);
    expect(all.filter((d) => isHeldOut({ terms: [1, -1, d] }))).toEqual([6]);
  });
});

describe("gradeTrace", () => {
  const reward = (response: string, gold = "6"): number => gradeTrace(idsOf(response), gold).reward;

  it("pays for the gold digit and the end token right after the first #", () => {
    expect(reward(`${TERSE}$`)).toBe(1);
    expect(reward("#6$")).toBe(1);
  });

  it("pays nothing for anything else", () => {
    const unpaid = ["#5$", "#66$", "#6", "#6=$", "#$", "#", "6$", "$", "##6$", "#5#6$", "#^6$", "#6_$", ""];
    expect(unpaid.filter((response) => reward(response) !== 0)).toEqual([]);
  });

  it("tells a wrong answer from an unreadable one", () => {
    expect(gradeTrace(idsOf("#5$"), "6")).toMatchObject({ verdict: "wrong", answer: "5" });
    expect(gradeTrace(idsOf("#56$"), "6")).toMatchObject({ verdict: "unreadable", answer: null });
  });
});

describe("traceDependencies", () => {
  const stats = (response: string, window = 36): ReturnType<typeof traceDependencies> =>
    traceDependencies(idsOf(PROMPT), idsOf(response), window);

  it("gives terse step k the distance 3N+1+6(k-1)", () => {
    const { distances, meanLookupDistance, farthest } = stats(`${TERSE}$`);
    expect(distances).toEqual([19, 25, 31, 37, 43, 49]);
    expect([meanLookupDistance, farthest]).toEqual([34, 49]);
  });

  it("gives the first restatement, right after step 1, the distance 3N+8", () => {
    // Step 1 looks up f at 19; the restatement copies e d c b a, all at 3·6+8 = 26.
    expect(stats(RESTATED).distances.slice(0, 6)).toEqual([19, 26, 26, 26, 26, 26]);
  });

  it("is beyond the window when a distance exceeds it, not when one equals it", () => {
    expect(stats(TERSE, 49).beyondWindow).toBe(false);
    expect(stats(TERSE, 48).beyondWindow).toBe(true);
  });

  it("counts the steps that could restate and those that do", () => {
    expect(stats(`${TERSE}$`)).toMatchObject({ stepCount: 5, restatingSteps: 0 });
    expect(stats(`${RESTATED}$`)).toMatchObject({ stepCount: 5, restatingSteps: 5 });
    // cut off right after a step: whether it would have restated is not known
    expect(stats(TERSE.slice(0, 18))).toMatchObject({ stepCount: 1, restatingSteps: 0 });
  });

  it("takes the mean look-up over steps alone", () => {
    // In the restated trace step k >= 2 of N = 6 finds its label one block of 3(N-k+1) tokens and a bracket back: 16, 13, 10, 7, 4.
    expect(stats(RESTATED).meanLookupDistance).toBe((19 + 16 + 13 + 10 + 7 + 4) / 6);
  });

  it("counts labels never seen before apart, and looks back to them afterwards", () => {
    const { distances, unseenCount, arcs } = stats("l+1l+1");
    expect([distances, unseenCount, arcs]).toEqual([[3], 1, [[20, 23]]]);
  });

  it("draws one arc from the token looked up to the one that looks", () => {
    const text = PROMPT + TERSE;
    for (const [from, to] of stats(TERSE).arcs) expect(text[from]).toBe(text[to]);
  });
});

describe("runningTotalTask", () => {
  const task = runningTotalTask({ seed: 1 });
  const trained = (["pretrain", "sft", "more-sft"] as const).flatMap((purpose) =>
    Array.from({ length: 1500 }, (_, index) => task.example(purpose, index)),
  );

  it("tests the same 512 distinct held-out problems whatever the seed", () => {
    const prompts = task.testProblems().map(({ prompt }) => prompt);
    expect(new Set(prompts).size).toBe(512);
    expect(runningTotalTask({ seed: 2 }).testProblems()).toEqual(task.testProblems());
  });

  it("never trains on a held-out problem, in any stage", () => {
    const asked = Array.from({ length: 4000 }, (_, index) => task.rlProblem(index).prompt);
    const heldOut = [...trained.map(({ prompt }) => prompt), ...asked].filter((prompt) =>
      isHeldOut(readPrompt(prompt)),
    );
    expect(heldOut).toEqual([]);
    // The same question asked of the test side finds all of them, so the check above can fail.
    expect(task.testProblems().every(({ prompt }) => isHeldOut(readPrompt(prompt)))).toBe(true);
  });

  it("writes traces that end in the right answer", () => {
    for (const { prompt, response } of trained.slice(0, 300)) {
      const gold = String(finalTotal(readPrompt(prompt)));
      expect(gradeTrace(idsOf(`${response}$`), gold).reward, prompt + response).toBe(1);
    }
  });

  it("restates after a fifth of the steps", () => {
    let [restating, steps] = [0, 0];
    for (const { prompt, response } of trained) {
      const stats = traceDependencies(idsOf(prompt), idsOf(response), 36);
      restating += stats.restatingSteps;
      steps += stats.stepCount;
    }
    // 22,500 steps: one deviation is 0.0027
    expect(Math.abs(restating / steps - 0.2)).toBeLessThan(0.0135);
  });

  it("gives the same example for the same index, another for another index, purpose or seed", () => {
    expect(runningTotalTask({ seed: 1 }).example("sft", 7)).toEqual(task.example("sft", 7));
    const others = [
      task.example("sft", 8),
      task.example("more-sft", 7),
      runningTotalTask({ seed: 2 }).example("sft", 7),
    ];
    for (const other of others)
      expect(other.prompt + other.response).not.toBe(trained[1507]!.prompt + trained[1507]!.response);
  });

  it("keeps prompts of 3N+2 tokens and no trace beyond 180 with its end token", () => {
    for (const { prompt, response } of trained) {
      expect(prompt.length % 3).toBe(2);
      expect(response.length + 1).toBeLessThanOrEqual(180);
    }
    expect(traceOf({ terms: [9, -9, 9, -9, 9, -9, 9, -9] }, always).length + 1).toBe(173);
  });
});

/** Reads a prompt back with a pattern, not with the code under test. */
function readPrompt(prompt: string): { terms: number[] } {
  return { terms: [...prompt.matchAll(/[a-l]([+-]\d)/g)].map(([, term]) => Number(term)) };
}
