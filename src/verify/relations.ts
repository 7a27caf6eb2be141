// Equations and inequalities: when a name on the left may go, which interval an inequality describes, when two say the same.

import { leafOf, type Answer, type Relation, type Tuple } from "./answer.ts";
import { preciseValue, type Steps } from "./evaluate.ts";
import { multiplyComplex, sameComplex } from "./complex.ts";
import { negated, quotient, renamed, symbol, unknownsOf, type Expression } from "./expression.ts";
import { mapped } from "./points.ts";
import { Undefined } from "./precise.ts";
import { equals, integer } from "./rational.ts";

type Same = (a: Answer, b: Answer) => boolean;

/** x = 5 as a name and a value. */
export interface NamedValue {
  readonly name: Answer;
  readonly value: Answer;
}

/** At least one of the two is a relation. */
export function sameRelation(gold: Answer, given: Answer, same: Same, steps: Steps): boolean {
  if (gold.kind === "relation" && given.kind === "relation") return sameRelations(gold, given, same, steps);
  const [relation, other] = gold.kind === "relation" ? [gold, given] : [given as Relation, gold];
  const value = namedValue(relation)?.value ?? regionOf(relation) ?? ratioOf(relation);
  if (value === null) return false;
  return gold.kind === "relation" ? same(value, other) : same(other, value);
}

function sameRelations(gold: Relation, given: Relation, same: Same, steps: Steps): boolean {
  if (isRatio(gold) && isRatio(given)) return sameRatio(gold, given, same);
  const [a, b] = [namedValue(gold), namedValue(given)];
  if (a !== null && b !== null) {
    if (agreeInName(a.name, b.name)) return same(a.value, renamedLike(b, a));
    return !isConstant(a.value) && isEquation(gold) && isEquation(given) && sameEquation(gold, given, steps);
  }
  const [left, right] = [regionOf(gold), regionOf(given)];
  if (left !== null && right !== null) return subjectOf(gold) === subjectOf(given) && same(left, right);
  if (a !== null && right !== null) return same(a.value, right);
  if (b !== null && left !== null) return same(left, b.value);
  if (a !== null && b === null && same(a.value, given)) return true;
  if (b !== null && a === null && same(gold, b.value)) return true;
  // Where the gold answer is solved, an equation that still holds the unknown is the question over again.
  if (a === null && left === null && sameEquation(gold, given, steps)) return true;
  if (a !== null && !isConstant(a.value) && isEquation(gold) && sameEquation(gold, given, steps)) return true;
  // 1 = z = x = 0 names nothing on the left, yet ends in a value.
  return sameSides(gold, given, same);
}

function sameSides(gold: Relation, given: Relation, same: Same): boolean {
  if (gold.operators.join() !== given.operators.join()) return false;
  return gold.sides.every((side, index) => same(side, given.sides[index] as Answer));
}

/**
 * The name and the value of `x = 5`, `f(x) = x + 1`, `(p, q) = (3, 2)`, `x in S`, `5 = x`. In a chain the last side counts;
 * of `1/3 = x \approx 0.33` what stands before the approximation. Null for an equation proper, such as 2x + z = 1.
 */
export function namedValue(relation: Relation): NamedValue | null {
  const { operators, sides } = relation;
  // "Answer: 5"
  if (operators.length === 1 && operators[0] === ":" && sides[0]?.kind === "words")
    return { name: sides[0], value: sides[1] as Answer };
  if (!operators.every((operator) => operator === "=" || operator === "~" || operator === "in")) return null;
  const approximate = operators.indexOf("~");
  const first = sides[0] as Answer;
  const last = approximate > 0 || (approximate === 0 && !isName(first)) ? approximate : sides.length - 1;
  const value = sides[last] as Answer;
  if (last === 0) return { name: first, value: first };
  if (isName(first)) return mentions(value, first) ? null : { name: first, value };
  if (last === 1 && isName(value) && isConstant(first)) return { name: value, value: first };
  // A chain that begins with a number is a computation: its last side counts.
  return isConstant(first) ? { name: first, value } : null;
}

/** The interval an inequality in one name describes; null when it is none, or says more. */
export function regionOf(relation: Relation): Answer | null {
  const { operators, sides } = relation;
  const [a, b, c] = sides;
  if (sides.length === 3 && a !== undefined && b !== undefined && c !== undefined && isName(b)) {
    const [first, second] = operators;
    if (isLess(first) && isLess(second)) return interval(a, c, first === "<=", second === "<=");
    if (isGreater(first) && isGreater(second)) return interval(c, a, second === ">=", first === ">=");
    return null;
  }
  if (sides.length !== 2 || a === undefined || b === undefined) return null;
  const [operator] = operators;
  if (operator === "!=" && isName(a))
    return { kind: "union", parts: [below(b, false), above(b, false)], source: relation.source };
  if (!isLess(operator) && !isGreater(operator)) return null;
  const closed = operator === "<=" || operator === ">=";
  if (isName(a) && isConstant(b)) return isLess(operator) ? below(b, closed) : above(b, closed);
  if (isName(b) && isConstant(a)) return isLess(operator) ? above(a, closed) : below(a, closed);
  return negatedRegion(a, b, isLess(operator), closed);
}

/** -x >= -1. Anything less solved, such as 2x > 4, is the question and not its answer. */
function negatedRegion(a: Answer, b: Answer, less: boolean, closed: boolean): Answer | null {
  const [left, right] = [expressionOf(a), expressionOf(b)];
  if (left === null || right === null) return null;
  if (isNegatedName(left) && isConstant(b)) return turned(right, less, closed);
  return isNegatedName(right) && isConstant(a) ? turned(left, !less, closed) : null;
}

function turned(bound: Expression, less: boolean, closed: boolean): Answer {
  const leaf = leafOf(negated(bound), "");
  return less ? above(leaf, closed) : below(leaf, closed);
}

function isNegatedName(a: Expression): boolean {
  if (a.kind !== "product" || a.factors.length !== 2) return false;
  const [sign, name] = a.factors;
  return sign?.kind === "number" && equals(sign.value, integer(-1)) && name !== undefined && isNameLike(name);
}

/** Two equations (or inequalities) say the same when left minus right differs by a constant factor. */
function sameEquation(gold: Relation, given: Relation, steps: Steps): boolean {
  const [operator, other] = [gold.operators[0], given.operators[0]];
  if (gold.operators.length !== 1 || given.operators.length !== 1) return false;
  const a = differenceOf(gold.sides[0] as Answer, gold.sides[1] as Answer);
  const b = differenceOf(given.sides[0] as Answer, given.sides[1] as Answer);
  if (a === null || b === null) return false;
  const sign = signOf(operator, other);
  return sign !== null && isMultiple(a, b, sign, steps);
}

/** What the factor between two relations must be: any number for equations, positive or negative for inequalities. */
function signOf(a: string | undefined, b: string | undefined): "any" | 1 | -1 | null {
  const flipped: Readonly<Record<string, string>> = { "<": ">", ">": "<", "<=": ">=", ">=": "<=" };
  if (a === "=" && b === "=") return "any";
  if (a === "!=" && b === "!=") return "any";
  if (a === undefined || flipped[a] === undefined) return null;
  return a === b ? 1 : flipped[a] === b ? -1 : null;
}

function isMultiple(a: Expression, b: Expression, sign: "any" | 1 | -1, steps: Steps): boolean {
  const unknowns = [...unknownsOf(b, unknownsOf(a))].sort();
  if (unknowns.length === 0) return false;
  const pairs = [];
  for (let index = 0; index < 6; index++) {
    try {
      const at = mapped(unknowns, index, "mixed");
      pairs.push([preciseValue(a, at, steps), preciseValue(b, at, steps)] as const);
    } catch (thrown) {
      if (!(thrown instanceof Undefined)) throw thrown;
    }
  }
  const [first, ...rest] = pairs;
  if (first === undefined || rest.length < 3 || first[0].re.m === 0n || first[1].re.m === 0n) return false;
  const positive = first[0].re.m > 0n === first[1].re.m > 0n;
  if (sign !== "any" && positive !== (sign === 1)) return false;
  return rest.every(([x, y]) => sameComplex(multiplyComplex(x, first[1]), multiplyComplex(y, first[0])) === true);
}

function isRatio(relation: Relation): boolean {
  return relation.operators.every((operator) => operator === ":");
}

/** 7:32 and 14:64 are one ratio; 2:30 and 1:15 are two times of day, which agree only as written. */
function sameRatio(gold: Relation, given: Relation, same: Same): boolean {
  if (gold.sides.length !== given.sides.length) return false;
  if (sameSides(gold, given, same)) return true;
  if (isTime(gold) || isTime(given)) return false;
  const [a, b] = [gold.sides.map(expressionOf), given.sides.map(expressionOf)];
  const [a0, b0] = [a[0] ?? null, b[0] ?? null];
  if (a0 === null || b0 === null) return false;
  return a.every((side, index) => {
    const other = b[index] ?? null;
    if (side === null || other === null) return false;
    return same(leafOf(quotient(side, a0), ""), leafOf(quotient(other, b0), ""));
  });
}

function ratioOf(relation: Relation): Answer | null {
  if (!isRatio(relation) || relation.sides.length !== 2 || isTime(relation)) return null;
  const [a, b] = relation.sides.map(expressionOf);
  return a === undefined || b === undefined || a === null || b === null ? null : leafOf(quotient(a, b), "");
}

function isTime(relation: Relation): boolean {
  return /^\d{1,2}:[0-5]\d(?:[ap]\.?m\.?)?$/i.test(relation.source);
}

/**
 * Something that only names what was asked for: x, AB, f(x), |AB|, NO/BO, (p, q), words. A number or a sum is no name, so
 * that 2x + z = 1 is not answered by 1.
 */
export function isName(a: Answer): boolean {
  if (a.kind === "words") return true;
  if (a.kind === "tuple") return a.items.every(isName);
  if (a.kind === "relation") return isRatio(a) && a.sides.every(isName);
  if (a.kind !== "leaf") return false;
  if (a.expression === null)
    return /^\\?[A-Za-z]+'*(?:_\{?\w+\}?)? ?\(.*\)$/.test(a.source) || /^\\(?:angle|triangle|text)/.test(a.source);
  return isNameLike(a.expression);
}

function isNameLike(a: Expression): boolean {
  switch (a.kind) {
    case "symbol":
      return a.name !== "pi" && a.name !== "infinity";
    case "opaque":
      return a.name !== "sum" && a.name !== "prod" && a.name !== "set";
    case "product":
      return a.factors.every(isNameLike);
    case "quotient":
      return isNameLike(a.top) && isNameLike(a.bottom);
    case "call":
      return a.args.length === 1 && a.args.every(isNameLike);
    default:
      return false;
  }
}

/** A value without unknowns, or a list of them. */
export function isConstant(a: Answer): boolean {
  if (a.kind === "leaf")
    return a.expression !== null && [...unknownsOf(a.expression)].every((name) => name === "infinity");
  return a.kind === "list" && a.items.every(isConstant);
}

function mentions(value: Answer, name: Answer): boolean {
  const [a, b] = [expressionOf(value), expressionOf(name)];
  return a !== null && b?.kind === "symbol" && unknownsOf(a).has(b.name);
}

function agreeInName(a: Answer, b: Answer): boolean {
  if (a.source.toLowerCase() === b.source.toLowerCase()) return true;
  if (a.kind === "words" || b.kind === "words" || isConstant(a) || isConstant(b)) return true;
  const [f, g] = [applicationIn(a), applicationIn(b)];
  if (f !== null && g !== null) return f.head === g.head;
  // y = 2x and f(x) = 2x
  return (f !== null && b.source === "y") || (g !== null && a.source === "y");
}

/** f and x of f(x). */
function applicationIn(name: Answer): { readonly head: string; readonly variable: string } | null {
  const match = /^(\\?[A-Za-z]+'*(?:_\{?\w+\}?)?) ?\(([a-z])\)$/.exec(name.source);
  return match === null ? null : { head: match[1] ?? "", variable: match[2] ?? "" };
}

/** f(t) = 2t, told in the letters of f(x) = 2x. */
function renamedLike(b: NamedValue, a: NamedValue): Answer {
  const [f, g, value] = [applicationIn(a.name), applicationIn(b.name), expressionOf(b.value)];
  if (f === null || g === null || value === null || b.value.kind !== "leaf") return b.value;
  if (f.variable === g.variable) return b.value;
  // In f(t) = 2x the x is no argument, so it must not meet the x of f(x).
  const freed = renamed(value, f.variable, `${f.variable} elsewhere`);
  return { ...b.value, expression: renamed(freed, g.variable, f.variable), source: "" };
}

/** The name an inequality is about, for x < 3 is not y < 3. */
function subjectOf(relation: Relation): string {
  const names = relation.sides.flatMap((side) => [...unknownsOf(expressionOf(side) ?? symbol("infinity"))]);
  return names
    .filter((name) => name !== "infinity")
    .sort()
    .join();
}

function isEquation(relation: Relation): boolean {
  return relation.operators.length === 1 && relation.operators[0] === "=";
}

function isLess(operator: string | undefined): boolean {
  return operator === "<" || operator === "<=";
}

function isGreater(operator: string | undefined): boolean {
  return operator === ">" || operator === ">=";
}

function below(end: Answer, closed: boolean): Tuple {
  return interval(leafOf(negated(symbol("infinity")), "-\\infty"), end, false, closed);
}

function above(end: Answer, closed: boolean): Tuple {
  return interval(end, leafOf(symbol("infinity"), "\\infty"), closed, false);
}

function interval(low: Answer, high: Answer, closedLow: boolean, closedHigh: boolean): Tuple {
  return { kind: "tuple", items: [low, high], open: closedLow ? "[" : "(", close: closedHigh ? "]" : ")", source: "" };
}

function differenceOf(a: Answer, b: Answer): Expression | null {
  const [left, right] = [expressionOf(a), expressionOf(b)];
  return left === null || right === null ? null : { kind: "sum", terms: [left, negated(right)] };
}

function expressionOf(a: Answer): Expression | null {
  return a.kind === "leaf" ? a.expression : null;
}
