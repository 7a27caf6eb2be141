// A graph that runs as machine code on one thread of this machine.

import { invariant } from "../base/invariant.ts";
import type { Graph } from "../graph/node.ts";
import { sizeOf, type TensorData } from "../tensor/tensor.ts";
import { absorbSums } from "./absorb.ts";
import { checkIndices, indexBounds, type IndexBounds } from "./bounds.ts";
import type { CallOptions } from "./calls.ts";
import { ARENA, compilePlan, FIRST_POINTER, SCRATCH } from "./compiled.ts";
import { addressOf, NativeBlock, type MachineCode } from "./executable.ts";
import { planProgram, type ProgramPlan } from "./plan.ts";

type Arrays = Readonly<Record<string, TensorData>>;

/** Memory for the values of a run, shared by programs that never run at the same time; it grows to the largest, and goes with the last of them. */
export class Workspace {
  #block: NativeBlock | null = null;
  #programs = 0;

  /** @returns the address of so many bytes; what was in them is gone */
  atLeast(bytes: number): bigint {
    if (this.#block === null || bytes > this.#block.bytes) {
      this.#block?.release();
      this.#block = new NativeBlock(bytes);
    }
    return this.#block.address;
  }

  /** Bytes held now. */
  get bytes(): number {
    return this.#block?.bytes ?? 0;
  }

  enter(): void {
    this.#programs += 1;
  }

  leave(): void {
    this.#programs -= 1;
    if (this.#programs > 0) return;
    this.#block?.release();
    this.#block = null;
  }
}

/** The code for one choice of outputs. */
interface Variant {
  readonly plan: ProgramPlan;
  readonly code: MachineCode;
  readonly bounds: IndexBounds;
  readonly table: BigUint64Array;
  readonly tableAddress: bigint;
  /** the arrays whose addresses the table holds, so that they are looked up once and stay where they are */
  readonly bound: (TensorData | undefined)[];
}

/** Scratch memory begins at a page, and a page lies behind it: an index that is one too large reads nothing foreign before it is found. */
const PAGE = 4096;

/** A compiled graph: see `Program` in the engine room. */
export class NativeProgram {
  readonly #graph: Graph;
  readonly #workspace: Workspace;
  readonly #options: CallOptions;
  readonly #variants = new Map<string, Variant>();
  #disposed = false;

  constructor(graph: Graph, workspace: Workspace, options: CallOptions) {
    this.#options = options;
    this.#graph = absorbSums(graph);
    this.#workspace = workspace;
    indexBounds(graph); // which refuses indices that no run could check
    workspace.enter();
  }

  /** Runs once; outputs are written in place, and may be the arrays of inputs of the same shape. */
  run(inputs: Arrays, outputs: Arrays): void {
    const { plan, code, bounds, table, tableAddress, bound } = this.#fitting(inputs, outputs);
    checkIndices(bounds.inputs, inputs);
    for (const [i, pointer] of plan.pointers.entries()) {
      const data =
        pointer.kind === "constant" ? pointer.data : (pointer.kind === "input" ? inputs : outputs)[pointer.name];
      if (data !== undefined && data === bound[i]) continue;
      invariant(data !== undefined, pointer.kind === "constant" ? "a constant has data" : `"${pointer.name}" is given`);
      if (pointer.kind !== "constant") this.#check(pointer.kind, pointer.name, data);
      bound[i] = data;
      table[FIRST_POINTER + i] = addressOf(data);
    }
    const arena = Math.ceil(plan.arenaBytes / PAGE) * PAGE;
    const address = this.#workspace.atLeast(arena + plan.scratchBytes + PAGE);
    table[ARENA] = address;
    table[SCRATCH] = address + BigInt(arena);
    code.call(tableAddress);
    checkIndices(bounds.outputs, outputs);
  }

  /** The variant for these outputs that copies those whose arrays hold inputs for longer than they could be written in place. */
  #fitting(inputs: Arrays, outputs: Arrays): Variant {
    const copied: string[] = [];
    for (;;) {
      const variant = this.#variant(Object.keys(outputs), copied);
      const clashing = clashes(variant.plan, inputs, outputs);
      if (clashing.length === 0) return variant;
      copied.push(...clashing);
    }
  }

  #check(kind: "input" | "output", name: string, data: TensorData): void {
    const node = (kind === "input" ? this.#graph.inputs : this.#graph.outputs)[name];
    invariant(node !== undefined, `${kind} "${name}" is declared`);
    invariant(data.length === sizeOf(node.shape), `"${name}" holds ${sizeOf(node.shape)} elements, not ${data.length}`);
    const fits = node.type === "int32" ? data instanceof Int32Array : data instanceof Float32Array;
    invariant(fits, `"${name}" holds elements of ${node.type}`);
  }

  #variant(names: readonly string[], copied: readonly string[]): Variant {
    const key = `${names.join(" ")} copied ${copied.join(" ")}`;
    const known = this.#variants.get(key);
    if (known !== undefined) return known;
    const plan = planProgram(this.#graph, names, { ...this.#options, copied: new Set(copied) });
    const table = new BigUint64Array(FIRST_POINTER + plan.pointers.length);
    const wanted = Object.fromEntries(names.map((name) => [name, this.#graph.outputs[name]!]));
    const bounds = indexBounds({ inputs: this.#graph.inputs, outputs: wanted });
    const made = { plan, code: compilePlan(plan), bounds, table, tableAddress: addressOf(table), bound: [] };
    this.#variants.set(key, made);
    return made;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const { code } of this.#variants.values()) code.release();
    this.#variants.clear();
    this.#workspace.leave();
  }
}

/** Outputs whose arrays overlap those of inputs that are read after the output is written. */
function clashes({ readLater }: ProgramPlan, inputs: Arrays, outputs: Arrays): readonly string[] {
  return [...readLater]
    .filter(([name, later]) => [...later].some((input) => overlap(inputs[input], outputs[name]!)))
    .map(([name]) => name);
}

function overlap(a: TensorData | undefined, b: TensorData): boolean {
  if (a?.buffer !== b.buffer) return false;
  return a.byteOffset < b.byteOffset + b.byteLength && b.byteOffset < a.byteOffset + a.byteLength;
}
