// Plants faults in a copy of the tree, one at a time, and runs the tests there.

import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import ts from "typescript";
import type { Fault } from "./fault.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");
const COPIED = [
  "src",
  "test",
  "scripts",
  "recipes",
  "docs",
  "dist",
  "package.json",
  "tsconfig.json",
  "vitest.config.ts",
];

/** Outcome by full name, `describe` and `it` joined by " > ". */
export type Outcomes = ReadonlyMap<string, "passed" | "failed" | "other">;

export interface Plantation {
  /** Runs a test file of the healthy copy. */
  runHealthy(testFile: string): Outcomes;
  /** Runs the fault's one test with the fault in place, then mends the copy. */
  runFaulty(fault: Fault): Outcomes;
  dispose(): void;
}

/** Whether a fault's piece of text stands in its file exactly once. */
export function applies(file: string, find: string, root = ROOT): boolean {
  const place = path.join(root, file);
  return fs.existsSync(place) && fs.readFileSync(place, "utf8").split(find).length === 2;
}

export function openPlantation(): Plantation {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "swarr-faults-"));
  for (const name of COPIED) {
    const from = path.join(ROOT, name);
    if (fs.existsSync(from)) fs.cpSync(from, path.join(folder, name), { recursive: true });
  }
  fs.symlinkSync(path.join(ROOT, "node_modules"), path.join(folder, "node_modules"), "junction");
  return {
    runHealthy: (testFile) => runTests(folder, testFile, null),
    runFaulty: (fault) => {
      if (!applies(fault.file, fault.find, folder)) {
        throw new Error(`"${fault.name}" does not apply to ${fault.file}: move it along with the line it changes.`);
      }
      const file = path.join(folder, fault.file);
      const healthy = fs.readFileSync(file, "utf8");
      const built = path.join(folder, fault.file.replace(/^src/, "dist").replace(/\.ts$/, ".js"));
      try {
        // Workers and commands run the built file, so the fault goes there too.
        writeBoth(
          file,
          built,
          healthy.replace(fault.find, () => fault.replace),
        );
        return runTests(folder, fault.testFile, fault.test);
      } finally {
        writeBoth(file, built, healthy);
      }
    },
    dispose: () => fs.rmSync(folder, { recursive: true, force: true }),
  };
}

function writeBoth(file: string, built: string, source: string): void {
  fs.writeFileSync(file, source);
  if (!fs.existsSync(built)) return;
  const compilerOptions: ts.CompilerOptions = {
    module: ts.ModuleKind.ESNext,
    target: ts.ScriptTarget.ES2023,
    rewriteRelativeImportExtensions: true,
    verbatimModuleSyntax: true,
  };
  fs.writeFileSync(built, ts.transpileModule(source, { compilerOptions, fileName: file }).outputText);
}

interface JsonReport {
  readonly testResults: readonly {
    readonly message?: string;
    readonly assertionResults: readonly {
      readonly ancestorTitles: readonly string[];
      readonly title: string;
      readonly status: string;
    }[];
  }[];
}

function runTests(folder: string, testFile: string, test: string | null): Outcomes {
  const report = path.join(folder, "report.json");
  fs.rmSync(report, { force: true });
  const vitest = path.join(folder, "node_modules/vitest/vitest.mjs");
  const args = [vitest, "run", testFile, "--reporter=json", `--outputFile=${report}`];
  // Vitest matches a pattern against the names joined by spaces.
  if (test !== null) args.push("-t", `^${escapePattern(test.replaceAll(" > ", " "))}$`);
  // Nothing of the outer run may reach the inner one, least of all the name of its suite.
  const environment = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(?:VITEST|SWARR_)/.test(name)),
  );
  const run = spawnSync(process.execPath, args, { cwd: folder, encoding: "utf8", env: environment, timeout: 300_000 });
  const outcomes = new Map<string, "passed" | "failed" | "other">();
  if (!fs.existsSync(report)) throw new Error(`${testFile} did not run: ${run.stderr.slice(-2000)}`);
  const { testResults } = JSON.parse(fs.readFileSync(report, "utf8")) as JsonReport;
  for (const { ancestorTitles, title, status } of testResults.flatMap((result) => result.assertionResults)) {
    const name = [...ancestorTitles, title].join(" > ");
    // A name may stand for several cases; one that failed is enough to notice.
    if (outcomes.get(name) !== "failed")
      outcomes.set(name, status === "passed" || status === "failed" ? status : "other");
  }
  // A fault may stop the file from loading at all; then every test of it has failed.
  const broken = testResults.find((result) => result.assertionResults.length === 0);
  if (broken !== undefined && test === null)
    throw new Error(`${testFile} does not load: ${broken.message ?? run.stderr}`);
  if (broken !== undefined && test !== null) outcomes.set(test, "failed");
  return outcomes;
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
