// Ten thousand hostile answers in a row: no hang, no crash, memory flat. Run by `npm run test:slow`.

import { afterAll, describe, expect, it } from "vitest";
import { hostileAnswers } from "../../test/support/hostile-answers.ts";
import { createVerifier } from "./verify.ts";

describe("createVerifier under attack", () => {
  const verifier = createVerifier();
  afterAll(() => verifier.close());

  it("answers 10,000 hostile responses, each within three seconds, none as right, in flat memory", async () => {
    const residentMb: number[] = [];
    let index = 0;
    for (const { gold, response } of hostileAnswers({ seed: 2, count: 10_000 })) {
      const startedMs = performance.now();
      const verdict = await verifier.grade(gold, response);
      const label = `hostile answer ${index}: ${response.slice(0, 80)}`;
      expect(performance.now() - startedMs, label).toBeLessThan(3000);
      expect(verdict.kind, label).not.toBe("right");
      index += 1;
      if (index % 1000 === 0) residentMb.push(process.memoryUsage().rss / 2 ** 20);
    }
    // The first thousand load what is loaded once; from then on nothing may pile up.
    const [first = 0, ...later] = residentMb;
    expect(
      Math.max(...later) - first,
      `resident MB after each thousand: ${residentMb.map(Math.round).join(" ")}`,
    ).toBeLessThan(200);
  }, 1_800_000);
});
