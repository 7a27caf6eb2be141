// The runtime's own start, given the stack that a long command line makes it need.

import { Worker } from "node:worker_threads";
import { builtNeighbour } from "../base/built-file.ts";
import { readBytes } from "../base/files.ts";

/** A thread of 4 MB, the smallest stack that sessions are opened on, is enough for three times this. */
const SHORT = 4096;

/** As measured, 290 for each byte of the command line, whatever it says; the rest is room. */
const STACK_BYTES_A_BYTE = 512;

/**
 * To be awaited before this thread's first session.
 *
 * On Linux the runtime matches a regular expression against the process's command line when it starts, and that recurses
 * once a character: above some 28 kB (`--ids`, `--prompt`) it overflows the stack, and the process ends without a word. It
 * starts once a process, so that a thread with a larger stack can do it for all others.
 */
export function startRuntime(): Promise<void> {
  started ??= startWithRoom(commandLineBytes());
  return started;
}

let started: Promise<void> | null = null;

async function startWithRoom(bytes: number): Promise<void> {
  if (bytes <= SHORT) return;
  const stackSizeMb = 8 + Math.ceil((bytes * STACK_BYTES_A_BYTE) / 2 ** 20);
  const worker = new Worker(builtNeighbour(import.meta.url, "runtime-start-worker"), {
    resourceLimits: { stackSizeMb },
    // Flags of the parent (a test runner's, a debugger's) are not for the worker.
    execArgv: [],
  });
  await new Promise<void>((resolve, reject) => {
    worker.once("error", reject);
    worker.once("exit", () => resolve());
  });
}

/** What the runtime will read; `process.argv` is not it in a worker thread. 0 where it reads nothing. */
function commandLineBytes(): number {
  if (process.platform !== "linux") return 0;
  try {
    return readBytes("/proc/self/cmdline", "the command line").length;
  } catch {
    return 0;
  }
}
