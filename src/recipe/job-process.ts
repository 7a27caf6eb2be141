// Starting a job in a process of its own and hearing from it.

import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { builtNeighbour } from "../base/built-file.ts";
import { SwarrError } from "../base/errors.ts";
import type { FromJob, Job, ToJob } from "./job.ts";

export interface JobListeners {
  readonly onEvent: (event: (FromJob & { readonly kind: "event" })["event"]) => void;
  readonly onSampled: (tokens: number) => void;
  /** asks the job to stop after its current step */
  readonly signal: AbortSignal;
}

const running = new Set<ChildProcess>();

/** Ends every job at once, without a snapshot: for a process that is about to end itself. */
export function killJobs(): void {
  for (const child of running) child.kill("SIGKILL");
}

/** @throws whatever the job threw, as it was; an `Error` when its process ends without a word */
export function runInProcess(job: Job, { onEvent, onSampled, signal }: JobListeners): Promise<void> {
  return new Promise((resolve, reject) => {
    // Its standard output joins our standard error: ours may carry JSON. Structured clones, because events hold NaN.
    const file = fileURLToPath(builtNeighbour(import.meta.url, "stage-process"));
    const parent = String(process.pid);
    const child = fork(file, [parent], { execArgv: [], serialization: "advanced", stdio: ["ignore", 2, 2, "ipc"] });
    if (running.size === 0) process.on("exit", killJobs);
    running.add(child);
    const ended = (): void => {
      signal.removeEventListener("abort", stop);
      running.delete(child);
      if (running.size === 0) process.off("exit", killJobs);
    };
    const tell = (message: ToJob): void => {
      if (child.connected) child.send(message);
    };
    const stop = (): void => tell({ kind: "stop" });
    let outcome: (() => void) | null = null;
    const fail = (thrown: unknown): void => {
      outcome ??= () => reject(thrown);
    };
    child.on("message", (message: FromJob) => {
      switch (message.kind) {
        case "event":
          try {
            onEvent(message.event);
          } catch (thrown) {
            fail(thrown);
            child.kill("SIGKILL");
          }
          return;
        case "sampled":
          onSampled(message.tokens);
          return;
        case "done":
          outcome ??= resolve;
          return;
        case "failed":
          fail(failure(message));
          return;
        default:
          message satisfies never;
      }
    });
    child.on("error", (thrown) => {
      ended();
      reject(thrown);
    });
    child.on("close", (code, killedBy) => {
      ended();
      (outcome ?? (() => reject(endedEarly(job, code, killedBy))))();
    });
    signal.addEventListener("abort", stop, { once: true });
    tell({ kind: "start", job });
    if (signal.aborted) stop();
  });
}

function failure({ code, parts, text }: FromJob & { readonly kind: "failed" }): Error {
  return code === null || parts === null ? new Error(text) : new SwarrError(code, parts);
}

function endedEarly({ arm, stage }: Job, code: number | null, killedBy: NodeJS.Signals | null): Error {
  const how = killedBy === null ? `with status ${code}` : `by ${killedBy}`;
  const hint = killedBy === "SIGKILL" ? " Systems do that when memory runs out." : "";
  return new Error(`The process of ${arm} ${stage} was ended ${how}.${hint}`);
}
