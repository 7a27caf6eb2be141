// `swarr dashboard` as people start it: the built program in a process of its own.

import { spawn } from "node:child_process";
import path from "node:path";

export interface DashboardProcess {
  readonly url: string;
  /** Ctrl-C; gives the exit status */
  stop(): Promise<number | null>;
}

export async function startDashboardProcess(folder: string): Promise<DashboardProcess> {
  const main = path.resolve(import.meta.dirname, "../../dist/cli/main.js");
  const child = spawn(process.execPath, [main, "dashboard", folder, "--port", "0", "--json"], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let complaints = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (complaints += text));
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  const url = await new Promise<string>((resolve, reject) => {
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      const found = /"url": "([^"]+)"/.exec(output)?.[1];
      if (found !== undefined) resolve(found);
    });
    void ended.then((status) => reject(new Error(`swarr dashboard ended with ${status}: ${complaints}`)));
  });
  return {
    url,
    stop: () => {
      child.kill("SIGINT");
      return ended;
    },
  };
}
