// The expression tree of one answer, its canonical text, and the symbols in it.

import { integer, type Rational } from "./rational.ts";

/**
 * `call` is a function the evaluator knows; `opaque` is anything it does not (an unknown function, an infinite sum): such
 * a part is treated as one unknown, named by its canonical text.
 */
export type Expression =
  | { readonly kind: "number"; readonly value: Rational }
  | { readonly kind: "symbol"; readonly name: string }
  | { readonly kind: "sum"; readonly terms: readonly Expression[] }
  | { readonly kind: "product"; readonly factors: readonly Expression[] }
  | { readonly kind: "quotient"; readonly top: Expression; readonly bottom: Expression }
  | { readonly kind: "power"; readonly base: Expression; readonly exponent: Expression }
  | { readonly kind: "call"; readonly name: string; readonly args: readonly Expression[] }
  | { readonly kind: "opaque"; readonly name: string; readonly args: readonly Expression[] };

/** Names that stand for one number each, never for an unknown. */
export const CONSTANTS: ReadonlySet<string> = new Set(["pi", "e", "i", "infinity"]);

export function num(value: bigint | number): Expression {
  return { kind: "number", value: integer(value) };
}

export function symbol(name: string): Expression {
  return { kind: "symbol", name };
}

export function negated(a: Expression): Expression {
  if (a.kind === "number") return { kind: "number", value: { n: -a.value.n, d: a.value.d } };
  return { kind: "product", factors: [num(-1), a] };
}

export function call(name: string, ...args: readonly Expression[]): Expression {
  return { kind: "call", name, args };
}

export function opaque(name: string, ...args: readonly Expression[]): Expression {
  return { kind: "opaque", name, args };
}

export function power(base: Expression, exponent: Expression): Expression {
  return { kind: "power", base, exponent };
}

export function quotient(top: Expression, bottom: Expression): Expression {
  return { kind: "quotient", top, bottom };
}

export function squareRootOf(a: Expression): Expression {
  return power(a, { kind: "number", value: { n: 1n, d: 2n } });
}

/** The parts one step down. */
export function partsOf(a: Expression): readonly Expression[] {
  switch (a.kind) {
    case "number":
    case "symbol":
      return [];
    case "sum":
      return a.terms;
    case "product":
      return a.factors;
    case "quotient":
      return [a.top, a.bottom];
    case "power":
      return [a.base, a.exponent];
    case "call":
    case "opaque":
      return a.args;
    default:
      return a satisfies never;
  }
}

/** One text for an expression and for every reordering of its sums and products. */
export function canonical(a: Expression): string {
  switch (a.kind) {
    case "number":
      return a.value.d === 1n ? String(a.value.n) : `${a.value.n}/${a.value.d}`;
    case "symbol":
      return a.name;
    case "sum":
      return `(+ ${flattened(a, "sum").map(canonical).sort().join(" ")})`;
    case "product":
      return `(* ${flattened(a, "product").map(canonical).sort().join(" ")})`;
    case "quotient":
      return `(/ ${canonical(a.top)} ${canonical(a.bottom)})`;
    case "power":
      return `(^ ${canonical(a.base)} ${canonical(a.exponent)})`;
    case "call":
    case "opaque":
      return `(${a.name} ${a.args.map(canonical).join(" ")})`;
    default:
      return a satisfies never;
  }
}

/** What an evaluation must be given a value for: symbols that are no constants, and opaque parts by canonical text. */
export function unknownsOf(a: Expression, found = new Set<string>()): Set<string> {
  if (a.kind === "symbol") {
    if (!CONSTANTS.has(a.name) || a.name === "infinity") found.add(a.name);
  } else if (a.kind === "opaque") {
    found.add(canonical(a));
  } else if (a.kind === "call" && (a.name === "finite-sum" || a.name === "finite-product")) {
    // The index is bound; it is unknown only where it also stands free.
    const [index, ...rest] = a.args;
    const inside = new Set<string>();
    for (const part of rest) unknownsOf(part, inside);
    for (const name of inside) if (index?.kind !== "symbol" || name !== index.name) found.add(name);
  } else {
    for (const part of partsOf(a)) unknownsOf(part, found);
  }
  return found;
}

/** Renames a symbol everywhere, inside opaque parts too. */
export function renamed(a: Expression, from: string, to: string): Expression {
  const again = (part: Expression): Expression => renamed(part, from, to);
  switch (a.kind) {
    case "number":
      return a;
    case "symbol":
      return a.name === from ? symbol(to) : a;
    case "sum":
      return { kind: "sum", terms: a.terms.map(again) };
    case "product":
      return { kind: "product", factors: a.factors.map(again) };
    case "quotient":
      return quotient(again(a.top), again(a.bottom));
    case "power":
      return power(again(a.base), again(a.exponent));
    case "call":
    case "opaque":
      return { kind: a.kind, name: a.name, args: a.args.map(again) };
    default:
      return a satisfies never;
  }
}

export function hasOpaque(a: Expression): boolean {
  return a.kind === "opaque" || partsOf(a).some(hasOpaque);
}

function flattened(a: Expression, kind: "sum" | "product"): readonly Expression[] {
  if (a.kind !== kind) return [a];
  return partsOf(a).flatMap((part) => flattened(part, kind));
}
