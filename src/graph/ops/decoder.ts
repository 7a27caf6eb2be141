// Two ops of decoders that engines run whole: the root-mean-square norm and the rotation of positions.

import { invariant } from "../../base/invariant.ts";
import { sizeOf } from "../../tensor/tensor.ts";
import { makeNode, scalar, type GraphNode, type Op } from "../node.ts";
import { gemm } from "./contract.ts";
import { mul, neg, sub } from "./elementwise.ts";
import { reshape } from "./move.ts";

function inverseRms(x: Float64Array, width: number, epsilon: number): Float64Array {
  return Float64Array.from({ length: x.length / width }, (_, row) => {
    let squares = 0;
    for (let j = 0; j < width; j++) squares += x[row * width + j]! ** 2;
    return 1 / Math.sqrt(squares / width + epsilon);
  });
}

const rmsNormOp: Op = {
  name: "rmsNorm",
  signature: ([x, weight]) => {
    invariant(
      x!.shape.length === 2 && weight!.shape[0] === x!.shape[1],
      "rmsNorm takes [rows, width] and a weight [width]",
    );
    return { type: x!.type, shape: x!.shape };
  },
  value: ([x, weight], node) => {
    const width = node.shape[1]!;
    const scale = inverseRms(x!, width, node.attributes["epsilon"] as number);
    return x!.map((value, i) => value * scale[Math.floor(i / width)]! * weight![i % width]!);
  },
  gradient: (node, up) => {
    // y = x·r·w, r = (mean x² + ε)^-½. With p = dy·x:
    //   dw = Σ_rows r·p          dx = r·(dy·w) - x·r³·(p·w)/width
    const [x, weight] = node.inputs;
    const width = x!.shape[1]!;
    const scale = inverseRmsOf(node);
    const product = mul(up, x!);
    const toWeight = reshape(gemm(scale, product, { transA: true }), [width]);
    const along = gemm(product, reshape(weight!, [width, 1]), {});
    const cubed = mul(mul(mul(scale, scale), scale), mul(along, scalar(1 / width)));
    return [sub(mul(mul(up, weight!), scale), mul(x!, cubed)), toWeight];
  },
};

/** x·w / sqrt(mean(x²) + ε) for every row of x [rows, width]. @source Zhang and Sennrich, arXiv 1910.07467 */
export function rmsNorm(x: GraphNode, weight: GraphNode, epsilon: number): GraphNode {
  return makeNode(rmsNormOp, [x, weight], { epsilon });
}

const inverseRmsOp: Op = {
  name: "inverseRms",
  signature: ([x]) => ({ type: x!.type, shape: [x!.shape[0]!, 1] }),
  value: ([x], node) => inverseRms(x!, node.inputs[0]!.shape[1]!, node.attributes["epsilon"] as number),
  gradient: () => {
    throw new Error("inverseRms appears in gradients only; no second derivative is defined");
  },
};

/**
 * 1/rms of every row ([rows, 1]) of a norm's input. It takes the norm too, so that an engine whose norm yields this
 * factor as a by-product can hand it over.
 */
export function inverseRmsOf(norm: GraphNode): GraphNode {
  return makeNode(inverseRmsOp, [norm.inputs[0]!, norm], { epsilon: norm.attributes["epsilon"]! });
}

const rotateOp: Op = {
  name: "rotate",
  signature: ([x]) => ({ type: x!.type, shape: x!.shape }),
  value: ([x, cos, sin, positions], node) => {
    const heads = node.attributes["heads"] as number;
    const half = node.inputs[1]!.shape[1]!;
    const out = new Float64Array(sizeOf(node.shape));
    positions!.forEach((position, token) => {
      for (let head = 0; head < heads; head++) {
        const first = (token * heads + head) * 2 * half;
        for (let i = 0; i < half; i++) {
          const c = cos![position * half + i]!;
          const s = sin![position * half + i]!;
          const a = x![first + i]!;
          const b = x![first + half + i]!;
          out[first + i] = a * c - b * s;
          out[first + half + i] = b * c + a * s;
        }
      }
    });
    return out;
  },
  // A rotation's transpose turns the other way.
  gradient: (node, up) => {
    const [, cos, sin, positions] = node.inputs;
    return [rotate(up, cos!, turnedBack(sin!), positions!, node.attributes["heads"] as number), null, null, null];
  },
};

/** One node a table, however many rotations it turns back. */
const negated = new WeakMap<GraphNode, GraphNode>();

function turnedBack(sin: GraphNode): GraphNode {
  const known = negated.get(sin);
  if (known !== undefined) return known;
  const node = neg(sin);
  negated.set(sin, node);
  return node;
}

/**
 * Rotary positions, halves paired (element i with i + K/2): x [B, T, heads·K], cos and sin [P, K/2], positions [B, T] in 0..P-1.
 *
 * @source Su et al., arXiv 2104.09864, in the half-split layout of Hugging Face checkpoints
 */
export function rotate(x: GraphNode, cos: GraphNode, sin: GraphNode, positions: GraphNode, heads: number): GraphNode {
  invariant(x.shape.length === 3 && x.shape[2] === heads * 2 * cos.shape[1]!, "rotate takes [B, T, heads x K]");
  return makeNode(rotateOp, [x, cos, sin, positions], { heads });
}
