// `swarr dashboard`: a live local page over run folders.

import type { Command } from "commander";
import type { CommandModule } from "../command.ts";
import { portNumber } from "../flags.ts";
import { JSON_FLAG, note, printResult } from "../output.ts";

interface DashboardFlags {
  readonly port: number;
  readonly json?: boolean;
}

export const dashboardCommand: CommandModule = {
  name: "dashboard",
  summary: "a live local page over run folders",
  example: "swarr dashboard runs",
  register(program: Command): void {
    program
      .command("dashboard <dir>")
      .description(
        "Serves a page about the run in the folder, or the runs below it, on this machine only (127.0.0.1).\n" +
          "It reads the folders and never writes. Ctrl-C stops it.",
      )
      .option("--port <P>", "where to listen; 0 takes any free port", portNumber, 7878)
      .option(...JSON_FLAG)
      .action(dashboard);
  },
};

async function dashboard(folder: string, flags: DashboardFlags): Promise<void> {
  const { startDashboard } = await import("../../dashboard/server.ts");
  const running = await startDashboard({ folder, port: flags.port });
  printResult(flags.json, { url: running.url }, () => running.url);
  note("Open the address in a browser; Ctrl-C stops.");
  await new Promise<void>((resolve) => {
    process.once("SIGINT", resolve);
    process.once("SIGTERM", resolve);
  });
  await running.close();
}
