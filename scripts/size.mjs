// npm run size: lines of source and of tests by room, and the share of files above the targets.

import fs from "node:fs";
import path from "node:path";
import { ROOT, filesBelow } from "./lib/repository.mjs";

const rooms = new Map();
const lengths = [];
for (const top of ["src", "test", "scripts", "bench"]) {
  for (const file of filesBelow(path.join(ROOT, top)).filter((name) => /\.(?:ts|tsx|mjs|py|css)$/.test(name))) {
    const lines = fs
      .readFileSync(path.join(ROOT, top, file), "utf8")
      .trimEnd()
      .split("\n").length;
    const room = top === "src" && file.includes("/") ? `src/${file.split("/")[0]}` : top;
    const row = rooms.get(room) ?? { files: 0, source: 0, tests: 0 };
    const isTest = top === "test" || /\.test\.tsx?$/.test(file);
    row.files += 1;
    row[isTest ? "tests" : "source"] += lines;
    rooms.set(room, row);
    if (top === "src" && !isTest) lengths.push(lines);
  }
}

const cell = (value, width) => String(value).padStart(width);
console.log(`${"room".padEnd(18)}${cell("files", 6)}${cell("source", 8)}${cell("tests", 8)}`);
const total = { files: 0, source: 0, tests: 0 };
for (const [room, row] of [...rooms].sort()) {
  console.log(`${room.padEnd(18)}${cell(row.files, 6)}${cell(row.source, 8)}${cell(row.tests, 8)}`);
  for (const key of Object.keys(total)) total[key] += row[key];
}
console.log(`${"total".padEnd(18)}${cell(total.files, 6)}${cell(total.source, 8)}${cell(total.tests, 8)}`);

lengths.sort((a, b) => a - b);
const short = lengths.filter((lines) => lines <= 220).length;
const share = Math.round((100 * short) / Math.max(1, lengths.length));
console.log(
  `\nsource files: median ${lengths[lengths.length >> 1] ?? 0} lines, ${share} % at most 220, longest ${lengths.at(-1) ?? 0}`,
);
