// npm run docs-check: documents say what is true. Links lead somewhere, every error code has its line, and snippets run.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { ROOT, filesBelow } from "./lib/repository.mjs";
import { setUp } from "./lib/setup.mjs";
import { runSnippets } from "./lib/snippets.mjs";

await setUp();
const documents = [
  ...fs.readdirSync(ROOT).filter((name) => name.endsWith(".md")),
  ...["docs", "src"].flatMap((top) =>
    filesBelow(path.join(ROOT, top))
      .filter((file) => file.endsWith(".md"))
      .map((file) => `${top}/${file}`),
  ),
];

const complaints = [...documents.flatMap(brokenLinks), ...documents.flatMap(unknownPaths), ...(await errorCodes())];
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "swarr-docs-"));
const counts = { ran: 0, leftOut: 0 };
try {
  for (const file of documents) {
    const outcome = await runSnippets(path.join(ROOT, file), path.join(folder, file.replaceAll("/", "-")));
    counts.ran += outcome.ran;
    counts.leftOut += outcome.leftOut;
    complaints.push(...outcome.complaints.map((complaint) => `${file}:${complaint}`));
  }
} finally {
  fs.rmSync(folder, { recursive: true, force: true });
}
for (const complaint of complaints) console.error(complaint);
console.log(
  `${documents.length} documents, ${counts.ran} snippets ran, ${counts.leftOut} marked as not run, ${complaints.length} complaints`,
);
process.exitCode = complaints.length === 0 ? 0 : 1;

/** Relative links must point at files that exist. */
function brokenLinks(file) {
  const text = fs.readFileSync(path.join(ROOT, file), "utf8");
  return [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
    .map((match) => match[1])
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => !fs.existsSync(path.resolve(ROOT, path.dirname(file), target)))
    .map((target) => `${file}: links to ${target}, which does not exist.`);
}

/** Files of the project named in backticks must exist. */
function unknownPaths(file) {
  if (file === "CHANGELOG.md") return [];
  const text = fs.readFileSync(path.join(ROOT, file), "utf8");
  return [...text.matchAll(/`((?:src|test|scripts|docs|recipes|bench)\/[\w./-]+\.[a-z]+)`/g)]
    .map((match) => match[1])
    .filter((target) => !fs.existsSync(path.join(ROOT, target)))
    .map((target) => `${file}: names ${target}, which does not exist.`);
}

/** docs/errors.md has one heading for each code of the closed list, and no other. */
async function errorCodes() {
  const { ERROR_CODES } = await import(pathToFileURL(path.join(ROOT, "dist/base/errors.js")).href);
  const file = "docs/errors.md";
  const text = fs.readFileSync(path.join(ROOT, file), "utf8");
  const described = [...text.matchAll(/^\| `([A-Z_]+)`\s+\|/gm)].map((match) => match[1]);
  return [
    ...ERROR_CODES.filter((code) => !described.includes(code)).map((code) => `${file}: has no line for ${code}.`),
    ...described
      .filter((code) => !ERROR_CODES.includes(code))
      .map((code) => `${file}: describes ${code}, which no code raises.`),
  ];
}
