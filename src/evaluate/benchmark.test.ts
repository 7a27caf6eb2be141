// Laws of an evaluation: every sample once, the same for the same seed, kept when something fails.

import { describe, expect, it } from "vitest";
import type { Problem } from "../data/record.ts";
import { evaluateProblems, sampleSeed, type EvaluationOptions, type Grade } from "./benchmark.ts";
import { clopperPearsonInterval, wilsonInterval } from "./intervals.ts";
import type { Ask, ResponseSource } from "./response-source.ts";
import { problemMeans } from "./figures.ts";

const problems: readonly Problem[] = Array.from({ length: 6 }, (_, index) => ({
  id: `p${index}`,
  question: `${index}+${index}?`,
  answer: String(2 * index),
  level: index < 2 ? "10" : "9",
  ...(index === 5 ? {} : { subject: "sums" }),
}));

/** Says the answer when the seed is even, else something near it; the length is a function of the seed too. */
function seededSource(seen: Ask[] = []): ResponseSource {
  return {
    async respond(asks, _sampling, onResponse) {
      for (const ask of asks.toReversed()) {
        await Promise.resolve();
        seen.push(ask);
        const off = ask.seed % 2;
        const tokens = (ask.seed % 7) + 1;
        onResponse(ask, { text: String(2 * ask.index + off), tokens, finishReason: tokens > 5 ? "length" : "stop" });
      }
    },
  };
}

const grade: Grade = async (problem, response) => {
  await new Promise((resolve) => setTimeout(resolve, response.text.length));
  const right = problem.answer === response.text;
  return { kind: right ? "right" : "wrong", answer: response.text, reason: right ? "equal" : "differs" };
};

function options(more: Partial<EvaluationOptions> = {}): EvaluationOptions {
  const sampling = { temperature: 1, topP: 1, maxNewTokens: 8 };
  return { problems, source: seededSource(), grade, sampling, samples: 4, seed: 3, ...more };
}

describe("evaluateProblems", () => {
  it("gives figures that follow from the seeds, whatever order the responses come in", async () => {
    const { figures, samples } = await evaluateProblems(options());
    const seeds = problems.map((_, index) => [0, 1, 2, 3].map((sample) => sampleSeed(3, index, sample)));
    const means = seeds.map((own) => own.filter((seed) => seed % 2 === 0).length / 4);
    const lengths = seeds.flat().map((seed) => (seed % 7) + 1);
    expect(samples.map(({ index, sample, seed }) => [index, sample, seed])).toEqual(
      seeds.flatMap((own, index) => own.map((seed, sample) => [index, sample, seed])),
    );
    expect(figures).toMatchObject({
      n: 6,
      samples: 4,
      accuracy: means.reduce((sum, mean) => sum + mean, 0) / 6,
      meanTokens: lengths.reduce((sum, length) => sum + length, 0) / 24,
      truncated: lengths.filter((length) => length > 5).length / 24,
      verdicts: { right: means.reduce((sum, mean) => sum + 4 * mean, 0), unreadable: 0, timeout: 0 },
    });
    expect(Object.keys(figures.passAtK)).toEqual(["1", "2", "4"]);
    expect(problemMeans(6, samples)).toEqual(means);
  });

  it("breaks accuracy down by level, in numeric order, and by subject, over the problems that have one", async () => {
    const { figures } = await evaluateProblems(options({ samples: 1, source: seededSource() }));
    const rights = problems.map((_, index) => (sampleSeed(3, index, 0) % 2 === 0 ? 1 : 0));
    const count = (from: number, to: number): number => rights.slice(from, to).filter((right) => right === 1).length;
    expect(Object.keys(figures.byLevel ?? {})).toEqual(["9", "10"]);
    expect(figures.byLevel?.["10"]).toEqual({ n: 2, accuracy: count(0, 2) / 2, ci95: wilsonInterval(count(0, 2), 2) });
    expect(figures.bySubject).toEqual({
      sums: { n: 5, accuracy: count(0, 5) / 5, ci95: wilsonInterval(count(0, 5), 5) },
    });
    expect(figures.ci95).toEqual(wilsonInterval(count(0, 6), 6));
  });

  it("gives the same samples for a larger K and more problems, and others for another seed", async () => {
    const small = await evaluateProblems(options({ problems: problems.slice(0, 3), samples: 2 }));
    const large = await evaluateProblems(options());
    expect(large.samples.filter(({ index, sample }) => index < 3 && sample < 2)).toEqual(small.samples);
    const other = await evaluateProblems(options({ seed: 4 }));
    expect(other.samples.map(({ seed }) => seed)).not.toEqual(large.samples.map(({ seed }) => seed));
  });

  it("asks only for what is not known, and counts what is known", async () => {
    const whole = await evaluateProblems(options());
    const seen: Ask[] = [];
    const progress: number[] = [];
    const resumed = await evaluateProblems(
      options({
        source: seededSource(seen),
        known: whole.samples.filter((_, position) => position % 3 === 0),
        onSample: (_, done, total) => progress.push(done, total),
      }),
    );
    expect(resumed).toEqual(whole);
    expect(seen.length).toBe(16);
    expect(new Set(seen.map(({ index, sample }) => `${index}/${sample}`)).size).toBe(16);
    expect(progress.filter((_, i) => i % 2 === 0)).toEqual(Array.from({ length: 16 }, (_, i) => i + 9));
    expect(new Set(progress.filter((_, i) => i % 2 === 1))).toEqual(new Set([24]));
  });

  it("reports every response that came before a failure, and then fails with it", async () => {
    const source: ResponseSource = {
      respond(asks, _sampling, onResponse) {
        for (const ask of asks.slice(0, 5)) onResponse(ask, { text: "1", tokens: 1, finishReason: "stop" });
        return Promise.reject(new Error("the server went away"));
      },
    };
    const reported: string[] = [];
    const failing = evaluateProblems(
      options({ source, onSample: ({ index, sample }) => reported.push(`${index}/${sample}`) }),
    );
    await expect(failing).rejects.toThrow("the server went away");
    expect(reported.sort()).toEqual(["0/0", "0/1", "0/2", "0/3", "1/0"]);
  });

  it("fails with the grader's own error, and with the signal's reason", async () => {
    const broken: Grade = () => Promise.reject(new Error("no worker left"));
    await expect(evaluateProblems(options({ grade: broken }))).rejects.toThrow("no worker left");
    const controller = new AbortController();
    controller.abort(new Error("stopped"));
    await expect(evaluateProblems(options({ signal: controller.signal }))).rejects.toThrow("stopped");
  });

  it("refuses several samples at temperature 0", async () => {
    const greedy = { temperature: 0, topP: 1, maxNewTokens: 8 };
    await expect(evaluateProblems(options({ sampling: greedy }))).rejects.toThrow(
      /4 samples.*temperature 0.*BAD_ARGUMENT/,
    );
    const { figures } = await evaluateProblems(options({ sampling: greedy, samples: 1 }));
    expect(figures.samples).toBe(1);
  });

  it("takes Clopper-Pearson where all problems agree, and gives no length where one is unknown", async () => {
    const source: ResponseSource = {
      respond(asks, _sampling, onResponse) {
        for (const ask of asks)
          onResponse(ask, { text: ask.problem.answer, tokens: ask.index || null, finishReason: null });
        return Promise.resolve();
      },
    };
    const { figures } = await evaluateProblems(options({ source }));
    expect(figures).toMatchObject({
      accuracy: 1,
      ci95: clopperPearsonInterval(6, 6),
      meanTokens: null,
      truncated: null,
      tokens: null,
    });
  });
});
