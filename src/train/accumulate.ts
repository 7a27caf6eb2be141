// Adding a gradient to an accumulator inside the product that computes it, where there is one.

import { gemm, isGemm } from "../graph/ops/contract.ts";
import { add, isAdd } from "../graph/ops/elementwise.ts";
import { isScatterAddRows, scatterAddRows } from "../graph/ops/index.ts";
import { isConstant, type GraphNode } from "../graph/node.ts";

/**
 * `gradient + accumulator`, without a pass of its own where the last op of the gradient can add: a product takes the
 * accumulator as its C (down its chain of C inputs), a scatter as its base.
 */
export function accumulated(gradient: GraphNode, accumulator: GraphNode): GraphNode {
  if (isGemm(gradient)) {
    const [a, b, c] = gradient.inputs;
    const { transA, transB } = gradient.attributes;
    const base = c === undefined ? accumulator : accumulated(c, accumulator);
    return gemm(a!, b!, { transA: transA === true, transB: transB === true }, base);
  }
  if (isScatterAddRows(gradient) && isConstant(gradient.inputs[0]!)) {
    return scatterAddRows(accumulator, gradient.inputs[1]!, gradient.inputs[2]!);
  }
  if (isAdd(gradient)) {
    const [a, b] = gradient.inputs;
    return isGemm(b!) ? accumulated(b!, accumulated(a!, accumulator)) : accumulated(a!, accumulated(b!, accumulator));
  }
  return add(accumulator, gradient);
}
