// Planned memory: what is alive together lies apart, and only what is asked for is computed.

import { describe, expect, it } from "vitest";
import { randomGraph } from "../../test/support/random-graph.ts";
import { graphOf } from "../graph/check.ts";
import { filled, input, nodesInOrder, type Graph, type GraphNode } from "../graph/node.ts";
import { gemm, matmul } from "../graph/ops/contract.ts";
import { add, exp, mul } from "../graph/ops/elementwise.ts";
import { scatterAddRows } from "../graph/ops/index.ts";
import { concat, slice } from "../graph/ops/move.ts";
import { softmax } from "../graph/ops/rowwise.ts";
import { sizeOf } from "../tensor/tensor.ts";
import { absorbSums } from "./absorb.ts";
import { callsOf } from "./calls.ts";
import type { GemmShape, Products } from "./gemm-shape.ts";
import { AMX, AVX2, AVX512, type InstructionSet } from "./instruction-set.ts";
import { planProgram, type ProgramPlan } from "./plan.ts";
import { readersOf, sourceOf, unitsOf } from "./units.ts";

interface Lived {
  readonly node: GraphNode;
  readonly start: number;
  readonly end: number;
  readonly born: number;
  readonly died: number;
  /** in the unit that computes it: what its memory may be taken from */
  readonly heirTo: ReadonlySet<GraphNode>;
  /** the concatenations that it is computed in the place of */
  readonly partOf: ReadonlySet<GraphNode>;
}

/** Every value in the arena, with the first and the last unit that touch it, worked out apart from the plan. */
function livesOf({ outputs }: Graph, { set, calls, storage }: ProgramPlan): Lived[] {
  const nodes = Object.values(outputs);
  const readers = readersOf(
    nodesInOrder(nodes).filter((node) => sourceOf(node) === node),
    nodes,
  );
  const units = unitsOf(nodes).map((unit) => callsOf(unit, readers, { set }));
  const copies = calls.filter((call) =>
    call.arguments.some((one) => typeof one !== "string" && one.node.op.name === "output"),
  );
  const touched = [...units.map((unit) => unit.calls), copies].map(
    (each) =>
      new Set(
        each.flatMap((call) => call.arguments.flatMap((one) => (typeof one === "string" ? [] : [sourceOf(one.node)]))),
      ),
  );
  const lives = units.flatMap(({ writes, takesOver }, born) =>
    writes.flatMap((node): Lived[] => {
      const place = storage.get(node)!;
      if (place.kind !== "arena") return [];
      const died = Math.max(born, ...touched.flatMap((each, index) => (each.has(node) ? [index] : [])));
      const end = place.start + 4 * sizeOf(node.shape);
      const heirTo = new Set((takesOver.get(node) ?? []).map(sourceOf));
      return [{ node, start: place.start, end, born, died, heirTo, partOf: wholesOf(node, nodes, storage) }];
    }),
  );
  // A concatenation has its memory from its first part on.
  return lives.map((each) => {
    const parts = lives.filter(({ partOf }) => partOf.has(each.node));
    return { ...each, born: Math.min(each.born, ...parts.map(({ born }) => born)) };
  });
}

/** The concatenations, and those they are part of, that have a node's elements exactly where the node has them. */
function wholesOf(node: GraphNode, outputs: readonly GraphNode[], storage: ProgramPlan["storage"]): Set<GraphNode> {
  const start = (each: GraphNode): number => {
    const place = storage.get(each);
    return place?.kind === "arena" ? place.start : NaN;
  };
  const wholes = nodesInOrder(outputs).filter((whole) => {
    const { op, inputs } = whole;
    if (op.name !== "concat") return false;
    return inputs.some((input, i) => {
      const before = inputs.slice(0, i).reduce((total, { shape }) => total + sizeOf(shape), 0);
      const sameSize = sizeOf(sourceOf(input).shape) === sizeOf(input.shape);
      return sourceOf(input) === node && sameSize && start(node) === start(whole) + 4 * before;
    });
  });
  return new Set([...wholes, ...wholes.flatMap((whole) => [...wholesOf(whole, outputs, storage)])]);
}

function collisions(lives: readonly Lived[]): string[] {
  return lives.flatMap((a, i) =>
    lives.slice(i + 1).flatMap((b) => {
      const apart = a.end <= b.start || b.end <= a.start || a.died < b.born || b.died < a.born;
      if (a.partOf.has(b.node) || b.partOf.has(a.node)) return [];
      const [old, young] = a.born <= b.born ? [a, b] : [b, a];
      const handedOver =
        old.born < young.born && old.died === young.born && old.start === young.start && young.heirTo.has(old.node);
      return apart || handedOver ? [] : [`${a.node.op.name} (${a.start}) and ${b.node.op.name} (${b.start})`];
    }),
  );
}

const x = input("x", [20, 20]);
const ids = input("ids", [20], "int32");

describe.each([AVX512, AVX2].map((set) => [set.name, set] as const))("planProgram, %s", (_, set) => {
  /** Of all outputs, or of those that are named. */
  function planOf(graph: Graph, names: readonly string[] = Object.keys(graph.outputs)): ProgramPlan {
    return planProgram(graph, names, { set });
  }

  it("never keeps two values that are alive together in the same memory, on random graphs", () => {
    let shared = 0;
    for (let seed = 1; seed <= 120; seed++) {
      const graph = absorbSums(randomGraph(seed, 40).graph);
      const plan = planOf(graph);
      const lives = livesOf(graph, plan);
      expect(collisions(lives), `seed ${seed}`).toEqual([]);
      for (const { end } of lives) expect(end).toBeLessThanOrEqual(plan.arenaBytes);
      shared += lives.length - new Set(lives.map(({ start }) => start)).size;
    }
    expect(shared).toBeGreaterThan(50);
  });

  it("computes a chain in two places, and in the one it takes over where it can", () => {
    const chain = (each: (node: GraphNode) => GraphNode): GraphNode => {
      let node: GraphNode = x;
      for (let i = 0; i < 10; i++) node = each(node);
      return node;
    };
    const bytes = (y: GraphNode): number => planOf(graphOf({ y })).arenaBytes;
    expect(bytes(chain((node) => gemm(node, x, {})))).toBe(2 * 1600);
    expect(bytes(chain(softmax))).toBe(1600);
  });

  it("computes the parts of a concatenation where they belong, and copies those that lie elsewhere", () => {
    const [a, b] = [softmax(x), exp(gemm(x, x, {}))];
    const joined = concat([a, x, b, slice(b, 0, 0, 5), concat([softmax(b), softmax(a)], 0)], 0);
    const graph = graphOf({ y: gemm(joined, x, {}), z: add(a, b) });
    const plan = planOf(graph);
    const start = (node: GraphNode): number => {
      const place = plan.storage.get(node)!;
      return place.kind === "arena" ? place.start : NaN;
    };
    const inner = joined.inputs[4]!;
    expect([a, b, inner, ...inner.inputs].map((node) => start(node) - start(joined))).toEqual(
      [0, 40, 65, 65, 85].map((row) => 80 * row),
    );
    expect(plan.calls.filter(({ key }) => key.startsWith("copy ")).length).toBe(2);
  });

  it("takes over no memory whose part the same kernel reads", () => {
    const s = softmax(x);
    const base = concat([s, exp(x)], 0);
    const y = scatterAddRows(base, ids, s);
    const plan = planOf(graphOf({ y: gemm(y, x, {}) }));
    expect(plan.storage.get(s)).toEqual(plan.storage.get(base));
    expect(plan.storage.get(y)).not.toEqual(plan.storage.get(base));
  });

  it("joins nothing a second time, in the columns, or in an output's own array", () => {
    const s = softmax(x);
    const copies = (y: GraphNode): number =>
      planOf(graphOf({ y })).calls.filter(({ key }) => key.startsWith("copy ")).length;
    const product = (y: GraphNode): GraphNode => gemm(y, input("w", [y.shape[1]!, 2]), {});
    expect(copies(product(concat([s, s], 0)))).toBe(1);
    expect(copies(product(concat([s, exp(x)], 1)))).toBe(2);
    expect(copies(concat([s, gemm(x, x, {})], 0))).toBe(2);
  });

  it("computes what the named outputs need, and nothing else", () => {
    const graph = graphOf({ e: exp(x), s: softmax(x), both: add(exp(x), gemm(x, x, {})) });
    const keys = (names: readonly string[]): string[] =>
      planOf(graph, names).calls.map(({ key }) => key.slice(0, key.indexOf(" ")));
    expect(keys(["s"])).toEqual(["softmax"]);
    expect(keys(["e"])).toEqual(["loop"]);
    expect(keys(["s", "both"]).sort()).toEqual(["gemm", "loop", "softmax"]);
  });

  it("takes over no memory that the same kernel reads in a second way", () => {
    const s = softmax(x);
    for (const y of [gemm(s, x, {}, s), mul(s, slice(s, 0, 0, 1)), scatterAddRows(s, ids, s)]) {
      const plan = planOf(graphOf({ y: gemm(y, x, {}) }));
      expect(plan.storage.get(y), y.op.name).not.toEqual(plan.storage.get(s));
    }
    const plain = gemm(x, x, {}, s);
    const plan = planOf(graphOf({ y: gemm(plain, x, {}) }));
    expect(plan.storage.get(plain)).toEqual(plan.storage.get(s));
  });

  it("says which inputs are read after an output is written", () => {
    const later = input("later", [20, 20]);
    const y = exp(add(x, later));
    const graph = graphOf({ y, z: gemm(y, later, {}), w: gemm(x, x, {}, x), v: gemm(later, later, {}, x) });
    const of = (...names: string[]): string[][] => names.map((name) => [...planOf(graph, names).readLater.get(name)!]);
    expect(of("y")).toEqual([[]]);
    expect(of("y", "z")).toEqual([["later"], ["later"]]);
    expect([of("w"), of("v")]).toEqual([[["x"]], [["later"]]]);
  });

  it("puts a second name of an output, and a view of one, in an array of its own", () => {
    const y = exp(x);
    const graph = { inputs: { x }, outputs: { y, same: y, part: slice(y, 0, 3, 5), zeros: filled([3], 0) } };
    const plan = planOf(graph);
    expect(plan.calls.map(({ key }) => key.slice(0, key.indexOf(" ")))).toEqual(["loop", "copy", "copy", "copy"]);
    expect([plan.arenaBytes, plan.pointers.filter(({ kind }) => kind === "output").length]).toEqual([0, 4]);
  });
});

describe("planProgram, linear maps", () => {
  /** What stands in the key of the product's kernel besides its sides. */
  function wayOf(set: InstructionSet, products: Products, m: number): string {
    const node = gemm(input("a", [m, 512]), input("b", [512, 512]), {});
    const { key } = planProgram(graphOf({ y: node }), ["y"], { set, products }).calls[0]!;
    const { bfloat16, amx, seven } = JSON.parse(key.slice(key.indexOf(" "))) as Partial<GemmShape>;
    return amx ?? (bfloat16 === true ? "bfloat16" : seven === true ? "seven" : "plain");
  }

  it("multiplies each in the way that is asked for and that the set has", () => {
    const ways = ([AMX, AVX512, AVX2] as const).map((set) =>
      (["plain", "quickest", "bfloat16"] as const).map((products) => wayOf(set, products, 512)),
    );
    expect(ways).toEqual([
      ["plain", "split", "rounded"],
      ["plain", "plain", "bfloat16"],
      ["plain", "seven", "bfloat16"],
    ]);
  });

  it("are fitted to the second cache that the plan is told of, as batches of products are", () => {
    const [a, b] = [input("a", [2, 64, 64]), input("b", [2, 64, 64])];
    const keys = [gemm(x, x, {}), matmul(a, b)].map((y) => {
      const { calls } = planProgram(graphOf({ y }), ["y"], { set: AVX2, secondCache: 12345 });
      return calls[0]!.key;
    });
    for (const key of keys) expect(key).toContain('"secondCache":12345');
  });

  it("multiplies a single row plainly, and few rows in float32 too", () => {
    expect([wayOf(AMX, "bfloat16", 1), wayOf(AMX, "quickest", 1), wayOf(AVX2, "quickest", 1)]).toEqual([
      "plain",
      "plain",
      "plain",
    ]);
    expect([wayOf(AMX, "quickest", 31), wayOf(AMX, "bfloat16", 31)]).toEqual(["plain", "rounded"]);
  });
});
