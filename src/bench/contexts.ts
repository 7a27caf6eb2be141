// Cost and peak memory against context length: costs by turns within one process, peaks in a process each.

import { tooLarge, type ContextCell } from "./context-cost.ts";
import { inChild } from "./in-child.ts";

export interface ContextFigures extends ContextCell {
  readonly config: "S";
  readonly sequences: 1;
  readonly millisecondsPerToken: number | null;
  readonly peakRssBytes: number | null;
  readonly reason?: string;
}

export interface ContextOptions {
  /** turns of windowed training; what else is compared takes more or fewer, as it is short or long */
  readonly rounds: number;
  /** longest context measured; 0 leaves all out */
  readonly longestContext: number;
  readonly onProgress: (text: string) => void;
  readonly signal: AbortSignal;
}

/** What is measured side by side, in one process. */
interface Group {
  readonly cells: readonly ContextCell[];
  readonly turns: number;
}

type Cost = Pick<ContextFigures, "millisecondsPerToken" | "peakRssBytes">;

export async function contextFigures(options: ContextOptions): Promise<readonly ContextFigures[]> {
  const cells = cellsUpTo(options.longestContext);
  const costs = new Map<ContextCell, Cost>();
  for (const group of groupsOf(cells, options.rounds)) {
    for (const [cell, cost] of await groupCosts(group, options)) costs.set(cell, cost);
  }
  return cells.map((cell) => {
    const row = { ...cell, config: "S", sequences: 1 } as const;
    const cost = costs.get(cell);
    if (cost !== undefined) return { ...row, ...cost };
    return { ...row, millisecondsPerToken: null, peakRssBytes: null, reason: tooLarge(cell)! };
  });
}

function cellsUpTo(longest: number): readonly ContextCell[] {
  const cells: ContextCell[] = [];
  for (let tokens = 1024; tokens <= longest; tokens *= 2) {
    for (const mode of ["train", "decode"] as const) {
      for (const attention of ["windowed", "full"] as const) cells.push({ mode, attention, tokens });
    }
  }
  return cells;
}

/** Training in full attention is alone each time: two such cells may not fit in memory together. */
function groupsOf(cells: readonly ContextCell[], rounds: number): readonly Group[] {
  const of = (mode: ContextCell["mode"], attention: ContextCell["attention"]): readonly ContextCell[] =>
    cells.filter((cell) => cell.mode === mode && cell.attention === attention && tooLarge(cell) === null);
  return [
    { cells: of("train", "windowed"), turns: rounds },
    ...of("train", "full").map((cell) => ({ cells: [cell], turns: Math.ceil(rounds / 2) })),
    { cells: [...of("decode", "windowed"), ...of("decode", "full")], turns: 5 * rounds },
  ];
}

async function groupCosts(
  { cells, turns }: Group,
  { onProgress, signal }: ContextOptions,
): Promise<ReadonlyMap<ContextCell, Cost>> {
  const costs = new Map<ContextCell, Cost>();
  if (cells.length === 0) return costs;
  signal.throwIfAborted();
  onProgress(`cost of ${cells.map(nameOf).join(", ")}`);
  const { millisecondsPerToken, peakRssBytes } = await inChild({ kind: "contexts", cells, turns });
  for (const [i, cell] of cells.entries()) {
    signal.throwIfAborted();
    if (cells.length > 1) onProgress(`memory of ${nameOf(cell)}`);
    const peak = cells.length > 1 ? await peakOf(cell) : peakRssBytes;
    costs.set(cell, { millisecondsPerToken: millisecondsPerToken[i]!, peakRssBytes: peak });
  }
  return costs;
}

/** A first turn reaches it. */
async function peakOf(cell: ContextCell): Promise<number> {
  const { peakRssBytes } = await inChild({ kind: "contexts", cells: [cell], turns: 0 });
  return peakRssBytes;
}

function nameOf({ mode, attention, tokens }: ContextCell): string {
  return `${mode} ${attention} ${tokens}`;
}
