// One fault an op: a term of its gradient deleted or turned round.

import type { Fault } from "./fault.ts";

type Row = readonly [op: string, find: string, replace: string];

function inFile(file: string, rows: readonly Row[]): Fault[] {
  return rows.map(([op, find, replace]) => ({
    name: `gradient of ${op}`,
    file: `src/graph/ops/${file}`,
    find,
    replace,
    testFile: "test/conformance/ops.test.ts",
    test: `'${op}' > differentiates as central differences do`,
    ...(op === "silu" ? { quick: true as const } : {}),
  }));
}

export const GRADIENT_FAULTS: readonly Fault[] = [
  ...inFile("elementwise.ts", [
    ["add", "(up) => [up, up]", "(up) => [up, null]"],
    ["sub", "(up) => [up, neg(up)]", "(up) => [up, up]"],
    ["mul", "[mul(up, b), mul(up, a)]", "[mul(up, b), null]"],
    ["div", "neg(div(mul(up, node), b))", "null"],
    ["greater", "() => [null, null]", "(up) => [up, null]"],
    ["maximum", "const second = greater(b, a)", "const second = greater(a, b)"],
    ["minimum", "const second = greater(a, b)", "const second = greater(b, a)"],
    ["neg", "(up) => neg(up)", "(up) => up"],
    ["exp", "(up, _, y) => mul(up, y)", "(up) => up"],
    ["log", "(up, x) => div(up, x)", "(up) => up"],
    ["sqrt", "div(mul(up, scalar(0.5)), y)", "div(up, y)"],
    ["sigmoid", "mul(y, sub(scalar(1), y))", "y"],
    ["silu", "add(s, sub(y, mul(y, s)))", "s"],
    ["stopGradient", "() => null", "(up) => up"],
  ]),
  ...inFile("reduce.ts", [
    ["sum last", "[broadcastTo(upstream, node.inputs[0]!.shape)]", "[null]"],
    ["broadcast", "[sumTo(upstream, node.inputs[0]!.shape)]", "[null]"],
  ]),
  ...inFile("rowwise.ts", [
    ["softmax", "mul(node, sub(up, sum(mul(up, node), lastAxis(up))))", "mul(node, up)"],
    ["logSoftmax", "[sub(up, mul(exp(node), sum(up, lastAxis(up))))]", "[up]"],
    [
      "cumulativeSum",
      "add(sub(sum(up, lastAxis(up)), cumulativeSum(up)), up)",
      "sub(sum(up, lastAxis(up)), cumulativeSum(up))",
    ],
  ]),
  ...inFile("move.ts", [
    ["reshape", "[reshape(upstream, node.inputs[0]!.shape)]", "[null]"],
    ["transpose", "order.map((_, axis) => order.indexOf(axis)),", "order,"],
    ["slice", "[pad(upstream, axis as number, Number(start), size - Number(end))]", "[null]"],
    ["pad", "Number(before), Number(before) + size)", "0, size)"],
    ["concat", "start = end;", ""],
  ]),
  ...inFile("index.ts", [
    [
      "gatherRows",
      "[scatterAddRows(filled(table!.shape, 0), reshape(ids!, [sizeOf(ids!.shape)]), rows), null]",
      "[null, null]",
    ],
    ["scatterAddRows", "[upstream, null, gatherRows(upstream, node.inputs[1]!)]", "[upstream, null, null]"],
    ["pick", "[addAt(filled(x!.shape, 0), ids!, upstream), null]", "[null, null]"],
    ["addAt", "[upstream, null, pick(upstream, node.inputs[1]!)]", "[upstream, null, null]"],
  ]),
  ...inFile("contract.ts", [
    ["gemm NN", "[toA, toB, up]", "[toA, toB, null]"],
    ["gemm TN", "[toA, toB, up]", "[null, toB, up]"],
    ["matmul NN", "matmul(up, b!, { transB: !transB, scale })", "matmul(up, b!, { transB: !transB })"],
    ["matmul NT", "matmul(up, a!, { transA: true, transB: transA, scale })", "null"],
  ]),
  ...inFile("decoder.ts", [
    ["rmsNorm", "sub(mul(mul(up, weight!), scale), mul(x!, cubed))", "mul(mul(up, weight!), scale)"],
    ["rotate", "const node = neg(sin);", "const node = sin;"],
  ]),
];
