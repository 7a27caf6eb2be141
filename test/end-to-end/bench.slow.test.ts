// `swarr bench` at its smallest: the fields that outside checks read, and what must hold of them on any machine.

import { spawnSync } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { BenchResult } from "../../src/bench/run.ts";

const main = path.join(fileURLToPath(new URL("../..", import.meta.url)), "dist", "cli", "main.js");

function bench(...flags: readonly string[]): { status: number | null; out: string; err: string } {
  const args = [main, "bench", "--configs", "S", "--rounds", "1", ...flags];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  return { status, out: stdout, err: stderr };
}

const POSITIVE: unknown = expect.toSatisfy((value: unknown) => typeof value === "number" && value > 0);

describe("swarr bench", () => {
  it("measures every field of its JSON, and tells why a native BLAS is left out", () => {
    const { status, out, err } = bench("--longest-context", "2048", "--python", "/no/such/python", "--json");
    expect(status, err).toBe(0);
    const result = JSON.parse(out) as BenchResult;
    expect(result).toMatchObject({
      kernels: expect.stringMatching(/^(amx|avx512|avx2|onnxruntime)$/) as unknown,
      sgemmGflops: POSITIVE,
      nativeBlas: { gflops: null, reason: expect.stringContaining(`"/no/such/python" has no NumPy`) as unknown },
      threads: POSITIVE,
      train: { S: { tokensPerSecond: POSITIVE, gflops: POSITIVE, fractionOfSgemm: POSITIVE, peakRssBytes: POSITIVE } },
      sample: [64, 256].map((sequences) => ({ config: "S", sequences, tokensPerSecond: POSITIVE })),
    });
    const cells = result.context.map(({ mode, attention, tokens }) => `${mode} ${attention} ${tokens}`);
    expect(cells).toEqual(
      [1024, 2048].flatMap((tokens) => [
        `train windowed ${tokens}`,
        `train full ${tokens}`,
        `decode windowed ${tokens}`,
        `decode full ${tokens}`,
      ]),
    );
    for (const row of result.context) {
      expect(row).toMatchObject({ config: "S", sequences: 1, millisecondsPerToken: POSITIVE, peakRssBytes: POSITIVE });
    }
    const { S } = result.train;
    expect(S!.gflops / S!.tokensPerSecond).toBeCloseTo(4.95e-3, 4);
  });

  it("refuses a shape it does not know", () => {
    const { status, err } = bench("--configs", "XL");
    expect(status).toBe(2);
    expect(err).toContain(`--configs names "XL"`);
  });
});
