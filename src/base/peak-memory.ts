// The most memory this process has held.

import fs from "node:fs";

/**
 * Resident bytes at their peak. Linux passes `maxRSS` on from the parent that started a process, so there the kernel's own
 * mark of this program is read.
 */
export function peakMemoryBytes(): number {
  if (process.platform === "linux") {
    const kibibytes = /^VmHWM:\s*(\d+) kB$/m.exec(fs.readFileSync("/proc/self/status", "utf8"))?.[1];
    if (kibibytes !== undefined) return Number(kibibytes) * 1024;
  }
  return process.resourceUsage().maxRSS * 1024;
}
