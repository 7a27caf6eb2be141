// The verifier: is this response's final answer the gold answer? It always answers, whatever the response holds.

import { SwarrError } from "../base/errors.ts";
import { prepare } from "./judge.ts";
import { createPool, type Pool } from "./pool.ts";
import type { Verdict } from "./verdict.ts";

export { numericVerdict } from "./numeric.ts";
export type { Verdict } from "./verdict.ts";

export interface VerifierOptions {
  /** threads that judge at the same time, default 1; one more is kept warm */
  readonly workers?: number;
  /** milliseconds for one judgement before its thread is killed, default 1000 */
  readonly deadlineMs?: number;
}

export interface Verifier {
  /**
   * Judges one response. Never rejects because of what the texts hold, and answers within 3 s at the default deadline.
   *
   * @param gold  the answer, or a worked solution that ends in it
   * @param prediction  the whole response, reasoning included
   */
  grade(gold: string, prediction: string): Promise<Verdict>;
  /** Ends the threads; a closed verifier cannot grade. */
  close(): Promise<void>;
}

const MAX_WORKERS = 64;

/** Threads start with the first answer that needs one. @throws `BAD_ARGUMENT` for a setting out of range */
export function createVerifier(options: VerifierOptions = {}): Verifier {
  const workers = checked("workers", options.workers ?? 1, MAX_WORKERS);
  const deadlineMs = checked("deadlineMs", options.deadlineMs ?? 1000, 600_000);
  let pool: Pool | null = null;
  let closed = false;
  return {
    async grade(gold, prediction) {
      const startedMs = performance.now();
      const prepared = prepare(gold, prediction);
      if (prepared.kind === "settled") return { ...prepared.judgement, milliseconds: since(startedMs) };
      if (closed) {
        throw new SwarrError("BAD_ARGUMENT", {
          what: "grade() was called on a closed verifier.",
          expected: "an open one.",
          fix: "Create a verifier with createVerifier(), or close it later.",
        });
      }
      pool ??= createPool({ workers, deadlineMs });
      const judgement = await pool.judge(prepared.comparison);
      return { ...judgement, milliseconds: since(startedMs) };
    },
    async close() {
      closed = true;
      await pool?.close();
    },
  };
}

function since(startedMs: number): number {
  return Math.round((performance.now() - startedMs) * 1000) / 1000;
}

function checked(name: string, value: number, most: number): number {
  if (Number.isSafeInteger(value) && value >= 1 && value <= most) return value;
  throw new SwarrError("BAD_ARGUMENT", {
    what: `${name} is ${value}.`,
    expected: `an integer from 1 to ${most}.`,
    fix: `Choose another value for ${name}.`,
  });
}
