// The one writer of a run's events.jsonl: whole lines only, stamped with the time.

import fs from "node:fs";
import path from "node:path";
import { writingTo } from "../base/files.ts";
import { invariant } from "../base/invariant.ts";
import { recoverJsonl } from "../formats/jsonl.ts";
import { encodeEvent, type RunEvent } from "./events.ts";

/** An event before it has its time. */
export type UnstampedEvent = RunEvent extends infer Event
  ? Event extends RunEvent
    ? Omit<Event, "time">
    : never
  : never;

export interface EventLog {
  /** bytes of a torn last line that were cut off when the log was opened */
  readonly recoveredBytes: number;
  /**
   * Writes one line in one call, so that a crash tears at most the last one.
   *
   * @throws `NOT_FINITE` naming the field; nothing is written then
   */
  append(event: UnstampedEvent): void;
  close(): void;
}

/**
 * Opens the log for appending; what a crash left half written is cut off first.
 *
 * @param onEvent sees every event after it is on disk: the progress line listens here
 */
export function openEventLog(
  file: string,
  options: { readonly onEvent?: (event: RunEvent) => void; readonly now?: () => Date } = {},
): EventLog {
  const { onEvent, now = () => new Date() } = options;
  const { recoveredBytes, handle } = writingTo(file, () => {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    return { recoveredBytes: recoverJsonl(file), handle: fs.openSync(file, "a") };
  });
  let open = true;
  return {
    recoveredBytes,
    append(event) {
      invariant(open, `the event log ${file} is open when a ${event.type} event is written`);
      const stamped = { ...event, time: now().toISOString() } as RunEvent;
      const line = Buffer.from(encodeEvent(stamped));
      const written = writingTo(file, () => fs.writeSync(handle, line));
      invariant(written === line.length, `all ${line.length} bytes of an event reach ${file}, not ${written}`);
      onEvent?.(stamped);
    },
    close() {
      if (!open) return;
      open = false;
      fs.closeSync(handle);
    },
  };
}
