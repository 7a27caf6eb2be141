import { expect, test } from "vitest";
import { graphOf } from "../graph/check.ts";
import { input, scalar, type GraphNode } from "../graph/node.ts";
import { add } from "../graph/ops/elementwise.ts";
import { reshape, slice, transpose } from "../graph/ops/move.ts";
import { broadcastTo } from "../graph/ops/reduce.ts";
import { createEngine } from "./create-engine.ts";

const engine = createEngine({ threads: 1 });

test("values of more than 2 GiB together are computed, each of them in its place", async () => {
  // Four matrices of 576 MiB that are all alive at once, each read again in the end.
  const [rows, width] = [144, 2 ** 20];
  const x = input("x", [rows, 1]);
  const spread = (by: number): GraphNode => transpose(broadcastTo(add(x, scalar(by)), [rows, width]), [1, 0]);
  const first = [1, 2, 3, 4].map(spread);
  const sums = first.map((matrix) => reshape(slice(matrix, 0, width - 1, width), [rows]));
  const program = await engine.compile(
    graphOf({ y: sums.reduce(add), z: reshape(slice(first.reduce(add), 0, 0, 1), [rows]) }),
  );
  const [y, z] = [new Float32Array(rows), new Float32Array(rows)];
  await program.run({ x: Float32Array.from({ length: rows }, (_, i) => i) }, { y, z });
  for (const each of [y, z]) expect([...each]).toEqual(Array.from({ length: rows }, (_, i) => 4 * i + 10));
  await program.dispose();
});
