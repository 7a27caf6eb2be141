// The thread that reads and compares answers: one comparison in, one judgement out. It can be killed at any moment.

import { parentPort } from "node:worker_threads";
import { invariant } from "../base/invariant.ts";
import { loadAlgebra } from "./algebra.ts";
import { compared, comparedInClosedForm, needsClosedForm, type Comparison } from "./judge.ts";
import type { Judgement } from "./verdict.ts";

/** What the pool sends. */
export interface Job {
  readonly id: number;
  readonly comparison: Comparison;
}

/** What a worker sends: first that it can begin, then for every job perhaps that it must load a library, and its end. */
export type Report =
  | { readonly kind: "ready" }
  | { readonly kind: "loading"; readonly id: number }
  | { readonly kind: "loaded"; readonly id: number }
  | { readonly kind: "judged"; readonly id: number; readonly judgement: Judgement };

const port = parentPort;
invariant(port !== null, "verify/worker runs as a worker thread");

function report(message: Report): void {
  port?.postMessage(message);
}

async function judge(job: Job): Promise<Judgement> {
  const plain = compared(job.comparison);
  if (plain.kind !== "wrong" || !needsClosedForm(job.comparison)) return plain;
  report({ kind: "loading", id: job.id });
  await loadAlgebra();
  report({ kind: "loaded", id: job.id });
  return comparedInClosedForm(job.comparison, plain);
}

port.on("message", (job: Job) => {
  judge(job).then(
    (judgement) => report({ kind: "judged", id: job.id, judgement }),
    (thrown: unknown) => {
      // Leaving the event loop with an error tells the pool that this worker is gone.
      setImmediate(() => {
        throw thrown;
      });
    },
  );
});

report({ kind: "ready" });
