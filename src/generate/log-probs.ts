// Log-probs of given texts: one forward pass a sequence, in a few compiled lengths.

import type { Engine, Program } from "../engine/engine.ts";
import { ProgramCache } from "../engine/program-cache.ts";
import { graphOf } from "../graph/check.ts";
import type { ModelConfig } from "../model/config.ts";
import { SequenceInputs, sequenceModel } from "../model/sequence.ts";
import { viewArrays, viewsOf, weightInputs } from "../model/views.ts";
import type { Weights } from "../tensor/tensor.ts";
import { rungAbove } from "../tensor/ladder.ts";

export interface Scorer {
  /**
   * @param ids  at least one token
   * @returns as many numbers as ids: entry i is ln p(ids[i] | ids[0..i-1]), natural log; entry 0 is NaN
   */
  logProbs(ids: readonly number[]): Promise<Float32Array>;
  dispose(): Promise<void>;
}

interface CompiledLength {
  readonly program: Program;
  readonly inputs: SequenceInputs;
}

export function createScorer(engine: Engine, config: ModelConfig, weights: Weights): Scorer {
  const views = viewsOf(config);
  const weightArrays = viewArrays(views, weights);
  const compiled = new ProgramCache<CompiledLength>(engine);

  const compile = (tokens: number): Promise<CompiledLength> =>
    compiled.get(String(tokens), () => {
      const shape = { rows: 1, tokens };
      const { logProb } = sequenceModel(config, weightInputs(views).nodes, shape);
      const inputs = new SequenceInputs(config, shape);
      return { graph: graphOf({ logProb }), made: (program) => ({ program, inputs }) };
    });

  return {
    logProbs: async (ids) => {
      const tokens = rungAbove(Math.max(16, ids.length));
      const { program, inputs } = await compile(tokens);
      const padded = (from: readonly number[]): Int32Array => {
        const all = new Int32Array(tokens);
        all.set(from);
        return all;
      };
      inputs.fill({
        ids: padded(ids),
        positions: Int32Array.from({ length: tokens }, (_, i) => i),
        // The padding behind the text is never looked at by the text: attention is causal.
        segmentStart: new Int32Array(tokens),
        targets: padded(ids.slice(1)),
      });
      const logProb = new Float32Array(tokens);
      await program.run({ ...inputs.arrays, ...weightArrays }, { logProb });
      const shifted = new Float32Array(ids.length);
      shifted[0] = NaN;
      shifted.set(logProb.subarray(0, ids.length - 1), 1);
      return shifted;
    },
    dispose: () => compiled.dispose(),
  };
}
