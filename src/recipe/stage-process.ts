// The process of one job: it runs the engine, so that its memory goes when it ends and the parent stays free for Ctrl-C and progress.

import { Worker } from "node:worker_threads";
import { builtNeighbour } from "../base/built-file.ts";
import { invariant } from "../base/invariant.ts";
import { SwarrError, messageOf } from "../base/errors.ts";
import type { FromJob, ToJob } from "./job.ts";
import { runJob } from "./run-job.ts";

invariant(process.send !== undefined, "this file is started by job-process.ts");
const say = (message: FromJob): Promise<void> => new Promise((resolve) => process.send!(message, () => resolve()));

// Ctrl-C reaches every process of a terminal; the parent decides what becomes of it.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => {});

/** At once and without a word: leaving in order while the engine runs would end in its abort. */
const vanish = (): void => void process.kill(process.pid, "SIGKILL");
process.on("disconnect", vanish);
// That event waits for the event loop, which synchronous work may never let go; a thread does not. It costs 3 ms and 10 MB.
new Worker(builtNeighbour(import.meta.url, "parent-watch"), { workerData: Number(process.argv[2]) }).unref();

const stopping = new AbortController();
process.on("message", (message: ToJob) => {
  switch (message.kind) {
    case "start":
      void work(message);
      return;
    case "stop": {
      const fix = "Go on with --resume.";
      stopping.abort(new SwarrError("INTERRUPTED", { what: "The run was stopped.", expected: "it to finish.", fix }));
      return;
    }
    default:
      message satisfies never;
  }
});

async function work({ job }: ToJob & { readonly kind: "start" }): Promise<void> {
  try {
    await runJob(job, {
      log: (event) => void say({ kind: "event", event }),
      onSampled: (tokens) => void say({ kind: "sampled", tokens }),
      signal: stopping.signal,
    });
    await say({ kind: "done" });
    process.off("disconnect", vanish);
  } catch (thrown) {
    const known = thrown instanceof SwarrError ? thrown : null;
    const text = thrown instanceof Error ? (thrown.stack ?? thrown.message) : messageOf(thrown);
    await say({ kind: "failed", code: known?.code ?? null, parts: known?.parts ?? null, text });
  }
  process.disconnect();
}
