// The instructions of one elementwise operation on vectors.

import { literal, type Assembler, type Vector } from "./assembler.ts";
import { emitExp, emitLog, emitSigmoid, type Temps } from "./vector-math.ts";

const PLAIN = {
  add: "vaddps",
  sub: "vsubps",
  mul: "vmulps",
  div: "vdivps",
  maximum: "vmaxps",
  minimum: "vminps",
} as const;

/** The elementwise ops of the graph that a loop can compute. */
export const POINTWISE_OPS: ReadonlySet<string> = new Set([
  ...Object.keys(PLAIN),
  "greater",
  "neg",
  "exp",
  "log",
  "sqrt",
  "sigmoid",
  "silu",
]);

const SERIES: ReadonlySet<string> = new Set(["exp", "log", "sigmoid", "silu"]);

/** Whether an operation overwrites registers besides its result's. */
export function needsTemps(op: string): boolean {
  return SERIES.has(op);
}

/** Emits one operation; `temps` are there for those that overwrite registers besides (`needsTemps`). */
export function emitOperation(
  to: Assembler,
  op: string,
  result: Vector,
  [a, b]: readonly Vector[],
  temps: Temps | null,
): void {
  if (op in PLAIN) {
    to.vector(PLAIN[op as keyof typeof PLAIN], result, a!, b!);
    return;
  }
  switch (op) {
    case "greater":
      to.oneWhereGreater(result, a!, b!);
      return;
    case "neg":
      to.broadcast(result, literal(-0));
      to.vector("vpxord", result, result, a!);
      return;
    case "sqrt":
      to.vector("vsqrtps", result, 0, a!);
      return;
    case "exp":
      to.copyVector(result, a!);
      emitExp(to, result, temps!);
      return;
    case "log":
      to.copyVector(result, a!);
      emitLog(to, result, temps!);
      return;
    case "sigmoid":
    case "silu":
      to.copyVector(result, a!);
      emitSigmoid(to, result, temps!);
      if (op === "silu") to.vector("vmulps", result, result, a!);
      return;
    default:
      throw new Error(`the loop has no instruction for ${op}`);
  }
}
