// A graph as a sequence of kernel calls over planned memory.

import { isConstant, isInput, nameOfInput, nodesInOrder, type Graph, type GraphNode } from "../graph/node.ts";
import { sizeOf, type Tensor, type TensorData } from "../tensor/tensor.ts";
import { RDI, RSI } from "./assembler.ts";
import { Arena } from "./arena.ts";
import { callsOf, type CallOptions } from "./calls.ts";
import { emitStridedCopy } from "./copy.ts";
import type { InstructionSet } from "./instruction-set.ts";
import { joinParts, wholeOf, type Parts } from "./joined.ts";
import type { KernelCall, UnitCalls } from "./kernel-call.ts";
import { uniformValue } from "./uniform.ts";
import { placeOf, readersOf, sourceOf, unitsOf } from "./units.ts";

/** Where a value lies: in the program's own memory, or behind a pointer that a run is handed. */
export type Storage =
  { readonly kind: "arena"; readonly start: number } | { readonly kind: "pointer"; readonly pointer: Pointer };

export type Pointer =
  | { readonly kind: "input" | "output"; readonly name: string }
  | { readonly kind: "constant"; readonly data: TensorData };

export interface ProgramPlan {
  readonly set: InstructionSet;
  readonly calls: readonly KernelCall[];
  /** by the node whose memory it is */
  readonly storage: ReadonlyMap<GraphNode, Storage>;
  /** everything that is not in the arena, each once */
  readonly pointers: readonly Pointer[];
  readonly arenaBytes: number;
  readonly scratchBytes: number;
  /** by an output that is written in place: inputs that are read afterwards, so must not be the same array */
  readonly readLater: ReadonlyMap<string, ReadonlySet<string>>;
}

export interface PlanOptions extends CallOptions {
  /** outputs that are computed elsewhere and copied at the end, because their arrays hold inputs read until then */
  readonly copied?: ReadonlySet<string>;
}

/**
 * Plans the computation of some outputs.
 *
 * @param names  of the outputs to compute
 */
export function planProgram(graph: Graph, names: readonly string[], options: PlanOptions): ProgramPlan {
  const { copied = new Set<string>() } = options;
  const outputs = names.map((name) => ({ name, node: graph.outputs[name]! }));
  const nodes = outputs.map(({ node }) => node);
  const readers = readersOf(
    nodesInOrder(nodes).filter((node) => sourceOf(node) === node),
    nodes,
  );
  const units = unitsOf(nodes).map((unit) => callsOf(unit, readers, options));
  const memory = new Memory(new Set(units.flatMap(({ writes }) => writes)));
  const direct = new Map<GraphNode, string>();
  const inputCopies: KernelCall[] = [];
  const copies: KernelCall[] = [];
  for (const { name, node } of outputs) {
    const { source, offset } = placeOf(node);
    const fits = offset === 0 && sizeOf(source.shape) === sizeOf(node.shape);
    if (fits && memory.isComputed(source) && !direct.has(source) && !copied.has(name)) {
      direct.set(source, name);
      memory.place(source, { kind: "pointer", pointer: { kind: "output", name } });
    } else (isInput(source) ? inputCopies : copies).push(outputCopy(node, name, memory));
  }
  // Inputs are copied first: the other copies may write to their arrays.
  const joined = joinParts(units, (node) => memory.isPlaced(node));
  const all = [...joined.units, { calls: [...inputCopies, ...copies], writes: [], takesOver: new Map() }];
  memory.assign(all, joined.parts);
  return {
    set: options.set,
    calls: all.flatMap(({ calls }) => calls),
    storage: memory.storage,
    pointers: memory.pointers(),
    arenaBytes: memory.arena.bytes,
    scratchBytes: 4 * all.reduce((most, { calls }) => Math.max(most, ...calls.map(({ scratch }) => scratch)), 0),
    readLater: new Map([...direct].map(([node, name]) => [name, inputsReadAfter(node, all, joined.parts)])),
  };
}

/** A place of its own for an output that is not written where it is wanted. */
function outputCopy(node: GraphNode, name: string, memory: Memory): KernelCall {
  const target: GraphNode = { ...node, op: { ...node.op, name: "output" }, inputs: [] };
  memory.place(target, { kind: "pointer", pointer: { kind: "output", name } });
  const sizes = { sizes: [sizeOf(node.shape)], sourceStrides: [1], targetStrides: [1] };
  return {
    key: `copy ${JSON.stringify(sizes)}`,
    emit: (to) => emitStridedCopy(to, sizes),
    arguments: [
      { node, offset: 0 },
      { node: target, offset: 0 },
    ],
    registers: [RDI, RSI],
    scratch: 0,
  };
}

/** Every node a call is handed. */
function handedTo(calls: readonly KernelCall[]): GraphNode[] {
  return calls.flatMap((call) => call.arguments.flatMap((each) => (typeof each === "string" ? [] : [each.node])));
}

/** Whose memory a node may take when its unit is the last to read it: the whole of it, read once, not in a second way besides. */
function heritageOf(
  node: GraphNode,
  { calls, takesOver }: Pick<UnitCalls, "calls" | "takesOver">,
  parts: Parts,
): readonly GraphNode[] {
  const read = handedTo(calls).map((each) => wholeOf(sourceOf(each), parts).source);
  return (takesOver.get(node) ?? [])
    .filter((each) => placeOf(each).offset === 0 && sizeOf(sourceOf(each).shape) === sizeOf(node.shape))
    .map(sourceOf)
    .filter((source) => read.filter((each) => each === source).length === 1);
}

function inputsReadAfter(node: GraphNode, units: readonly UnitCalls[], parts: Parts): ReadonlySet<string> {
  const written = units.findIndex(({ writes }) => writes.includes(node));
  const names = new Set<string>();
  for (const [index, { calls, takesOver }] of units.entries()) {
    if (index < written) continue;
    const safe = new Set(index === written ? heritageOf(node, { calls, takesOver }, parts) : []);
    for (const source of handedTo(calls).map(sourceOf)) {
      if (isInput(source) && !safe.has(source)) names.add(nameOfInput(source));
    }
  }
  return names;
}

class Memory {
  readonly arena = new Arena();
  readonly storage = new Map<GraphNode, Storage>();
  readonly #computed: ReadonlySet<GraphNode>;

  constructor(computed: ReadonlySet<GraphNode>) {
    this.#computed = computed;
  }

  isComputed(node: GraphNode): boolean {
    return this.#computed.has(node);
  }

  place(node: GraphNode, storage: Storage): void {
    this.storage.set(node, storage);
  }

  pointers(): readonly Pointer[] {
    return [...this.storage.values()].flatMap((each) => (each.kind === "pointer" ? [each.pointer] : []));
  }

  isPlaced(node: GraphNode): boolean {
    return this.storage.has(node);
  }

  /** Gives every value a place from the unit that writes it, or a part of it, to the last that reads it. */
  assign(units: readonly UnitCalls[], parts: Parts): void {
    const lastRead = new Map<GraphNode, number>();
    for (const [index, { calls, writes }] of units.entries()) {
      for (const node of [...handedTo(calls).map(sourceOf), ...writes])
        lastRead.set(wholeOf(node, parts).source, index);
    }
    const ends = new Map<number, GraphNode[]>();
    for (const [node, index] of lastRead) ends.set(index, [...(ends.get(index) ?? []), node]);
    const passedOn = new Set<GraphNode>();
    for (const [index, { calls, writes, takesOver }] of units.entries()) {
      for (const node of writes) {
        if (this.storage.has(node)) continue;
        const heir = heritageOf(node, { calls, takesOver }, parts).find((source) => {
          const inArena = this.storage.get(source)?.kind === "arena" && !parts.has(source) && !parts.has(node);
          return inArena && lastRead.get(source) === index && !passedOn.has(source);
        });
        if (heir !== undefined) {
          passedOn.add(heir);
          this.storage.set(node, this.storage.get(heir)!);
        } else this.#placeInArena(node, parts);
      }
      for (const node of handedTo(calls).map(sourceOf)) this.#givenFromOutside(node);
      for (const node of ends.get(index) ?? []) {
        const place = this.storage.get(node);
        if (place?.kind === "arena" && !passedOn.has(node)) this.arena.giveBack(place.start);
      }
    }
  }

  /** The first part of a value to be written takes the place of all of it. */
  #placeInArena(node: GraphNode, parts: Parts): void {
    const { source, offset } = wholeOf(node, parts);
    if (!this.storage.has(source)) {
      this.storage.set(source, { kind: "arena", start: this.arena.take(4 * sizeOf(source.shape)) });
    }
    const whole = this.storage.get(source)!;
    if (source !== node && whole.kind === "arena") {
      this.storage.set(node, { kind: "arena", start: whole.start + 4 * offset });
    }
  }

  #givenFromOutside(node: GraphNode): void {
    if (this.storage.has(node)) return;
    if (isInput(node)) this.place(node, { kind: "pointer", pointer: { kind: "input", name: nameOfInput(node) } });
    else this.place(node, { kind: "pointer", pointer: { kind: "constant", data: constantData(node) } });
  }
}

function constantData(node: GraphNode): TensorData {
  if (isConstant(node)) return (node.attributes["tensor"] as Tensor).data;
  const value = uniformValue(node);
  if (value === undefined) throw new Error(`${node.op.name} is computed before it is read`);
  return new Float32Array(sizeOf(node.shape)).fill(value);
}
