// Programs on arrays of all kinds: arrays given twice, shared ones, odd offsets, wrong ones, and indices that point nowhere.

import fs from "node:fs";
import { expect, it } from "vitest";
import { expectClose } from "../../test/support/expect-close.ts";
import { describeInSets } from "../../test/support/native-kernel.ts";
import { arraysFor, randomGraph } from "../../test/support/random-graph.ts";
import { tolerances } from "../../test/support/tolerances.ts";
import { graphOf } from "../graph/check.ts";
import { interpret } from "../graph/interpret.ts";
import { filled, input, isInput, type Graph, type GraphNode } from "../graph/node.ts";
import { gemm } from "../graph/ops/contract.ts";
import { add, cast, exp, mul, neg, sub } from "../graph/ops/elementwise.ts";
import { gatherRows, pick, scatterAddRows } from "../graph/ops/index.ts";
import { reshape } from "../graph/ops/move.ts";
import { argmax, countAbove, softmax } from "../graph/ops/rowwise.ts";
import { sizeOf, type TensorData } from "../tensor/tensor.ts";
import type { InstructionSet } from "./instruction-set.ts";
import { NativeProgram, Workspace } from "./native-program.ts";
import { sourceOf } from "./units.ts";

type Arrays = Record<string, TensorData>;

const emptyFor = ({ outputs }: Graph): Arrays =>
  Object.fromEntries(
    Object.entries(outputs).map(([name, { shape, type }]) => [
      name,
      type === "int32" ? new Int32Array(sizeOf(shape)).fill(-7) : new Float32Array(sizeOf(shape)).fill(NaN),
    ]),
  );

const copyOf = (arrays: Arrays): Arrays =>
  Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, array.slice()]));

function programOf(
  set: InstructionSet,
  outputs: Record<string, GraphNode>,
  workspace = new Workspace(),
): NativeProgram {
  return new NativeProgram(graphOf(outputs), workspace, { set });
}

const ramp = (count: number, step = 0.01): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => 0.5 + step * i);

const x = input("x", [4, 20]);
const square = input("square", [20, 20]);

describeInSets("NativeProgram", (set) => {
  it("adds to the array of an input of the same shape, run after run", () => {
    const sums = input("sums", [20, 20]);
    const program = programOf(set, { sums: add(sums, gemm(x, x, { transA: true })) });
    const [array, given] = [new Float32Array(400), ramp(80)];
    for (let run = 0; run < 3; run++) program.run({ sums: array, x: given }, { sums: array });
    const once = interpret(graphOf({ y: gemm(x, x, { transA: true }) }), { x: given })["y"]!;
    expectClose(
      array,
      once.map((value) => 3 * value),
      tolerances.engine32,
    );
    program.dispose();
  });

  it("gives the same when an output is the array of an input that is read later", () => {
    const e = exp(x);
    const later = add(e, x);
    const graphs: Record<string, GraphNode>[] = [
      { y: e, z: gemm(x, square, {}), w: later },
      { y: add(x, gemm(x, square, {})) },
      { y: reshape(neg(x), [20, 4]), same: neg(x), view: reshape(x, [80]) },
      { y: scatterAddRows(x, input("ids", [4], "int32"), x) },
    ];
    for (const outputs of graphs) {
      const graph = graphOf(outputs);
      const inputs: Arrays = { x: ramp(80), square: ramp(400, -0.002), ids: Int32Array.of(3, 0, 3, 1) };
      const [apart, together] = [emptyFor(graph), emptyFor(graph)];
      const program = programOf(set, outputs);
      program.run(inputs, apart);
      const shared = copyOf(inputs);
      program.run(shared, { ...together, y: shared["x"]! });
      expect({ ...together, y: shared["x"] }, Object.keys(outputs).join()).toEqual(apart);
      program.dispose();
    }
  });

  it("gives the same when two names of one output are the arrays of two inputs", () => {
    const other = input("other", [4, 20]);
    const y = exp(add(x, other));
    const program = programOf(set, { y, same: y, z: gemm(x, other, { transB: true }) });
    const [given, second] = [ramp(80), ramp(80, -0.002)];
    const [apart, z, zApart] = [new Float32Array(80), new Float32Array(16), new Float32Array(16)];
    program.run({ x: given, other: second }, { y: apart, same: new Float32Array(80), z: zApart });
    program.run({ x: given, other: second }, { y: given, same: second, z });
    expect([given, second, z]).toEqual([apart, apart, zApart]);
    program.dispose();
  });

  it("gives the same for random graphs whose outputs are arrays of their inputs", () => {
    let given = 0;
    for (let seed = 1; seed <= 150; seed++) {
      const made = randomGraph(seed, 16);
      const inputs = arraysFor(made);
      const [apart, together, shared] = [emptyFor(made.graph), emptyFor(made.graph), copyOf(inputs)];
      const program = new NativeProgram(made.graph, new Workspace(), { set });
      program.run(inputs, apart);
      const taken = new Set<string>();
      for (const [name, node] of Object.entries(made.graph.outputs)) {
        const same = ([each, { type, shape }]: [string, GraphNode]): boolean =>
          !taken.has(each) && type === node.type && shape.join() === node.shape.join();
        const found = Object.entries(made.graph.inputs).find(same);
        if (found === undefined || isInput(sourceOf(node))) continue;
        taken.add(found[0]);
        together[name] = shared[found[0]]!;
        given++;
      }
      program.run(shared, together);
      expect(together, `seed ${seed}`).toEqual(apart);
      program.dispose();
    }
    expect(given).toBeGreaterThan(50);
  });

  it("computes the named outputs alone, from the inputs that they need", () => {
    const program = programOf(set, { y: exp(x), z: softmax(square) });
    const [y, z] = [new Float32Array(80), new Float32Array(400)];
    program.run({ x: ramp(80) }, { y });
    expectClose(y, Float64Array.from(ramp(80), Math.exp), tolerances.engine32);
    expect(z.every((value) => value === 0)).toBe(true);
    expect(() => program.run({ x: ramp(80) }, { z })).toThrow('"square" is given');
    program.dispose();
  });

  it("computes on shared memory and at any offset of it, and touches nothing beside", () => {
    const program = programOf(set, { y: add(softmax(x), x), z: gemm(x, square, {}) });
    const wanted = emptyFor(graphOf({ y: x, z: x }));
    program.run({ x: ramp(80), square: ramp(400, -0.002) }, wanted);
    for (const offset of [0, 1, 3, 7, 13]) {
      const block = new Float32Array(new SharedArrayBuffer(4 * 800)).fill(99);
      let end = 0;
      const place = (count: number): Float32Array => {
        const start = end + offset;
        end = start + count;
        return block.subarray(start, end);
      };
      const [given, weights, y, z] = [place(80), place(400), place(80), place(80)];
      given.set(ramp(80));
      weights.set(ramp(400, -0.002));
      program.run({ x: given, square: weights }, { y, z });
      expect([[...y], [...z]], `offset ${offset}`).toEqual([[...wanted["y"]!], [...wanted["z"]!]]);
      expect(block.filter((value) => value === 99)).toHaveLength(800 - 640);
    }
    program.dispose();
  });

  it("shares its workspace with other programs, smaller and larger ones", () => {
    const workspace = new Workspace();
    const large = input("large", [300, 300]);
    const outputs = { y: softmax(gemm(softmax(x), square, {})) };
    const [small, big] = [
      programOf(set, outputs, workspace),
      programOf(set, { y: gemm(softmax(large), large, {}) }, workspace),
    ];
    const inputs = { x: ramp(80), square: ramp(400) };
    const [first, second] = [new Float32Array(80), new Float32Array(80)];
    small.run(inputs, { y: first });
    big.run({ large: ramp(90_000, 1e-5) }, { y: new Float32Array(90_000) });
    small.run(inputs, { y: second });
    expectClose(first, interpret(graphOf(outputs), inputs)["y"]!, tolerances.engine32);
    expect(second).toEqual(first);
    big.dispose();
    big.dispose();
    expect(workspace.bytes).toBeGreaterThan(4 * 90_000);
    small.dispose();
    expect(workspace.bytes, "after the last program").toBe(0);
  });

  it("gives its workspace back where a graph is refused", () => {
    const workspace = new Workspace();
    const program = programOf(set, { y: softmax(x) }, workspace);
    const unbounded = { y: gatherRows(square, add(input("ids", [4], "int32"), input("more", [4], "int32"))) };
    expect(() => programOf(set, unbounded, workspace)).toThrow();
    program.run({ x: ramp(80) }, { y: new Float32Array(80) });
    program.dispose();
    expect(workspace.bytes).toBe(0);
  });

  it("takes other arrays in every run, and the same ones with other numbers", () => {
    const program = programOf(set, { y: mul(x, filled([4, 20], 2)) });
    const [one, two] = [new Float32Array(80), new Float32Array(80)];
    const given = ramp(80);
    program.run({ x: given }, { y: one });
    given.fill(4);
    program.run({ x: given }, { y: two });
    program.run({ x: new Float32Array(80).fill(5) }, { y: one });
    expect([two[79], one[0], one[79]]).toEqual([8, 10, 10]);
    program.dispose();
  });

  it("refuses arrays that are missing, of another length or of another type, and writes nothing", () => {
    const program = programOf(set, { y: gatherRows(x, input("ids", [2], "int32")) });
    const [good, ids, y] = [ramp(80), Int32Array.of(0, 3), new Float32Array(40)];
    const float = new Float32Array(2);
    expect(() => program.run({ x: good }, { y })).toThrow('"ids" is given');
    expect(() => program.run({ x: good.subarray(1), ids }, { y })).toThrow('"x" holds 80 elements, not 79');
    expect(() => program.run({ x: new Float64Array(80), ids }, { y })).toThrow('"x" holds elements of float32');
    expect(() => program.run({ x: good, ids: float }, { y })).toThrow('"ids" holds elements of int32');
    expect(() => program.run({ x: good, ids }, { y: new Float32Array(41) })).toThrow('"y" holds 40 elements, not 41');
    expect(y.every((value) => value === 0)).toBe(true);
    program.run({ x: good, ids }, { y });
    expect([...y.subarray(20)]).toEqual([...good.subarray(60)]);
    program.dispose();
  });

  it("refuses an index outside of its table before it runs", () => {
    const program = programOf(set, { y: gatherRows(x, input("ids", [3], "int32")) });
    const y = new Float32Array(60);
    for (const wrong of [-1, 4, 2 ** 31 - 1]) {
      const run = (): void => program.run({ x: ramp(80), ids: Int32Array.of(0, 3, wrong) }, { y });
      expect(run).toThrow(new RangeError(`element 2 of "ids" is ${wrong}, outside of 0 to 3`));
    }
    expect(y.every((value) => value === 0)).toBe(true);
    program.dispose();
  });

  it("refuses an index of its own that points nowhere, after the run", () => {
    // No element is above the bound: the count says 20, one more than the last column.
    const bound = input("bound", [4, 1]);
    const sampled = reshape(cast(sub(filled([4, 1], 20), countAbove(x, bound)), "int32"), [4]);
    const program = programOf(set, { sampled, picked: pick(x, sampled) });
    const outputs = { sampled: new Int32Array(4), picked: new Float32Array(4) };
    program.run({ x: ramp(80), bound: new Float32Array(4) }, outputs);
    expect([...outputs.sampled]).toEqual([0, 0, 0, 0]);
    const run = (): void => program.run({ x: ramp(80), bound: Float32Array.of(0, 0, 9, 0) }, outputs);
    expect(run).toThrow(new RangeError('element 2 of "sampled" is 20, outside of 0 to 19'));
    program.dispose();
  });

  it("refuses to look up an index of its own that it is not asked for, so that nobody could check it", () => {
    const greedy = argmax(x);
    const program = programOf(set, { greedy, picked: pick(x, greedy), y: exp(x) });
    expect(() => program.run({ x: ramp(80) }, { picked: new Float32Array(4) })).toThrow("indices of pick");
    program.run({ x: ramp(80) }, { y: new Float32Array(80) });
    program.dispose();
  });

  it("gives the memory of its code back, that of every choice of outputs", () => {
    const codes = (): number =>
      fs.readFileSync("/proc/self/maps", "utf8").match(/ r-xp 00000000 00:00 0 *$/gm)?.length ?? 0;
    const before = codes();
    const program = programOf(set, { y: exp(x), z: softmax(x) });
    const given = ramp(80);
    program.run({ x: given }, { y: new Float32Array(80) });
    program.run({ x: given }, { z: new Float32Array(80) });
    program.run({ x: given }, { z: new Float32Array(80), y: given });
    expect(codes()).toBeGreaterThan(before);
    program.dispose();
    program.dispose();
    expect(codes()).toBe(before);
  });
});
