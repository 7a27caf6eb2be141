// The whole next-token distribution at every position of a text, a few rows at a time: [T, V] never exists whole.

import type { Engine, Program } from "../engine/engine.ts";
import { ProgramCache } from "../engine/program-cache.ts";
import { graphOf } from "../graph/check.ts";
import { input } from "../graph/node.ts";
import { logSoftmax } from "../graph/ops/rowwise.ts";
import type { ModelConfig } from "../model/config.ts";
import { headWeight, logits } from "../model/decoder.ts";
import { SequenceInputs, sequenceModel } from "../model/sequence.ts";
import { viewArrays, viewsOf, weightInputs } from "../model/views.ts";
import type { Weights } from "../tensor/tensor.ts";
import { rungAbove } from "../tensor/ladder.ts";

export interface Distributions {
  /**
   * @param ids  at least one token
   * @param visit  called for i = 1 .. ids.length in order with ln p(· | ids[0..i-1]), all V of them; valid during the call only
   */
  visit(ids: readonly number[], visit: (position: number, logProbs: Float32Array) => void): Promise<void>;
  dispose(): Promise<void>;
}

/** Log-probs held at once, in elements (16 MiB). */
const AT_ONCE = 2 ** 22;

export function createDistributions(engine: Engine, config: ModelConfig, weights: Weights): Distributions {
  const { vocabularySize: V, width: D } = config;
  const views = viewsOf(config);
  const weightArrays = viewArrays(views, weights);
  const rows = Math.max(1, Math.min(64, Math.floor(AT_ONCE / V)));
  const states = new Float32Array(rows * D);
  const logProbs = new Float32Array(rows * V);
  const bodies = new ProgramCache<{ readonly program: Program; readonly inputs: SequenceInputs }>(engine);
  let head: Program | null = null;

  const bodyOf = (tokens: number): Promise<{ readonly program: Program; readonly inputs: SequenceInputs }> =>
    bodies.get(String(tokens), () => {
      const shape = { rows: 1, tokens };
      const { hidden } = sequenceModel(config, weightInputs(views).nodes, shape);
      const inputs = new SequenceInputs(config, shape);
      return { graph: graphOf({ hidden }), made: (program) => ({ program, inputs }) };
    });
  const headProgram = (): Promise<Program> => {
    const outputs = logSoftmax(logits(input("states", [rows, D]), headWeight(config, weightInputs(views).nodes)));
    return engine.compile(graphOf({ logProbs: outputs }));
  };

  return {
    visit: async (ids, visit) => {
      const tokens = rungAbove(Math.max(16, ids.length));
      const { program, inputs } = await bodyOf(tokens);
      head ??= await headProgram();
      const padded = new Int32Array(tokens);
      padded.set(ids);
      const positions = Int32Array.from({ length: tokens }, (_, i) => i);
      inputs.fill({ ids: padded, positions, segmentStart: new Int32Array(tokens), targets: new Int32Array(tokens) });
      const hidden = new Float32Array(tokens * D);
      await program.run({ ...inputs.arrays, ...weightArrays }, { hidden });
      for (let from = 0; from < ids.length; from += rows) {
        const count = Math.min(rows, ids.length - from);
        states.set(hidden.subarray(from * D, (from + count) * D));
        await head.run({ states, ...weightArrays }, { logProbs });
        for (let row = 0; row < count; row++) visit(from + row + 1, logProbs.subarray(row * V, (row + 1) * V));
      }
    },
    dispose: async () => {
      await bodies.dispose();
      await head?.dispose();
      head = null;
    },
  };
}
