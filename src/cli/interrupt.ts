// Ctrl-C: the first press asks the work to stop at the next safe point, the second ends the process.

import { SwarrError } from "../base/errors.ts";

/**
 * Runs `work` with a signal that Ctrl-C (or SIGTERM) aborts. Work that stops early calls `signal.throwIfAborted()` once it has
 * saved what it must; the reason is a SwarrError `INTERRUPTED` that ends with `howToGoOn`.
 *
 * @param howToGoOn  one sentence: "Go on with: swarr run DIR --resume."
 * @param quit       called right before the second press ends this process: ends what would go on without it
 */
export async function withInterrupt<Result>(
  howToGoOn: string,
  work: (signal: AbortSignal) => Promise<Result>,
  quit: () => void = () => {},
): Promise<Result> {
  const controller = new AbortController();
  const ignore = (): void => {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    if (controller.signal.aborted) {
      quit();
      // By the signal itself: leaving in order while the engine runs would end in its abort.
      ignore();
      process.kill(process.pid, signal);
      return;
    }
    process.stderr.write("\nStopping at the next safe point; press Ctrl-C again to quit at once.\n");
    controller.abort(
      new SwarrError("INTERRUPTED", {
        what: "Stopped by Ctrl-C.",
        expected: "the work to run to its end.",
        fix: howToGoOn,
      }),
    );
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  try {
    return await work(controller.signal);
  } finally {
    ignore();
  }
}
