// A graph whose sums of a product and something else are products that add.

import { nodesInOrder, type Graph, type GraphNode } from "../graph/node.ts";
import { gemm, isGemm } from "../graph/ops/contract.ts";
import { isAdd } from "../graph/ops/elementwise.ts";
import { sameShape } from "../tensor/shape.ts";
import { isRowProduct, plainly, sourceOf } from "./units.ts";

/** `x + A·B` → a product that starts from x, where nothing else reads A·B: the sum costs no pass of its own. */
export function absorbSums({ inputs, outputs }: Graph): Graph {
  const order = nodesInOrder(Object.values(outputs));
  const readers = new Map<GraphNode, number>();
  const count = (node: GraphNode): void => void readers.set(node, (readers.get(node) ?? 0) + 1);
  for (const node of order) if (sourceOf(node) === node) for (const input of node.inputs) count(sourceOf(input));
  for (const output of Object.values(outputs)) count(sourceOf(output));
  const rebuilt = new Map<GraphNode, GraphNode>();
  for (const node of order) {
    const own = node.inputs.map((input) => rebuilt.get(input)!);
    const product = isAdd(node) ? absorbable(node, readers) : undefined;
    if (product !== undefined) {
      const [a, b] = plainly(node.inputs[product]!).inputs.map((input) => rebuilt.get(input)!);
      const { transA, transB } = plainly(node.inputs[product]!).attributes;
      rebuilt.set(node, gemm(a!, b!, { transA: transA === true, transB: transB === true }, own[1 - product]));
    } else rebuilt.set(node, own.every((input, i) => input === node.inputs[i]) ? node : { ...node, inputs: own });
  }
  const renewed = Object.entries(outputs).map(([name, node]) => [name, rebuilt.get(node)!] as const);
  return { inputs, outputs: Object.fromEntries(renewed) };
}

/** Which operand of a sum is a product that can take in the other one. */
function absorbable(sum: GraphNode, readers: ReadonlyMap<GraphNode, number>): 0 | 1 | undefined {
  const fits = (index: 0 | 1): boolean => {
    const product = plainly(sum.inputs[index]!);
    if (!isGemm(product) || product.inputs.length === 3 || isRowProduct(product)) return false;
    return (
      readers.get(product) === 1 &&
      sameShape(sum.inputs[1 - index]!.shape, sum.shape) &&
      sameShape(product.shape, sum.shape)
    );
  };
  return fits(1) ? 1 : fits(0) ? 0 : undefined;
}
