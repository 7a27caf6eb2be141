// `swarr report`: the report of a run folder as HTML, Markdown and CSV; viewers' files on request.

import type { Command } from "commander";
import type { CommandModule } from "../command.ts";
import { JSON_FLAG, printResult } from "../output.ts";

interface ReportFlags {
  readonly json?: boolean;
}

export const reportCommand: CommandModule = {
  name: "report",
  summary: "write a run's report: HTML, Markdown, CSV",
  example: "swarr report runs/miniature",
  register(program: Command): void {
    program
      .command("report <dir>")
      .description(
        "Reads the run folder, finished or not, and writes report.html (one file, no network), report.md and\n" +
          "report.csv into it. Stages the run has not reached are left out.",
      )
      .option(...JSON_FLAG)
      .action(report);
  },
};

async function report(folder: string, flags: ReportFlags): Promise<void> {
  const { writeReport } = await import("../../report/report.ts");
  const files = writeReport(folder);
  printResult(flags.json, files, () => Object.values(files).join("\n"));
}
