// Runs the snippets of one document, in order, in a folder where `import … from "swarr"` and `swarr …` mean this checkout.

import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import ts from "typescript";
import { ROOT } from "./repository.mjs";

/**
 * `ts` and `js` blocks run as modules; in `sh` blocks the lines that begin with `swarr` or `npx swarr` run, each for itself.
 * A block after a comment `<!-- not run: why -->` is left out and counted.
 *
 * @returns `{ ran, leftOut, complaints }`; a complaint begins with the line of its block
 */
export async function runSnippets(file, folder) {
  const outcome = { ran: 0, leftOut: 0, complaints: [] };
  const blocks = blocksOf(fs.readFileSync(file, "utf8"));
  if (blocks.length === 0) return outcome;
  fs.mkdirSync(path.join(folder, "node_modules"), { recursive: true });
  fs.symlinkSync(ROOT, path.join(folder, "node_modules", "swarr"), "junction");
  for (const block of blocks) {
    if (block.notRun) outcome.leftOut += 1;
    else for (const failure of runBlock(block, folder, outcome)) outcome.complaints.push(`${block.line}: ${failure}`);
  }
  return outcome;
}

function blocksOf(text) {
  const blocks = [];
  const pattern = /^(<!-- not run: [^\n]+ -->\n\s*)?```(ts|js|sh)\n([\s\S]*?)^```$/gm;
  for (const match of text.matchAll(pattern)) {
    const line = text.slice(0, match.index).split("\n").length;
    blocks.push({ line, notRun: match[1] !== undefined, language: match[2], code: match[3] });
  }
  return blocks;
}

function runBlock(block, folder, outcome) {
  if (block.language !== "sh") {
    outcome.ran += 1;
    const script = path.join(folder, `line-${block.line}.mjs`);
    const options = { compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 } };
    fs.writeFileSync(script, ts.transpileModule(block.code, options).outputText);
    return failureOf([script], folder, "the snippet");
  }
  const commands = block.code
    .replaceAll("\\\n", " ")
    .split("\n")
    .map((line) => /^(?:\$ )?(?:npx )?swarr (.*)$/.exec(line.trim())?.[1])
    .filter((args) => args !== undefined);
  outcome.ran += commands.length;
  return commands.flatMap((args) =>
    failureOf([path.join(ROOT, "dist/cli/main.js"), ...wordsOf(args)], folder, `swarr ${args}`),
  );
}

function failureOf(args, cwd, name) {
  const run = spawnSync(process.execPath, args, { cwd, encoding: "utf8", timeout: 120_000 });
  if (run.status === 0) return [];
  return [`${name} ended with ${run.status ?? run.signal}: ${run.stderr.trim().split("\n").slice(-6).join("\n  ")}`];
}

/** Splits a command line at spaces outside quotes; a comment at the end is dropped. */
function wordsOf(line) {
  const words = line.replace(/\s#\s.*$/, "").match(/"[^"]*"|'[^']*'|\S+/g) ?? [];
  return words.map((word) => word.replace(/^(["'])(.*)\1$/, "$2"));
}
