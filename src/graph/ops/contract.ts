// Matrix products.

import { invariant } from "../../base/invariant.ts";
import { sameShape, show } from "../../tensor/shape.ts";
import { sizeOf } from "../../tensor/tensor.ts";
import { makeNode, type GraphNode, type Op } from "../node.ts";

export interface Transposes {
  readonly transA?: boolean;
  readonly transB?: boolean;
}

function sizesOf(a: GraphNode, b: GraphNode, transA: boolean, transB: boolean): { m: number; n: number; k: number } {
  const [rowsA, colsA] = a.shape.slice(-2) as [number, number];
  const [rowsB, colsB] = b.shape.slice(-2) as [number, number];
  const k = transA ? rowsA : colsA;
  invariant(k === (transB ? colsB : rowsB), `inner sizes agree in ${show(a.shape)} x ${show(b.shape)}`);
  return { m: transA ? colsA : rowsA, n: transB ? rowsB : colsB, k };
}

function multiply(a: Float64Array, b: Float64Array, node: GraphNode, batches: number): Float64Array {
  const { transA, transB, scale } = node.attributes;
  const { m, n, k } = sizesOf(node.inputs[0]!, node.inputs[1]!, transA === true, transB === true);
  const out = new Float64Array(batches * m * n);
  for (let batch = 0; batch < batches; batch++) {
    const left = batch * m * k;
    const right = batch * k * n;
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let l = 0; l < k; l++) {
          const x = a[left + (transA ? l * m + i : i * k + l)]!;
          const y = b[right + (transB ? j * k + l : l * n + j)]!;
          sum += x * y;
        }
        out[batch * m * n + i * n + j] = sum * ((scale as number | undefined) ?? 1);
      }
    }
  }
  return out;
}

const gemmOp: Op = {
  name: "gemm",
  signature: ([a, b, c], { transA, transB }) => {
    invariant(
      a!.shape.length === 2 && b!.shape.length === 2,
      `gemm takes matrices, not ${show(a!.shape)}, ${show(b!.shape)}`,
    );
    const { m, n } = sizesOf(a!, b!, transA === true, transB === true);
    invariant(c === undefined || sameShape(c.shape, [m, n]), `the matrix added to gemm is [${m}, ${n}]`);
    return { type: a!.type, shape: [m, n] };
  },
  value: ([a, b, c], node) => {
    const out = multiply(a!, b!, node, 1);
    return c === undefined ? out : out.map((x, i) => x + c[i]!);
  },
  gradient: (node, up) => {
    const [a, b, c] = node.inputs;
    const transA = node.attributes["transA"] === true;
    const transB = node.attributes["transB"] === true;
    // C = AB: dA = dC·Bᵀ, dB = Aᵀ·dC; a transposed operand takes the transposed gradient.
    const toA = transA ? gemm(b!, up, { transA: transB, transB: true }) : gemm(up, b!, { transB: !transB });
    const toB = transB ? gemm(up, a!, { transA: true, transB: transA }) : gemm(a!, up, { transA: !transA });
    return c === undefined ? [toA, toB] : [toA, toB, up];
  },
};

/** op(A)·op(B), plus C where given: A is [m, k] (or [k, m] with transA), B [k, n] (or [n, k] with transB), C [m, n]. */
export function gemm(
  a: GraphNode,
  b: GraphNode,
  { transA = false, transB = false }: Transposes,
  c?: GraphNode,
): GraphNode {
  return makeNode(gemmOp, c === undefined ? [a, b] : [a, b, c], { transA, transB });
}

export function isGemm(node: GraphNode): boolean {
  return node.op === gemmOp;
}

const matmulOp: Op = {
  name: "matmul",
  signature: ([a, b], { transA, transB }) => {
    const batch = a!.shape.slice(0, -2);
    invariant(sameShape(batch, b!.shape.slice(0, -2)), `batch axes agree in ${show(a!.shape)} x ${show(b!.shape)}`);
    const { m, n } = sizesOf(a!, b!, transA === true, transB === true);
    return { type: a!.type, shape: [...batch, m, n] };
  },
  value: ([a, b], node) => multiply(a!, b!, node, sizeOf(node.shape.slice(0, -2))),
  gradient: (node, up) => {
    const [a, b] = node.inputs;
    const transA = node.attributes["transA"] === true;
    const transB = node.attributes["transB"] === true;
    const scale = node.attributes["scale"] as number;
    const toA = transA
      ? matmul(b!, up, { transA: transB, transB: true, scale })
      : matmul(up, b!, { transB: !transB, scale });
    const toB = transB
      ? matmul(up, a!, { transA: true, transB: transA, scale })
      : matmul(a!, up, { transA: !transA, scale });
    return [toA, toB];
  },
};

/** scale·op(A)·op(B) for every index of the equal batch axes: A [..., m, k], B [..., k, n]. */
export function matmul(
  a: GraphNode,
  b: GraphNode,
  { transA = false, transB = false, scale = 1 }: Transposes & { readonly scale?: number } = {},
): GraphNode {
  return makeNode(matmulOp, [a, b], { transA, transB, scale });
}
