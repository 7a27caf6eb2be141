// The layout as data: which room stands on which floor, which packages a room may open, and how long a file may be.

import fs from "node:fs";
import path from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";

/**
 * Imports go down only; rooms on one floor do not know each other. Type imports count.
 * `formats` has a floor of its own: the readers of data sets stand on JSONL and Parquet; so has `native`, between the graphs
 * it turns into machine code and the engines that run it.
 */
export const FLOORS: readonly (readonly string[])[] = [
  ["base"],
  ["tensor"],
  ["formats"],
  ["data", "tasks", "verify", "graph"],
  ["native"],
  ["tokens", "model", "engine", "run"],
  ["checkpoint", "generate", "train"],
  ["evaluate", "analyze", "replicas"],
  ["stage1-sft", "stage2-rl"],
  ["recipe", "bench"],
  ["report"],
  ["dashboard", "serve", "library"],
  ["cli"],
];

/** Packages with a door of their own: only these rooms (or files) may import them. */
const DOORS: Readonly<Record<string, readonly string[]>> = {
  "onnxruntime-node": ["engine"],
  protobufjs: ["engine"],
  koffi: ["native"],
  "node:fs": [
    "base/files.ts",
    "base/peak-memory.ts",
    "native/features.ts",
    "formats",
    "tokens",
    "run",
    "checkpoint",
    "recipe",
    "report",
    "dashboard",
    "serve",
    "cli",
  ],
  "node:worker_threads": [
    "verify",
    "engine",
    "replicas",
    "bench",
    "serve",
    "cli",
    "recipe/stage-process.ts",
    "recipe/parent-watch.ts",
  ],
  "node:http": ["dashboard", "serve", "evaluate", "checkpoint"],
  "@huggingface/tokenizers": ["tokens"],
  "@huggingface/jinja": ["tokens"],
  "@huggingface/hub": ["checkpoint"],
  "@cortex-js/compute-engine": ["verify"],
  hyparquet: ["formats"],
  "hyparquet-writer": ["formats"],
  yaml: ["recipe", "report"],
  commander: ["cli"],
  preact: ["dashboard"],
  uplot: ["dashboard"],
};

const MOST_LINES = 400;
const ROOT = path.resolve(import.meta.dirname, "..");
const ENTRY = "swarr.ts";

interface Edge {
  /** relative to src/, with forward slashes */
  readonly from: string;
  readonly line: number;
  /** relative to src/ for our own files, the bare package name otherwise */
  readonly to: string;
}

function filesBelow(folder: string): string[] {
  return fs
    .readdirSync(path.join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .map((file) => file.split(path.sep).join("/"))
    .filter((file) => /\.(?:ts|tsx|mjs)$/.test(file))
    .sort();
}

const isTest = (file: string): boolean => /\.test\.tsx?$/.test(file);
const SOURCES = filesBelow("src").filter((file) => !isTest(file));

/** What a source text imports, statically or by `import()`, with the line that says so. */
export function importsOf(from: string, text: string): Edge[] {
  return ts.preProcessFile(text, true, true).importedFiles.map(({ fileName, pos }) => ({
    from,
    line: text.slice(0, pos).split("\n").length,
    to: fileName.startsWith(".") ? path.posix.join(path.posix.dirname(from), fileName) : packageOf(fileName),
  }));
}

function packageOf(specifier: string): string {
  if (specifier === "node:fs/promises") return "node:fs";
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

const roomOf = (file: string): string => file.split("/")[0] ?? file;
const floorOf = (room: string): number => FLOORS.findIndex((floor) => floor.includes(room));

/** The sentence for an edge that breaks the floors; null for a legal one. */
export function brokenFloor({ from, line, to }: Edge): string | null {
  if (!to.includes(".ts")) return null;
  const [room, other] = [roomOf(from), roomOf(to)];
  if (other === ENTRY) return `src/${from}:${line}: imports ${ENTRY}, the package's entry; nothing inside may.`;
  if (room === other || from === ENTRY) return null;
  const [here, there] = [floorOf(room), floorOf(other)];
  if (there < here && there >= 0) return null;
  return `src/${from}:${line}: ${room}/ (floor ${here}) imports ${other}/ (floor ${there}); imports go down only.`;
}

function brokenDoor({ from, line, to }: Edge): string | null {
  const allowed = DOORS[to];
  if (allowed === undefined || allowed.some((place) => from === place || from.startsWith(`${place}/`))) return null;
  return `src/${from}:${line}: imports ${to}, which only ${allowed.join(", ")} may.`;
}

/** Each cycle once, as the files along it. */
export function cyclesOf(edges: readonly Edge[]): string[] {
  const targets = new Map<string, string[]>();
  for (const { from, to } of edges) targets.set(from, [...(targets.get(from) ?? []), to]);
  const finished = new Set<string>();
  const cycles: string[] = [];
  const walk = (file: string, trail: readonly string[]): void => {
    const at = trail.indexOf(file);
    if (at >= 0) cycles.push([...trail.slice(at), file].join(" -> "));
    if (at >= 0 || finished.has(file)) return;
    for (const next of targets.get(file) ?? []) walk(next, [...trail, file]);
    finished.add(file);
  };
  for (const file of targets.keys()) walk(file, []);
  return cycles;
}

const EDGES = SOURCES.flatMap((file) => importsOf(file, fs.readFileSync(path.join(ROOT, "src", file), "utf8")));

describe("architecture", () => {
  it("finds the imports it judges: all three ways to write one, with the line", () => {
    const text = `// x\nimport type { A } from "../tensor/dtype.ts";\nexport { b } from "./b.ts";\nawait import("node:fs");\n`;
    expect(importsOf("graph/a.ts", text)).toEqual([
      { from: "graph/a.ts", line: 2, to: "tensor/dtype.ts" },
      { from: "graph/a.ts", line: 3, to: "graph/b.ts" },
      { from: "graph/a.ts", line: 4, to: "node:fs" },
    ]);
  });

  it("says which edge breaks the floors: upward, sideways, and into the entry", () => {
    expect(brokenFloor({ from: "graph/ops/contract.ts", line: 2, to: "engine/engine.ts" })).toBe(
      "src/graph/ops/contract.ts:2: graph/ (floor 3) imports engine/ (floor 5); imports go down only.",
    );
    expect(brokenFloor({ from: "stage2-rl/run.ts", line: 1, to: "stage1-sft/run.ts" })).toContain(
      "imports go down only",
    );
    expect(brokenFloor({ from: "cli/main.ts", line: 1, to: "swarr.ts" })).toContain("nothing inside may");
    expect(brokenFloor({ from: "model/window.ts", line: 1, to: "base/errors.ts" })).toBeNull();
  });

  it("keeps every import between rooms pointing down", () => {
    expect(EDGES.map(brokenFloor).filter((sentence) => sentence !== null)).toEqual([]);
  });

  it("gives every source file a room of the list", () => {
    expect(SOURCES.filter((file) => file !== ENTRY && floorOf(roomOf(file)) < 0)).toEqual([]);
  });

  it("opens outside packages in their own rooms only", () => {
    expect(EDGES.map(brokenDoor).filter((sentence) => sentence !== null)).toEqual([]);
  });

  it("has no import cycle, and would see one", () => {
    const edge = (from: string, to: string): Edge => ({ from, line: 1, to });
    expect(cyclesOf([edge("a", "b"), edge("b", "c"), edge("c", "b"), edge("a", "c")])).toEqual(["b -> c -> b"]);
    expect(cyclesOf(EDGES)).toEqual([]);
  });

  it(`keeps every file at ${MOST_LINES} lines or fewer, tests and scripts included`, () => {
    const long = ["src", "test", "scripts", "bench"]
      .filter((folder) => fs.existsSync(path.join(ROOT, folder)))
      .flatMap((folder) => filesBelow(folder).map((file) => `${folder}/${file}`))
      .map((file) => ({ file, lines: fs.readFileSync(path.join(ROOT, file), "utf8").trimEnd().split("\n").length }))
      .filter(({ lines }) => lines > MOST_LINES);
    expect(long).toEqual([]);
  });

  it("opens every source file with a comment that says what lives there", () => {
    const bare = SOURCES.filter((file) => {
      const text = fs.readFileSync(path.join(ROOT, "src", file), "utf8").replace(/^#!.*\n/, "");
      return !/^(?:\/\/ |\/\*\*? )\S/.test(text);
    });
    expect(bare).toEqual([]);
  });

  it("has no room for odds and ends: no utils, no helpers", () => {
    const odd = SOURCES.filter((file) => /(?:^|\/)(?:utils?|helpers?|common|misc|shared)(?:\/|\.tsx?$)/.test(file));
    expect(odd).toEqual([]);
  });
});
