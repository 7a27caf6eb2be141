// Verdicts that must hold: hand-written attempts to fool the verifier beside honest answers, and labelled model solutions.

import { afterAll, describe, expect, it } from "vitest";
import { asObject, parseJson } from "../../src/base/json.ts";
import { readText } from "../../src/base/files.ts";
import { createVerifier } from "../../src/verify/verify.ts";

type Case = readonly [right: 0 | 1, gold: string, response: string];

const verifier = createVerifier();
afterAll(() => verifier.close());

function casesOf(name: string): readonly Case[] {
  const file = new URL(name, import.meta.url).pathname;
  return asObject(parseJson(readText(file, "recorded verdicts"), file), file)["cases"] as readonly Case[];
}

async function misjudged(cases: readonly Case[]): Promise<readonly unknown[]> {
  const found: unknown[] = [];
  for (const [right, gold, response] of cases) {
    const verdict = await verifier.grade(gold, response);
    if ((verdict.kind === "right") !== (right === 1)) found.push({ gold, response, verdict });
  }
  return found;
}

describe("createVerifier", () => {
  it("judges every hand-written probe as recorded", async () => {
    const cases = casesOf("verifier-probes.json");
    // The first to need algebra may wait in vain for it to load on a busy machine.
    for (let i = 0; i < 20; i++) {
      if ((await verifier.grade("\\int_0^1 x dx", "\\boxed{\\frac{1}{2}}")).kind === "right") break;
    }
    expect(cases.length).toBeGreaterThan(350);
    expect(await misjudged(cases)).toEqual([]);
  });

  it("agrees with the published labels of model solutions", async () => {
    const cases = casesOf("verifier-gsm8k.json");
    expect(new Set(cases.map(([right]) => right)).size).toBe(2);
    expect(await misjudged(cases)).toEqual([]);
  });

  it("answers within five milliseconds a case, threads included, in the median", async () => {
    const times: number[] = [];
    for (const [, gold, response] of casesOf("verifier-probes.json").slice(0, 200)) {
      times.push((await verifier.grade(gold, response)).milliseconds);
    }
    times.sort((a, b) => a - b);
    expect(times[times.length >> 1]).toBeLessThan(5);
  });
});
