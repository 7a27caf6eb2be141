// npm run bench:peers: the bench's work done by swarr and by its peers, turn by turn in one run; README.md beside this file says how.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { ROOT } from "../../scripts/lib/repository.mjs";
import { setUp } from "../../scripts/lib/setup.mjs";
import { cellsOf } from "./cells.mjs";
import { compareCell } from "./compare.mjs";
import { Sides } from "./side.mjs";
import { markdownTable, plainTable } from "./table.mjs";

const { values: flags } = parseArgs({
  options: {
    python: { type: "string", default: "python3" },
    rounds: { type: "string", default: "5" },
    threads: { type: "string", default: String(os.availableParallelism()) },
    only: { type: "string", default: "" },
    out: { type: "string" },
    into: { type: "string" },
    json: { type: "boolean", default: false },
    markdown: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
  },
});

const cells = cellsOf(flags.only.split(",").filter((part) => part !== ""));
if (cells.length === 0) refuse(`--only ${flags.only} fits no cell. Expected parts of the names that --list prints.`);
if (flags.list) console.log(cells.map(({ id }) => id).join("\n"));
else await main();

async function main() {
  const rounds = wholeNumber("rounds");
  const threads = wholeNumber("threads");
  if (flags.into !== undefined) putInto(flags.into);
  await setUp();
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "swarr-peers-"));
  const sides = new Sides(flags.python, threads);
  const versions = {};
  const results = [];
  try {
    versions.swarr = JSON.parse(fs.readFileSync(path.join(ROOT, "package.json"), "utf8")).version;
    const { side: ours, versions: own } = await sides.open("swarr.mjs");
    Object.assign(versions, own);
    for (const cell of cells) {
      const file = path.join(folder, "weights.safetensors");
      const { side: theirs, versions: others = {}, missing } = await sides.open(cell.script);
      Object.assign(versions, others);
      const options = { rounds, threads, file, onProgress: note };
      results.push(
        missing === undefined ? await compareCell(cell, { ours, theirs }, options) : { ...cell, leftOut: missing },
      );
      // A peer's process ends with its cell: what one leaves behind must not slow the next.
      sides.end(cell.script);
      note(
        plainTable({ ...facts(versions, threads, rounds), cells: results.slice(-1) })
          .split("\n")
          .at(-1),
      );
    }
  } finally {
    sides.endAll();
    fs.rmSync(folder, { recursive: true, force: true });
  }
  report({ ...facts(versions, threads, rounds), cells: results });
}

function facts(versions, threads, rounds) {
  const machine = {
    cpu: os.cpus()[0]?.model ?? "unknown",
    cores: os.availableParallelism(),
    memoryBytes: os.totalmem(),
  };
  return { date: new Date().toISOString().slice(0, 10), machine, versions, threads, rounds };
}

function report(result) {
  if (flags.out !== undefined) fs.writeFileSync(flags.out, `${JSON.stringify(result, null, 2)}\n`);
  if (flags.into !== undefined) putInto(flags.into, markdownTable(result));
  if (flags.json) console.log(JSON.stringify(result));
  else console.log(flags.markdown ? markdownTable(result) : plainTable(result));
  const unequal = result.cells.filter(({ sameWork }) => sameWork === false);
  if (unequal.length === 0) return;
  for (const { id, checks } of unequal) note(`${id}: the sides did not do the same work: ${JSON.stringify(checks)}`);
  process.exitCode = 1;
}

/** Replaces what stands between the markers of the file; without a table it only looks for them. */
function putInto(file, table = null) {
  const text = fs.readFileSync(file, "utf8");
  const [start, end] = ["<!-- peers -->", "<!-- /peers -->"].map((marker) => text.indexOf(marker));
  if (start < 0 || end < start) refuse(`${file} has no lines <!-- peers --> and <!-- /peers -->.`);
  if (table === null) return;
  fs.writeFileSync(file, `${text.slice(0, start)}<!-- peers -->\n\n${table}\n\n${text.slice(end)}`);
}

function wholeNumber(name) {
  const value = Number(flags[name]);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  return refuse(`--${name} is ${flags[name]}. Expected a whole number from 1.`);
}

function note(text) {
  process.stderr.write(`${text}\n`);
}

function refuse(text) {
  note(text);
  process.exit(2);
}
