// The verifier as a whole: threads that can be killed, verdicts that always come, settings that are checked.

import { afterAll, describe, expect, it } from "vitest";
import { hostileAnswers } from "../../test/support/hostile-answers.ts";
import { createVerifier } from "./verify.ts";

const verifier = createVerifier();
afterAll(() => verifier.close());

/** On a busy machine the library may load for longer than one job waits; it goes on, and a later job finds it. */
async function algebraLoaded(): Promise<void> {
  for (let i = 0; i < 20; i++) {
    if ((await verifier.grade("\\int_0^1 x dx", "\\boxed{\\frac{1}{2}}")).kind === "right") return;
  }
}

describe("createVerifier", () => {
  it("reports the answer, the wanted answer and the time", async () => {
    expect(await verifier.grade("\\frac{1}{2}", "so $\\boxed{0.5}$")).toMatchObject({ kind: "right", answer: "0.5" });
    const wrong = await verifier.grade("$\\sqrt{2}$", "so $\\boxed{\\sqrt{3}}$");
    expect(wrong).toMatchObject({ kind: "wrong", answer: "\\sqrt{3}", wanted: "$\\sqrt{2}$" });
    expect(wrong.milliseconds).toBeGreaterThan(0);
  });

  it("works out integrals, limits and sums of the gold answer, and takes none in a response for one", async () => {
    await algebraLoaded();
    for (const [gold, response, kind] of [
      ["\\int_0^1 x^2 dx", "\\boxed{\\frac{1}{3}}", "right"],
      ["\\int_0^1 x^2 dx", "\\boxed{\\frac{1}{4}}", "wrong"],
      ["\\sum_{k=1}^{n} k", "\\boxed{\\frac{n(n+1)}{2}}", "right"],
      ["\\sum_{k=1}^{n} k", "\\boxed{\\frac{n(n-1)}{2}}", "wrong"],
      ["\\frac{1}{3}", "\\boxed{\\int_0^1 x^2 dx}", "wrong"],
    ] as const) {
      expect((await verifier.grade(gold, response)).kind, `${gold} ${response}`).toBe(kind);
    }
  });

  it("keeps nothing of one answer for the next", async () => {
    await verifier.grade("\\sum_{k=1}^{n} (x := 5)", "\\boxed{5}");
    expect((await verifier.grade("5", "\\boxed{x}")).kind).toBe("wrong");
    expect((await verifier.grade("\\sum_{k=1}^{n} x", "\\boxed{5n}")).kind).toBe("wrong");
  });

  it("kills a judgement at the deadline and goes on with the next", async () => {
    const hurried = createVerifier({ deadlineMs: 1 });
    const lists = Array.from({ length: 200 }, (_, i) => `\\sqrt{${i}+x}`);
    const slow = await hurried.grade(
      lists.join(","),
      `\\boxed{${lists
        .map((item) => `${item}+0`)
        .reverse()
        .join(",")}}`,
    );
    expect(slow).toMatchObject({ kind: "timeout", reason: "not judged within 1 ms" });
    expect((await hurried.grade("18", "#### 18")).kind).toBe("right");
    await hurried.close();
  });

  it("answers many at once, each with its own verdict", async () => {
    const verdicts = await Promise.all(
      Array.from({ length: 100 }, (_, i) => verifier.grade(`\\sqrt{${i}}`, `\\boxed{\\sqrt{${i - (i % 2)}}}`)),
    );
    expect(verdicts.map((verdict) => verdict.kind === "right")).toEqual(verdicts.map((_, i) => i % 2 === 0));
  });

  it("answers 300 hostile responses, each within three seconds and none as right", async () => {
    for (const { gold, response } of hostileAnswers({ seed: 1, count: 300 })) {
      const startedMs = performance.now();
      const verdict = await verifier.grade(gold, response);
      const label = `hostile answer: ${response.slice(0, 80)}`;
      expect(performance.now() - startedMs, label).toBeLessThan(3000);
      expect(verdict.kind, label).not.toBe("right");
    }
  });

  it("refuses settings that are no positive integers, and work after close()", async () => {
    expect(() => createVerifier({ deadlineMs: 0 })).toThrow(/deadlineMs is 0/);
    expect(() => createVerifier({ workers: 1.5 })).toThrow(/BAD_ARGUMENT/);
    const closed = createVerifier();
    await closed.close();
    await expect(closed.grade("\\sqrt{2}", "\\boxed{\\sqrt{3}}")).rejects.toThrow(/closed verifier/);
  });
});
