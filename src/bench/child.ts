// The process of one memory figure: a peak never falls, so each is measured in a process that does nothing else.

import { peakMemoryBytes } from "../base/peak-memory.ts";
import { contextCosts, type ContextCell } from "./context-cost.ts";
import { benchShape, type BenchName } from "./configs.ts";
import { openTrainBench } from "./train-speed.ts";

/** What the parent asks for, as JSON in the first argument. */
export type ChildOrder =
  | { readonly kind: "step"; readonly config: BenchName; readonly threads: number }
  | { readonly kind: "contexts"; readonly cells: readonly ContextCell[]; readonly turns: number };

export interface ChildResult {
  /** by cell of the order */
  readonly millisecondsPerToken: readonly number[];
  readonly peakRssBytes: number;
}

async function measured(order: ChildOrder): Promise<readonly number[]> {
  if (order.kind === "contexts") return contextCosts(order.cells, order.turns);
  const bench = await openTrainBench(benchShape(order.config), order.threads);
  for (let i = 0; i < 2; i++) await bench.step();
  await bench.dispose();
  return [];
}

const order = JSON.parse(process.argv[2] ?? "null") as ChildOrder;
const result: ChildResult = { millisecondsPerToken: await measured(order), peakRssBytes: peakMemoryBytes() };
process.stdout.write(JSON.stringify(result));
