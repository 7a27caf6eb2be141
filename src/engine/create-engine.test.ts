import { expect, test } from "vitest";
import { graphOf } from "../graph/check.ts";
import { input } from "../graph/node.ts";
import { gatherRows } from "../graph/ops/index.ts";
import { neg } from "../graph/ops/elementwise.ts";
import { createEngine } from "./create-engine.ts";

const engine = createEngine({ threads: 1 });

for (const count of [1000, 4_000_000]) {
  test(`a run of ${count} outputs lands in the arrays that were given`, async () => {
    const program = await engine.compile(graphOf({ y: neg(input("x", [count])) }));
    const x = new Float32Array(count).fill(2);
    const y = new Float32Array(count);
    await program.run({ x }, { y });
    expect(y.every((each) => each === -2)).toBe(true);
    x.fill(3);
    await program.run({ x }, { y });
    expect(y.every((each) => each === -3)).toBe(true);
    await program.dispose();
  });
}

test("large outputs are not copied a second time into memory of their own", async () => {
  const count = 4_000_000;
  const program = await engine.compile(graphOf({ y: neg(input("x", [count])) }));
  const [x, y] = [new Float32Array(count), new Float32Array(count)];
  await program.run({ x }, { y });
  const before = process.memoryUsage().arrayBuffers;
  await program.run({ x }, { y });
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(count * 4);
  await program.dispose();
});

test("what goes wrong in a run with large outputs is still told", async () => {
  const table = input("table", [4, 8192]);
  const program = await engine.compile(graphOf({ y: gatherRows(table, input("ids", [2], "int32")) }));
  const y = new Float32Array(2 * 8192);
  const run = program.run({ table: new Float32Array(4 * 8192), ids: Int32Array.of(0, 9) }, { y });
  await expect(run).rejects.toThrow(/out of data bounds|indices element|outside of 0 to 3/);
  await program.dispose();
});
