// `swarr report`: the report of a run folder as HTML, Markdown and CSV; viewers' files on request.

import type { Command } from "commander";
import { SwarrError } from "../../base/errors.ts";
import type { CommandModule } from "../command.ts";
import { outputPath } from "../flags.ts";
import { JSON_FLAG, note, printResult } from "../output.ts";

interface ReportFlags {
  readonly tensorboard?: string;
  readonly parquet?: string;
  readonly mlflow?: string;
  readonly wandb?: string;
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
          "report.csv into it. Stages the run has not reached are left out. Nothing is sent anywhere unless asked for.",
      )
      .option("--tensorboard <folder>", "also write TensorBoard event files there", outputPath)
      .option("--parquet <file>", "also write every rollout as one Parquet table", outputPath)
      .option("--mlflow <url>", "also send the curves to this MLflow server (MLFLOW_TRACKING_TOKEN, if it wants one)")
      .option("--wandb <entity/project>", "also send the curves to Weights & Biases (key in WANDB_API_KEY)")
      .option(...JSON_FLAG)
      .action(report);
  },
};

async function report(folder: string, flags: ReportFlags): Promise<void> {
  const { writeReport } = await import("../../report/report.ts");
  const files = writeReport(folder);
  const document = { ...files, ...(await extras(folder, flags)) };
  printResult(flags.json, document, () =>
    Object.values(document)
      .flatMap((value) => (typeof value === "object" ? [...value] : [value]))
      .join("\n"),
  );
}

/** What the flags ask for beside the report. */
async function extras(
  folder: string,
  flags: ReportFlags,
): Promise<Readonly<Record<string, string | readonly string[]>>> {
  const { gatherReport } = await import("../../report/gather.ts");
  const { writeRolloutsParquet, writeTensorboard } = await import("../../report/export-tables.ts");
  const done: Record<string, string | readonly string[]> = {};
  if (flags.parquet !== undefined) {
    const rows = await writeRolloutsParquet(folder, flags.parquet);
    note(`${rows} rollouts in ${flags.parquet}`);
    done["parquet"] = flags.parquet;
  }
  if (flags.tensorboard === undefined && flags.mlflow === undefined && flags.wandb === undefined) return done;
  const data = gatherReport(folder);
  if (flags.tensorboard !== undefined) done["tensorboard"] = writeTensorboard(data.timeline, flags.tensorboard);
  if (flags.mlflow !== undefined) {
    const { sendToMlflow } = await import("../../report/send-mlflow.ts");
    const token = process.env["MLFLOW_TRACKING_TOKEN"];
    const authorization = token === undefined ? null : `Bearer ${token}`;
    done["mlflow"] = await sendToMlflow(data, { url: webAddress(flags.mlflow), experiment: "swarr", authorization });
  }
  if (flags.wandb !== undefined) {
    const { sendToWandb } = await import("../../report/send-wandb.ts");
    done["wandb"] = await sendToWandb(data, wandbTarget(flags.wandb));
  }
  return done;
}

function wandbTarget(text: string) {
  const [entity = "", project = "", ...rest] = text.split("/");
  if (entity === "" || project === "" || rest.length > 0) {
    throw new SwarrError("BAD_ARGUMENT", {
      what: `--wandb is "${text}".`,
      expected: "ENTITY/PROJECT, such as my-team/windows.",
      fix: "Give both names with a slash between them.",
    });
  }
  const key = process.env["WANDB_API_KEY"];
  if (key === undefined || key === "") {
    throw new SwarrError("BAD_ARGUMENT", {
      what: "--wandb is given and WANDB_API_KEY is not set.",
      expected: "the key in the environment, never on the command line.",
      fix: "Set WANDB_API_KEY; WANDB_BASE_URL names a server of your own.",
    });
  }
  const url = webAddress(process.env["WANDB_BASE_URL"] ?? "https://api.wandb.ai");
  return { url, entity, project, key };
}

function webAddress(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw new SwarrError("BAD_ARGUMENT", {
    what: `"${text}" is no web address.`,
    expected: "one such as http://127.0.0.1:5000.",
    fix: "Give the tracker's address with http:// or https:// before it.",
  });
}
