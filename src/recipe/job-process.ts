// Starting a job in a worker thread and hearing from it.

import { Worker } from "node:worker_threads";
import { SwarrError } from "../base/errors.ts";
import type { FromWorker, Job, ToWorker } from "./job.ts";

export interface JobListeners {
  readonly onEvent: (event: (FromWorker & { readonly kind: "event" })["event"]) => void;
  readonly onSampled: (tokens: number) => void;
  /** asks the job to stop after its current step */
  readonly signal: AbortSignal;
}

/** The built file: workers run JavaScript also when the caller is TypeScript under test. */
function workerFile(): URL {
  const here = import.meta.url;
  return here.endsWith(".ts") ? new URL("../../dist/recipe/stage-worker.js", here) : new URL("./stage-worker.js", here);
}

/** @throws whatever the job threw, as it was; `INTERNAL` when the worker dies without a word */
export function runInWorker(job: Job, { onEvent, onSampled, signal }: JobListeners): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(workerFile(), { workerData: job });
    const stop = (): void => worker.postMessage({ kind: "stop" } satisfies ToWorker);
    signal.addEventListener("abort", stop, { once: true });
    let settled = false;
    const settle = (finish: () => void): void => {
      if (settled) return;
      settled = true;
      signal.removeEventListener("abort", stop);
      finish();
    };
    worker.on("message", (message: FromWorker) => {
      switch (message.kind) {
        case "event":
          try {
            onEvent(message.event);
          } catch (thrown) {
            settle(() => reject(thrown));
            void worker.terminate();
          }
          return;
        case "sampled":
          onSampled(message.tokens);
          return;
        case "done":
          settle(resolve);
          return;
        case "failed":
          settle(() => reject(failure(message)));
          return;
        default:
          message satisfies never;
      }
    });
    worker.on("error", (thrown) => settle(() => reject(thrown)));
    worker.on("exit", (code) =>
      settle(() => reject(new Error(`The worker of ${job.arm} ${job.stage} ended (${code}).`))),
    );
    if (signal.aborted) stop();
  });
}

function failure({ code, parts, text }: FromWorker & { readonly kind: "failed" }): Error {
  return code === null || parts === null ? new Error(text) : new SwarrError(code, parts);
}
