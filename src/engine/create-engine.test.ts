import { describe, expect, it, test } from "vitest";
import { graphOf } from "../graph/check.ts";
import { input } from "../graph/node.ts";
import { gatherRows, scatterAddRows } from "../graph/ops/index.ts";
import { add, neg } from "../graph/ops/elementwise.ts";
import { createEngine } from "./create-engine.ts";
import { createOnnxEngine } from "./onnx-engine.ts";

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

test("rows are not added up by index on several threads of ONNX Runtime, which lose sums", async () => {
  const [base, ids, rows] = [input("base", [4, 8]), input("ids", [2], "int32"), input("rows", [2, 8])];
  const graph = graphOf({ sums: scatterAddRows(base, ids, rows) });
  await expect(createOnnxEngine(2, "cpu").compile(graph)).rejects.toThrow(/added up by index on one thread/);
  await (await createOnnxEngine(1, "cpu").compile(graph)).dispose();
});

describe.each([
  ["the engine of one thread", createEngine({ threads: 1 })],
  ["ONNX Runtime", createOnnxEngine(1, "cpu")],
] as const)("%s", (_, each) => {
  it.each([8, 20_000])("computes on memory that threads share, %d numbers in place among them", async (count) => {
    const [x, sum] = [input("x", [count]), input("sum", [count])];
    const program = await each.compile(graphOf({ total: add(neg(x), sum) }));
    const shared = new Float32Array(new SharedArrayBuffer(8 * count));
    const [given, totals] = [shared.subarray(0, count).fill(2), shared.subarray(count)];
    for (const expected of [-2, -4]) {
      await program.run({ x: given, sum: totals }, { total: totals });
      expect(totals.every((total) => total === expected)).toBe(true);
    }
    given.fill(5);
    await program.run({ x: given, sum: totals.slice() }, { total: totals });
    expect(totals.every((total) => total === -9)).toBe(true);
    expect(given.every((number) => number === 5)).toBe(true);
    await program.dispose();
  });
});
