// The process of one memory figure: a peak never falls, so each is measured in a process that does nothing else.

import { peakMemoryBytes } from "../base/peak-memory.ts";
import { contextCost, type ContextCell } from "./context-cost.ts";
import { benchShape, type BenchName } from "./configs.ts";
import { openTrainBench } from "./train-speed.ts";

/** What the parent asks for, as JSON in the first argument. */
export type ChildOrder =
  | { readonly kind: "context"; readonly cell: ContextCell }
  | { readonly kind: "train"; readonly config: BenchName; readonly threads: number };

export interface ChildResult {
  readonly millisecondsPerToken: number | null;
  readonly peakRssBytes: number;
}

const order = JSON.parse(process.argv[2] ?? "null") as ChildOrder;
let millisecondsPerToken: number | null = null;
if (order.kind === "context") millisecondsPerToken = await contextCost(order.cell);
else {
  const bench = openTrainBench(benchShape(order.config), order.threads);
  for (let i = 0; i < 2; i++) await bench.step();
  await bench.dispose();
}
const result: ChildResult = { millisecondsPerToken, peakRssBytes: peakMemoryBytes() };
process.stdout.write(JSON.stringify(result));
