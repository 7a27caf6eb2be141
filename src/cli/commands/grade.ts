// `swarr grade`: judges the rows of a file, one JSON line a row, in order, however large the file is.

import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Command } from "commander";
import { asString } from "../../base/json.ts";
import type { Verdict } from "../../verify/verdict.ts";
import type { CommandModule } from "../command.ts";
import { withInterrupt } from "../interrupt.ts";

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

function gradeFile(file: string): Promise<void> {
  return withInterrupt("Start it again.", (signal) =>
    file === "-" ? gradeStandardInput(signal) : gradeRows(file, file, signal),
  );
}

/** Two passes need a file; standard input is gone after one. */
async function gradeStandardInput(signal: AbortSignal): Promise<void> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "swarr-grade-"));
  const remove = (): void => fs.rmSync(folder, { recursive: true, force: true });
  // A reader of our output that closes early ends the process on the spot.
  process.once("exit", remove);
  const copy = path.join(folder, "stdin.jsonl");
  try {
    await pipeline(process.stdin, fs.createWriteStream(copy), { signal });
    await gradeRows(copy, "standard input", signal);
  } catch (thrown) {
    // The pipeline only says that it was stopped; the signal's reason says by whom.
    signal.throwIfAborted();
    throw thrown;
  } finally {
    remove();
    process.off("exit", remove);
  }
}

async function gradeRows(file: string, where: string, signal: AbortSignal): Promise<void> {
  await requireRows(file, where, signal);
  const { createVerifier } = await import("../../verify/verify.ts");
  const verifier = createVerifier({ workers: workerCount() });
  try {
    await printVerdicts(rowsOf(file, where, signal), (row) => verifier.grade(row.gold, row.prediction));
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

const ROWS_A_TURN = 256;

/** Leaves a core for this thread, which reads and extracts. */
function workerCount(): number {
  return Math.max(1, Math.min(4, os.availableParallelism() - 1));
}

/** @throws `BAD_JSON` with the line of the first row that is no row */
async function requireRows(file: string, where: string, signal: AbortSignal): Promise<void> {
  const rows = rowsOf(file, where, signal);
  for (let row = await rows.next(); row.done !== true;) row = await rows.next();
}

async function* rowsOf(file: string, where: string, signal: AbortSignal): AsyncGenerator<Row> {
  const { jsonlRows } = await import("../../formats/jsonl.ts");
  for (const { line, value } of jsonlRows(file, "rows to grade", where)) {
    // Ctrl-C waits for a pause, and rows that are quickly judged leave none.
    if (line % ROWS_A_TURN === 0) await nextTurn();
    signal.throwIfAborted();
    yield {
      gold: asString(value["gold"], `${where} line ${line}: "gold"`),
      prediction: asString(value["prediction"], `${where} line ${line}: "prediction"`),
    };
  }
}

async function print(line: string): Promise<void> {
  if (!process.stdout.write(line)) await once(process.stdout, "drain");
}
