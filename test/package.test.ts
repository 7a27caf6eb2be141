// What a user gets from npm: the packed files alone, with the runtime dependencies alone, import and run in an empty folder.

import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT, filesBelow, npmCli } from "../scripts/lib/repository.mjs";
import * as source from "../src/swarr.ts";

interface LockEntry {
  readonly version?: string;
  readonly dev?: boolean;
  readonly resolved?: string;
  readonly hasInstallScript?: boolean;
  readonly engines?: { readonly node?: string };
}

interface Manifest {
  readonly name: string;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly allowScripts?: Readonly<Record<string, boolean>>;
}

const lockText = fs.readFileSync(path.join(ROOT, "package-lock.json"), "utf8");
const lock = JSON.parse(lockText) as { readonly packages: Readonly<Record<string, LockEntry>> };
let folder = "";
let installed = "";

/** Packs the checkout and lays the result out as npm would: our files, and links to the runtime dependencies. */
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "swarr-package-"));
  installed = path.join(folder, "node_modules", "swarr");
  fs.mkdirSync(installed, { recursive: true });
  const packed = run([npmCli(), "pack", "--ignore-scripts", "--json", "--pack-destination", folder], ROOT);
  const archive = filesBelow(folder).find((file) => file.endsWith(".tgz"));
  if (archive === undefined) throw new Error(`npm pack left no archive: ${packed.stderr}`);
  const untar = spawnSync("tar", ["-xzf", path.join(folder, archive), "--strip-components=1", "-C", installed]);
  if (untar.status !== 0) throw new Error(`tar: ${untar.stderr.toString()}`);
  for (const [place, entry] of Object.entries(lock.packages)) {
    const name = /^node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(place)?.[1];
    if (name === undefined || entry.dev === true || !fs.existsSync(path.join(ROOT, place))) continue;
    const link = path.join(folder, "node_modules", name);
    fs.mkdirSync(path.dirname(link), { recursive: true });
    fs.symlinkSync(path.join(ROOT, place), link, "junction");
  }
});

afterAll(() => {
  fs.rmSync(folder, { recursive: true, force: true });
});

function run(args: readonly string[], cwd = folder): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, args, { cwd, encoding: "utf8" });
}

describe("the packed package", () => {
  it("imports in an empty folder and exports what the source's entry exports", () => {
    const script = `import * as swarr from "swarr"; console.log(JSON.stringify(Object.keys(swarr).sort()));`;
    const outcome = run(["--input-type=module", "-e", script]);
    expect(outcome.stderr).toBe("");
    expect(JSON.parse(outcome.stdout)).toEqual(Object.keys(source).sort());
  });

  it("runs its command from there", () => {
    const manifest = JSON.parse(fs.readFileSync(path.join(installed, "package.json"), "utf8")) as { version: string };
    const outcome = run([path.join(installed, "dist/cli/main.js"), "--version"]);
    expect([outcome.status, outcome.stdout.trim(), outcome.stderr]).toEqual([0, manifest.version, ""]);
  });

  it("carries types that a strict program compiles against", () => {
    const file = path.join(folder, "consumer.mts");
    const line = `import { SwarrError } from "swarr";\nexport const code: string = new SwarrError("BAD_DATA", { what: "", expected: "", fix: "" }).code;\n`;
    fs.writeFileSync(file, `${line}export const wrong: number = code;\n`);
    const program = ts.createProgram([file], {
      module: ts.ModuleKind.NodeNext,
      target: ts.ScriptTarget.ES2023,
      strict: true,
      noEmit: true,
      types: [],
    });
    const complaints = ts.getPreEmitDiagnostics(program).map(({ messageText }) => messageText);
    // The one deliberate mistake and nothing else: a missing type would either add a complaint or hide this one.
    expect(complaints).toEqual(["Type 'string' is not assignable to type 'number'."]);
  });

  it("holds the built files, recipes, documents and licence, and neither sources nor tests", () => {
    const files = filesBelow(installed);
    for (const file of ["dist/swarr.js", "dist/swarr.d.ts", "README.md", "CHANGELOG.md", "LICENSE"]) {
      expect(files).toContain(file);
    }
    expect(files.filter((file) => /^(?:src|test|scripts|bench)\/|\.test\.|\.map$|\/\.build/.test(file))).toEqual([]);
  });
});

describe("package-lock.json", () => {
  it("names no download address, so that it installs from whatever registry is configured", () => {
    expect(lockText.match(/"resolved": "[a-z+]+:/g)).toBeNull();
  });

  it("marks no package as having an install script: npm ci must need nothing but the registry", () => {
    // npm 10 knows no allowScripts; it runs what the lock file marks. Remove the marks of onnxruntime-node and koffi after an update.
    const marked = Object.entries(lock.packages).filter(([, entry]) => entry.hasInstallScript === true);
    expect(marked.map(([place]) => place)).toEqual([]);
  });

  it("forbids the install script of every package that has one, by name", () => {
    // npm 11.19 and later, without the marks, look at the packages themselves.
    const manifest = (place: string): Manifest =>
      JSON.parse(fs.readFileSync(path.join(ROOT, place, "package.json"), "utf8")) as Manifest;
    const withScript = Object.keys(lock.packages)
      .filter((place) => place !== "" && fs.existsSync(path.join(ROOT, place, "package.json")))
      .map(manifest)
      .filter(({ scripts = {} }) => ["preinstall", "install", "postinstall"].some((event) => event in scripts))
      .map(({ name }) => name);
    expect(Object.fromEntries(withScript.map((name) => [name, false]))).toEqual(manifest("").allowScripts);
  });

  it("holds only packages that say they run on the oldest Node we support", () => {
    const tooNew = Object.entries(lock.packages)
      .filter(([, { engines }]) => engines?.node !== undefined && !admits(engines.node, [20, 19, 0]))
      .map(([place]) => place);
    // Measured on Node 20 all the same; docs/dependencies.md says how.
    expect(tooNew).toEqual(["node_modules/@cortex-js/compute-engine"]);
  });
});

/** Whether an engines range such as `^20.19.0 || >=22.12.0` or `18 || 20` admits a version. */
function admits(range: string, version: readonly number[]): boolean {
  const atLeast = (least: readonly number[]): boolean => {
    const at = least.findIndex((part, i) => part !== version[i]);
    return at < 0 || (version[at] ?? 0) > (least[at] ?? 0);
  };
  return range.split("||").some((clause) => {
    const match = /^(\^|~|>=)?\s*(\d+(?:\.\d+)*)$/.exec(clause.trim());
    if (match === null) throw new Error(`admits() does not know the range "${clause}"`);
    const least = (match[2] ?? "").split(".").map(Number);
    return match[1] === ">=" ? atLeast(least) : least[0] === version[0] && atLeast(least);
  });
}
