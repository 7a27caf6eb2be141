// Drawing one token on the host, for what the step's graph does not do: nucleus sampling.

/**
 * One token from the smallest set whose probability reaches `topP`, at `temperature`.
 *
 * @param logProbs  natural log-probs of all V tokens at temperature 1
 * @param uniform  in [0, 1)
 * @source Holtzman et al., arXiv 1904.09751
 */
export function drawNucleus(logProbs: Float32Array, temperature: number, topP: number, uniform: number): number {
  const order = Array.from(logProbs.keys()).sort((a, b) => logProbs[b]! - logProbs[a]! || a - b);
  const top = logProbs[order[0]!]!;
  const weights = order.map((id) => Math.exp((logProbs[id]! - top) / temperature));
  const all = weights.reduce((a, b) => a + b, 0);
  let kept = 0;
  let mass = 0;
  while (kept < weights.length && mass < topP * all) mass += weights[kept++]!;
  let target = uniform * mass;
  for (let i = 0; i < kept; i++) {
    target -= weights[i]!;
    if (target < 0) return order[i]!;
  }
  return order[kept - 1]!;
}
