// A thread beside a job: ends its process once the run that started it is gone, whatever the job is busy with.

import { workerData } from "node:worker_threads";

/** How long a job may outlive its run. */
const EVERY_MS = 500;

const parent = workerData as number;

/** A process whose parent has died is given another one; where systems do not do that, the old one cannot be asked any more. */
function isThere(): boolean {
  if (process.ppid !== parent) return false;
  try {
    process.kill(parent, 0);
    return true;
  } catch {
    // Whatever the reason: one's own parent can be asked as long as it lives.
    return false;
  }
}

setInterval(() => {
  if (!isThere()) process.kill(process.pid, "SIGKILL");
}, EVERY_MS);
