// Rotary positions: the inverse frequencies of every scaling, and the cosines and sines the attention multiplies with.

import type { ModelConfig, RopeScaling } from "./config.ts";

export interface RotaryFrequencies {
  /** One a pair of channels, K/2 in all; radians a position. */
  readonly inverse: Float32Array;
  /** Multiplies cos and sin; 1 but for yarn. */
  readonly attentionFactor: number;
}

const round = Math.fround;

/**
 * The rotation speeds of a head.
 *
 * Every step is rounded to float32, as the reference does: the exponent's rounding alone moves a frequency by 1e-6 of
 * itself, which is a visible angle a few thousand positions on.
 *
 * @source transformers `modeling_rope_utils.py` (default, linear, llama3, yarn)
 */
export function rotaryFrequencies(
  config: Pick<ModelConfig, "headWidth" | "ropeTheta" | "ropeScaling">,
): RotaryFrequencies {
  const { headWidth, ropeTheta, ropeScaling } = config;
  const base = Float32Array.from({ length: headWidth / 2 }, (_, i) => ropeTheta ** round((2 * i) / headWidth));
  const inverse = base.map((period) => 1 / period);
  switch (ropeScaling.kind) {
    case "default":
      return { inverse, attentionFactor: 1 };
    case "linear":
      return { inverse: inverse.map((speed) => speed / ropeScaling.factor), attentionFactor: 1 };
    case "llama3":
      return { inverse: inverse.map((speed) => llama3Speed(speed, ropeScaling)), attentionFactor: 1 };
    case "yarn":
      return { inverse: yarnSpeeds(base, config, ropeScaling), attentionFactor: ropeScaling.attentionFactor };
    default:
      return ropeScaling satisfies never;
  }
}

/** Long wavelengths are slowed by the factor, short ones kept, those between blended. */
function llama3Speed(speed: number, scaling: RopeScaling & { readonly kind: "llama3" }): number {
  const { factor, lowFrequencyFactor: low, highFrequencyFactor: high, originalMaxPositions } = scaling;
  const wavelength = round((2 * Math.PI) / speed);
  if (wavelength < originalMaxPositions / high) return speed;
  if (wavelength > originalMaxPositions / low) return speed / factor;
  const kept = round(round(round(originalMaxPositions / wavelength) - low) / (high - low));
  return round(round(round(1 - kept) * speed) / factor) + round(kept * speed);
}

/** Channels that turn more than betaFast times over the original length are kept, fewer than betaSlow slowed, a ramp between. */
function yarnSpeeds(
  base: Float32Array,
  config: Pick<ModelConfig, "headWidth" | "ropeTheta">,
  scaling: RopeScaling & { readonly kind: "yarn" },
): Float32Array {
  const { headWidth, ropeTheta } = config;
  const channelTurning = (turns: number): number =>
    (headWidth * Math.log(scaling.originalMaxPositions / (turns * 2 * Math.PI))) / (2 * Math.log(ropeTheta));
  let first = channelTurning(scaling.betaFast);
  let last = channelTurning(scaling.betaSlow);
  if (scaling.truncate) [first, last] = [Math.floor(first), Math.ceil(last)];
  first = Math.max(first, 0);
  last = Math.min(last, headWidth - 1);
  if (first === last) last += 0.001; // the ramp would divide by zero
  return base.map((period, i) => {
    const ramp = Math.min(Math.max(round(round(i - round(first)) / round(last - first)), 0), 1);
    const kept = round(1 - ramp);
    const slowed = round(1 / round(scaling.factor * period));
    return round(slowed * round(1 - kept)) + round(round(1 / period) * kept);
  });
}

/**
 * Cosines and sines of positions 0 .. positions-1.
 *
 * @returns two float32 tables, row-major `[positions, K/2]`; channel i turns with channel i + K/2
 */
export function ropeTables(
  config: Pick<ModelConfig, "headWidth" | "ropeTheta" | "ropeScaling">,
  positions: number,
): { readonly cos: Float32Array; readonly sin: Float32Array } {
  const { inverse, attentionFactor } = rotaryFrequencies(config);
  const half = inverse.length;
  const cos = new Float32Array(positions * half);
  const sin = new Float32Array(positions * half);
  for (let position = 0; position < positions; position++) {
    for (let i = 0; i < half; i++) {
      const angle = round(position * inverse[i]!);
      cos[position * half + i] = round(Math.cos(angle)) * attentionFactor;
      sin[position * half + i] = round(Math.sin(angle)) * attentionFactor;
    }
  }
  return { cos, sin };
}
