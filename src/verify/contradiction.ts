// Answers that contradict themselves: 2 + 2 = 5 is not an answer of 5.

import type { Answer, Leaf, Relation } from "./answer.ts";
import { exactValue, preciseValue, type Steps } from "./evaluate.ts";
import { isReal } from "./complex.ts";
import { isWrittenFor } from "./literal.ts";
import { Undefined } from "./precise.ts";
import { isConstant } from "./relations.ts";
import { sameAnswer } from "./same-answer.ts";
import { bracket } from "./same-value.ts";
import { unitsConflict } from "./units.ts";

const NOWHERE = new Map();

/** Whether it holds a false chain of constants. @throws `Refused` when an evaluation would grow too large */
export function contradictsItself(answer: Answer, steps: Steps): boolean {
  switch (answer.kind) {
    case "relation":
      return isFalse(answer, steps) || answer.sides.some((side) => contradictsItself(side, steps));
    case "list":
    case "tuple":
      return answer.items.some((item) => contradictsItself(item, steps));
    case "union":
      return answer.parts.some((part) => contradictsItself(part, steps));
    case "matrix":
      return answer.rows.some((row) => row.some((entry) => contradictsItself(entry, steps)));
    case "leaf":
    case "words":
    case "based":
      return false;
    default:
      return answer satisfies never;
  }
}

/**
 * Whether a chain that begins with a constant holds one that differs; an approximation, an inequality or a membership ends
 * the chain. Behind a name the last side is what is claimed, however it was come by: x = 5 + 5 + 1 = 7 = 11 answers 11, as
 * the labelled cases have it.
 */
function isFalse({ sides, operators }: Relation, steps: Steps): boolean {
  const [first, ...others] = sides;
  if (first === undefined || !isConstant(first)) return false;
  const end = operators.findIndex((operator) => operator !== "=");
  const chain = end < 0 ? others : others.slice(0, end);
  return chain.some((side) => isConstant(side) && !agree(first, side, steps));
}

function agree(a: Answer, b: Answer, steps: Steps): boolean {
  if (a.kind === "leaf" && b.kind === "leaf") {
    // 2 hours = 120 minutes: nothing here converts units, so nothing is known.
    if (unitsConflict(a.unit, b.unit)) return true;
    if (isRounded(a, b, steps) || isRounded(b, a, steps)) return true;
  }
  return sameAnswer(a, b, steps);
}

/** 2/3 = 0.67 is how one rounds, whatever may be said for 0.67 as an answer. */
function isRounded(exact: Leaf, written: Leaf, steps: Steps): boolean {
  if (written.decimal === null || exact.expression === null || exact.percent !== written.percent) return false;
  try {
    const value = exactValue(exact.expression, NOWHERE, steps);
    if (value !== null) return isWrittenFor(written.decimal, value);
    const precise = preciseValue(exact.expression, NOWHERE, steps);
    return isReal(precise) && isWrittenFor(written.decimal, bracket(precise.re));
  } catch (thrown) {
    if (thrown instanceof Undefined) return false;
    throw thrown;
  }
}
