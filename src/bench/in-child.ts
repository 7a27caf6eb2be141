// Runs a measuring process and reads its result.

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { builtNeighbour } from "../base/built-file.ts";
import type { ChildOrder, ChildResult } from "./child.ts";

/** @throws Error when the process ends with a status other than 0 */
export function inChild(order: ChildOrder): Promise<ChildResult> {
  const file = builtNeighbour(import.meta.url, "child");
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [fileURLToPath(file), JSON.stringify(order)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (part: string) => (text += part));
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve(JSON.parse(text) as ChildResult);
      else reject(new Error(`The measuring process of ${JSON.stringify(order)} ended with ${code ?? "a signal"}.`));
    });
  });
}
