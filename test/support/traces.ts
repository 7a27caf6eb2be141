// Made-up problems and traces in the shape of the miniature's, with the look-ups each trace makes; no model is involved.

import type { RandomStream } from "../../src/base/seeds.ts";
import type { Arc, RolloutRecord } from "../../src/run/rollouts.ts";

export interface Trace {
  readonly prompt: string;
  readonly response: string;
  readonly gold: string;
  readonly arcs: readonly Arc[];
  readonly restatements: number;
}

/** A running total of 4 to 8 terms; after each step but the last, what remains is restated with probability `restating`. */
export function madeUpTrace(stream: RandomStream, restating: number, terms = 4 + stream.integer(5)): Trace {
  const parts: string[] = [];
  const totals = [0];
  for (let k = 0; k < terms; k++) {
    const before = totals[k] ?? 0;
    const next = (before + 1 + stream.integer(9)) % 10;
    const label = String.fromCharCode("a".charCodeAt(0) + terms - 1 - k);
    parts.push(`${label}${next > before ? "+" : "-"}${Math.abs(next - before)}`);
    totals.push(next);
  }
  const prompt = `^${parts.join("")}=`;
  let text = prompt;
  let restatements = 0;
  const arcs: Arc[] = [];
  const look = (label: string): void => {
    arcs.push([text.lastIndexOf(label), text.length]);
  };
  for (const [k, part] of parts.entries()) {
    look(part.charAt(0));
    text += `${part}:${totals[k]}${part.slice(1)}=${totals[k + 1]}`;
    if (k === parts.length - 1 || stream.uniform() >= restating) continue;
    restatements += 1;
    text += "[";
    for (const rest of parts.slice(k + 1)) {
      look(rest.charAt(0));
      text += rest;
    }
    text += "]";
  }
  const gold = String(totals[terms]);
  return { prompt, response: `${text.slice(prompt.length)}#${gold}$`, gold, arcs, restatements };
}

/** A rollout of that trace which the pretended model gets right with probability `skill`. */
export function madeUpRollout(
  trace: Trace,
  place: { readonly group: number; readonly sample: number; readonly problem: string },
  options: { readonly stream: RandomStream; readonly skill: number; readonly window: number; readonly cap: number },
): RolloutRecord {
  const { stream } = options;
  const draw = stream.uniform();
  const verdict = draw < options.skill ? "right" : draw > 0.97 ? "unreadable" : "wrong";
  const wrongDigit = String((Number(trace.gold) + 1 + stream.integer(9)) % 10);
  const answer = verdict === "right" ? trace.gold : verdict === "wrong" ? wrongDigit : null;
  const ending = answer === null ? "####" : `#${answer}$`;
  const full = trace.response.slice(0, trace.response.lastIndexOf("#")) + ending;
  const response = full.slice(0, options.cap);
  const distances = trace.arcs.map(([from, to]) => to - from);
  const distance = Math.max(...distances);
  return {
    ...place,
    prompt: trace.prompt,
    promptTokens: [...trace.prompt],
    response,
    tokens: [...response],
    logProbs: Array.from(response, () => (stream.uniform() < 0.8 ? -0.02 : -2.5) * stream.uniform()),
    reward: verdict === "right" ? 1 : 0,
    terms: { correct: verdict === "right" ? 1 : 0 },
    verdict,
    answer,
    gold: trace.gold,
    finishReason: response.endsWith("$") ? "stop" : "length",
    length: response.length,
    dependency: { distance, beyondWindow: distance > options.window },
    arcs: trace.arcs.filter(([, to]) => to < trace.prompt.length + response.length),
  };
}
