// Finds the run folders under a folder; a run is known to the page by its relative path, which only ever comes from here.

import fs from "node:fs";
import path from "node:path";
import { isRunFolder } from "../run/read-run.ts";

const MOST_DEPTH = 3;
const MOST_RUNS = 1000;
/** Parts of run folders and checkouts that hold no runs. */
const SKIPPED: ReadonlySet<string> = new Set(["node_modules", "checkpoints", "snapshots", "rollouts"]);

/** Run folders by id, in path order: the folder itself (id ".") when it is one, and those up to three levels below it. */
export function discoverRuns(root: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const visit = (folder: string, depth: number): void => {
    if (found.size >= MOST_RUNS) return;
    if (isRunFolder(folder)) {
      found.set(path.relative(root, folder).split(path.sep).join("/") || ".", folder);
    }
    if (depth === MOST_DEPTH) return;
    const entries = fs.readdirSync(folder, { withFileTypes: true });
    for (const entry of entries.sort((a, b) => a.name.localeCompare(b.name))) {
      // Links are not followed: they could lead out of the folder, or around in a circle.
      if (!entry.isDirectory() || entry.name.startsWith(".") || SKIPPED.has(entry.name)) continue;
      visit(path.join(folder, entry.name), depth + 1);
    }
  };
  visit(root, 0);
  return found;
}
