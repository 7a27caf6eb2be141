// From a loss's name to its graph.

import { clippedPolicy } from "./policy-loss.ts";
import { crossEntropy, type LossName, type TokenLoss } from "./token-loss.ts";

export function lossNamed(name: LossName): TokenLoss {
  switch (name.kind) {
    case "cross-entropy":
      return crossEntropy;
    case "clipped-policy":
      return clippedPolicy(name);
    default:
      return name satisfies never;
  }
}
