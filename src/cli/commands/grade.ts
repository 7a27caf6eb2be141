// `swarr grade`: judges the rows of a file, one JSON line a row, in order, however large the file is.

import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import { asString } from "../../base/json.ts";
import type { Verdict } from "../../verify/verdict.ts";
import type { CommandModule } from "../command.ts";

interface Row {
  readonly gold: string;
  readonly prediction: string;
}

export const gradeCommand: CommandModule = {
  name: "grade",
  summary: "judge answers against gold answers, row by row",
  example: "swarr grade answers.jsonl",
  register(program: Command): void {
    program
      .command("grade <file>")
      .description(
        "Judges every row {gold, prediction} of a JSON Lines file (- reads standard input) and prints one JSON line a row:\n" +
          "{index, verdict, answer, reason, milliseconds}. The verdict is right, wrong, unreadable or timeout. All rows are\n" +
          "checked before the first is judged.",
      )
      .option("--json", "changes nothing: the output is JSON lines either way")
      .action(gradeFile);
  },
};

async function gradeFile(file: string): Promise<void> {
  if (file !== "-") return gradeRows(file, file);
  // Two passes need a file; standard input is gone after one.
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "swarr-grade-"));
  const copy = path.join(folder, "stdin.jsonl");
  try {
    await pipeline(process.stdin, fs.createWriteStream(copy));
    await gradeRows(copy, "standard input");
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

async function gradeRows(file: string, where: string): Promise<void> {
  await requireRows(file, where);
  const { createVerifier } = await import("../../verify/verify.ts");
  const verifier = createVerifier({ workers: workerCount() });
  try {
    await printVerdicts(rowsOf(file, where), (row) => verifier.grade(row.gold, row.prediction));
  } finally {
    await verifier.close();
  }
}

/** As many rows are judged at a time as there are workers; lines are printed in the order of the rows. */
async function printVerdicts(rows: AsyncIterable<Row>, judge: (row: Row) => Promise<Verdict>): Promise<void> {
  const inFlight: Promise<Verdict>[] = [];
  let printed = 0;
  const printNext = async (): Promise<void> => {
    const { kind, answer, reason, milliseconds } = (await inFlight.shift()) as Verdict;
    await print(`${JSON.stringify({ index: printed, verdict: kind, answer, reason, milliseconds })}\n`);
    printed += 1;
  };
  for await (const row of rows) {
    inFlight.push(judge(row));
    if (inFlight.length >= workerCount()) await printNext();
  }
  while (inFlight.length > 0) await printNext();
}

/** Leaves a core for this thread, which reads and extracts. */
function workerCount(): number {
  return Math.max(1, Math.min(4, os.availableParallelism() - 1));
}

/** @throws `BAD_JSON` with the line of the first row that is no row */
async function requireRows(file: string, where: string): Promise<void> {
  const rows = rowsOf(file, where);
  for (let row = await rows.next(); row.done !== true;) row = await rows.next();
}

async function* rowsOf(file: string, where: string): AsyncGenerator<Row> {
  const { jsonlRows } = await import("../../formats/jsonl.ts");
  for (const { line, value } of jsonlRows(file, "rows to grade", where)) {
    yield {
      gold: asString(value["gold"], `${where} line ${line}: "gold"`),
      prediction: asString(value["prediction"], `${where} line ${line}: "prediction"`),
    };
  }
}

async function print(line: string): Promise<void> {
  if (!process.stdout.write(line)) await once(process.stdout, "drain");
}
