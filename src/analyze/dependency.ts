// How far back the tokens of any text look: to the same number, or the same three tokens in a row.

import { invariant } from "../base/invariant.ts";
import type { DependencyStats } from "../tasks/task.ts";

export interface TextTokens {
  readonly ids: ArrayLike<number>;
  /** the text of each token; joined they are the whole text */
  readonly texts: readonly string[];
}

/**
 * For every token the distance to the latest earlier occurrence of the same number or 3-gram; 0 where there is none.
 *
 * A number is a run of digits with its decimals (`1,000` is `1000`), however many tokens it takes: each of them looks back
 * from the number's first token to that of the earlier one. A 3-gram looks back from its last token. Where both are found
 * the nearer one counts.
 */
export function lookBackDistances({ ids, texts }: TextTokens): Int32Array {
  invariant(ids.length === texts.length, `${ids.length} ids have ${texts.length} texts`);
  const distances = new Int32Array(ids.length);
  const lastEnd = new Map<string, number>();
  for (let i = 2; i < ids.length; i++) {
    const gram = `${ids[i - 2]},${ids[i - 1]},${ids[i]}`;
    const earlier = lastEnd.get(gram);
    if (earlier !== undefined) distances[i] = i - earlier;
    lastEnd.set(gram, i);
  }
  const lastStart = new Map<string, number>();
  for (const { value, first, last } of numbersIn(texts)) {
    const earlier = lastStart.get(value);
    lastStart.set(value, first);
    // Two numbers inside one token have no distance between them.
    if (earlier === undefined || earlier === first) continue;
    for (let i = first; i <= last; i++) {
      if (distances[i] === 0 || first - earlier < distances[i]!) distances[i] = first - earlier;
    }
  }
  return distances;
}

/**
 * The look-ups of a response in any text, in the terms a task uses for its own.
 *
 * @param promptLength tokens before the response; they are looked back to and do not look back themselves
 */
export function textDependencies(tokens: TextTokens, promptLength: number, window: number): DependencyStats {
  const all = lookBackDistances(tokens);
  const distances: number[] = [];
  const arcs: (readonly [number, number])[] = [];
  let farthest = 0;
  let total = 0;
  for (let i = promptLength; i < all.length; i++) {
    const distance = all[i]!;
    if (distance === 0) continue;
    distances.push(distance);
    arcs.push([i - distance, i]);
    farthest = Math.max(farthest, distance);
    total += distance;
  }
  return {
    distances,
    arcs,
    farthest: distances.length === 0 ? null : farthest,
    beyondWindow: farthest > window,
    unseenCount: all.length - promptLength - distances.length,
    meanLookupDistance: distances.length === 0 ? null : total / distances.length,
    stepCount: 0,
    restatingSteps: 0,
  };
}

interface NumberAt {
  readonly value: string;
  /** tokens, both included */
  readonly first: number;
  readonly last: number;
}

function* numbersIn(texts: readonly string[]): Generator<NumberAt> {
  const text = texts.join("");
  let token = 0;
  let tokenEnd = texts[0]?.length ?? 0;
  const tokenAt = (offset: number): number => {
    while (offset >= tokenEnd && token + 1 < texts.length) {
      token += 1;
      tokenEnd += texts[token]!.length;
    }
    return token;
  };
  for (const match of text.matchAll(/\d+(?:,\d{3})*(?:\.\d+)?/g)) {
    const first = tokenAt(match.index);
    const last = tokenAt(match.index + match[0].length - 1);
    yield { value: match[0].replaceAll(",", ""), first, last };
  }
}
