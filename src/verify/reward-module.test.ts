// A user's reward module: loaded from JavaScript and TypeScript, its results checked.

import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { scratchFolder } from "../../test/support/scratch-folder.ts";
import { loadReward } from "./reward-module.ts";
import type { RewardInput } from "./reward.ts";

const input: RewardInput = {
  question: "2+3?",
  gold: "5",
  response: "\\boxed{5}",
  verdict: { kind: "right", answer: "5", reason: "", milliseconds: 0 },
  tokens: 7,
  maxTokens: 100,
};

function moduleFile(name: string, source: string): string {
  const file = path.join(scratchFolder(), name);
  fs.writeFileSync(file, source);
  return file;
}

describe("loadReward", () => {
  it("runs a JavaScript module and names its only term after it", async () => {
    const file = moduleFile("brief.mjs", "export const reward = { name: 'brief', score: (i) => 1 / i.tokens };");
    const reward = await loadReward(file);
    expect(await reward.score(input)).toEqual({ total: 1 / 7, terms: { brief: 1 / 7 } });
  });

  it("says which file exports no reward, and which result is no number", async () => {
    await expect(loadReward(moduleFile("empty.mjs", "export const prize = 1;"))).rejects.toThrow(/"prize".*BAD_REWARD/);
    await expect(loadReward("no-such-file.mjs")).rejects.toThrow(/Cannot load the reward module/);
    for (const result of ["NaN", "'1'", "undefined", "({ total: 1 })", "({ total: 1, terms: { a: Infinity } })"]) {
      const odd = await loadReward(moduleFile("odd.mjs", `export default { name: "odd", score: () => ${result} };`));
      await expect(odd.score(input), result).rejects.toThrow(/"odd".*BAD_REWARD/s);
    }
    const broken = await loadReward(
      moduleFile("broken.mjs", `export default { name: "broken", score() { throw new Error("no"); } };`),
    );
    await expect(broken.score(input)).rejects.toThrow(/threw: no/);
  });

  it("runs a TypeScript module under plain node, on every version of it", () => {
    const typed = moduleFile(
      "typed.ts",
      `
      interface Input { readonly tokens: number | null }
      export const reward = { name: "typed", score: (input: Input): number => (input.tokens as number) * 2 };
    `,
    );
    const compiled = new URL("../../dist/verify/reward-module.js", import.meta.url).href;
    const script = moduleFile(
      "run.mjs",
      `
      import { loadReward } from ${JSON.stringify(compiled)};
      const reward = await loadReward(${JSON.stringify(typed)});
      console.log(JSON.stringify(await reward.score({ tokens: 7 })));
    `,
    );
    const { stdout, stderr } = spawnSync(process.execPath, [script], { encoding: "utf8" });
    expect(stdout, stderr).toBe('{"total":14,"terms":{"typed":14}}\n');
  });
});
