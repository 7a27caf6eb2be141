// What an answer is made of: a value, or values in a list, a tuple, an interval, a relation, a matrix.

import type { Expression } from "./expression.ts";
import type { Decimal } from "./literal.ts";

/** One value, with everything its writer said about how it is to be taken. */
export interface Leaf {
  readonly kind: "leaf";
  /** null when the text is no expression the reader knows: then only its spelling can be compared */
  readonly expression: Expression | null;
  /** set when the whole value is one literal with a decimal point */
  readonly decimal: Decimal | null;
  readonly percent: boolean;
  readonly degrees: boolean;
  /** a known unit, in one spelling */
  readonly unit: string | null;
  /** the tokens without white space: equal spellings are equal answers */
  readonly source: string;
}

/** Bare values in a row, or in braces: order does not count, repetition neither. */
export interface List {
  readonly kind: "list";
  readonly items: readonly Answer[];
  /** `set` has braces; `choice` is joined by "or" */
  readonly style: "plain" | "set" | "choice";
  readonly source: string;
}

/** Values in round or square brackets: order counts. Two of them may also be the ends of an interval. */
export interface Tuple {
  readonly kind: "tuple";
  readonly items: readonly Answer[];
  readonly open: "(" | "[";
  readonly close: ")" | "]";
  readonly source: string;
}

export interface Union {
  readonly kind: "union";
  readonly parts: readonly Answer[];
  readonly source: string;
}

export type RelationOperator = "=" | "!=" | "<" | ">" | "<=" | ">=" | "~" | "in" | ":" | "to" | "mid";

/** `x = 5`, `0 < x <= 1`, `a = b = c`: one more side than operators. */
export interface Relation {
  readonly kind: "relation";
  readonly sides: readonly Answer[];
  readonly operators: readonly RelationOperator[];
  readonly source: string;
}

export interface Matrix {
  readonly kind: "matrix";
  readonly rows: readonly (readonly Answer[])[];
  /** `determinant` for bars around it */
  readonly style: "matrix" | "determinant" | "cases";
  readonly source: string;
}

export interface Words {
  readonly kind: "words";
  /** lower case, single spaces, no punctuation at the ends */
  readonly text: string;
  readonly source: string;
}

/** Digits in a stated base: 204_5. */
export interface Based {
  readonly kind: "based";
  readonly value: bigint;
  readonly base: number;
  readonly source: string;
}

export type Answer = Leaf | List | Tuple | Union | Relation | Matrix | Words | Based;

/** A leaf for a value worked out here, not read. */
export function leafOf(expression: Expression, source: string): Leaf {
  return { kind: "leaf", expression, decimal: null, percent: false, degrees: false, unit: null, source };
}
