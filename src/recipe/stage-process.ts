// The worker thread of one job: it runs the engine, so that the main thread stays free for Ctrl-C and progress.

import { parentPort, workerData } from "node:worker_threads";
import { invariant } from "../base/invariant.ts";
import { SwarrError, messageOf } from "../base/errors.ts";
import type { FromWorker, Job, ToWorker } from "./job.ts";
import { runJob } from "./run-job.ts";

const port = parentPort;
invariant(port !== null, "this file is started as a worker");
const say = (message: FromWorker): void => port.postMessage(message);

const stopping = new AbortController();
port.on("message", (message: ToWorker) => {
  message.kind satisfies "stop";
  const fix = "Go on with --resume.";
  stopping.abort(new SwarrError("INTERRUPTED", { what: "The run was stopped.", expected: "it to finish.", fix }));
});

try {
  await runJob(workerData as Job, {
    log: (event) => say({ kind: "event", event }),
    onSampled: (tokens) => say({ kind: "sampled", tokens }),
    signal: stopping.signal,
  });
  say({ kind: "done" });
} catch (thrown) {
  const known = thrown instanceof SwarrError ? thrown : null;
  const text = thrown instanceof Error ? (thrown.stack ?? thrown.message) : messageOf(thrown);
  say({ kind: "failed", code: known?.code ?? null, parts: known?.parts ?? null, text });
}
port.close();
