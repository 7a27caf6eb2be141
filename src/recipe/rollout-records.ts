// Sampled responses → the lines of a rollout file.

import { writeFileAtomic } from "../base/files.ts";
import { encodeRollout, type RolloutRecord } from "../run/rollouts.ts";
import type { Rollout } from "../stage2-rl/rollout.ts";
import type { Tokenizer } from "../tokens/tokenizer.ts";

/** Writes one rollout file, whole or not at all. */
export function saveRollouts(file: string, rollouts: readonly Rollout[], tokenizer: Tokenizer): void {
  const spell = speller(tokenizer);
  writeFileAtomic(file, rollouts.map((rollout) => encodeRollout(recordOf(rollout, spell))).join(""));
}

function recordOf(rollout: Rollout, spell: (id: number) => string): RolloutRecord {
  const { response, graded, dependency, problem } = rollout;
  return {
    group: rollout.group,
    sample: rollout.sample,
    problem: problem.id,
    prompt: problem.prompt,
    promptTokens: rollout.promptIds.map(spell),
    response: rollout.text,
    tokens: Array.from(response.ids, spell),
    logProbs: Array.from(response.logProbs),
    reward: graded.reward,
    terms: graded.terms,
    verdict: graded.verdict,
    answer: graded.answer,
    gold: problem.gold,
    finishReason: response.finishReason,
    length: response.ids.length,
    dependency:
      dependency === null || dependency.farthest === null
        ? null
        : { distance: dependency.farthest, beyondWindow: dependency.beyondWindow },
    arcs: dependency === null ? null : dependency.arcs,
  };
}

/** The text of single tokens, each decoded once. */
function speller(tokenizer: Tokenizer): (id: number) => string {
  const known = new Map<number, string>();
  return (id) => {
    let text = known.get(id);
    if (text === undefined) {
      text = tokenizer.decode([id], { skipSpecialTokens: false });
      known.set(id, text);
    }
    return text;
  };
}
