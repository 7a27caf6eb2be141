// Whether two answers are the same: structure first, then value by value.

import { leafOf, type Answer, type Leaf, type Matrix, type Tuple, type Union } from "./answer.ts";
import type { Steps } from "./evaluate.ts";
import { call, negated, num, quotient, symbol } from "./expression.ts";
import { multiply, rational } from "./rational.ts";
import { namedValue, regionOf, sameRelation } from "./relations.ts";
import { sameValue, type Value } from "./same-value.ts";
import { sameLetters } from "./spelt.ts";
import { unitsConflict } from "./units.ts";

/** @throws `Refused` when an evaluation would grow too large */
export function sameAnswer(gold: Answer, given: Answer, steps: Steps): boolean {
  steps.take();
  if (gold.source !== "" && gold.source === given.source) return true;
  const same = (a: Answer, b: Answer): boolean => sameAnswer(a, b, steps);
  if (gold.kind === "relation" || given.kind === "relation") return sameRelation(gold, given, same, steps);
  if (gold.kind === "leaf" && given.kind === "leaf")
    return sameLetters(gold.source, given.source) ?? sameLeaf(gold, given, steps);
  if (gold.kind === "words" || given.kind === "words") return sameWords(gold, given);
  if (gold.kind === "matrix" || given.kind === "matrix") return sameMatrix(gold, given, same);
  if (gold.kind === "based" || given.kind === "based") return sameBased(gold, given);
  const [a, b] = [asRegions(gold), asRegions(given)];
  if (a.kind === "union" || b.kind === "union") return sameUnion(a, b, same);
  if (a.kind === "tuple" && b.kind === "tuple") return sameTuple(a, b, same);
  if (a.kind === "list" || b.kind === "list") return sameList(a, b, same);
  return false;
}

export function sameLeaf(gold: Leaf, given: Leaf, steps: Steps): boolean {
  if (unitsConflict(gold.unit, given.unit)) return false;
  if (gold.expression === null || given.expression === null) return false;
  const a: Value = { expression: gold.expression, decimal: gold.decimal };
  const b: Value = { expression: given.expression, decimal: given.decimal };
  if (sameValue(a, b, steps) === true) return true;
  // 28 % is 28 where percent is asked for, and 0.28 anywhere; 90 degrees is 90, and pi/2 anywhere.
  if (gold.percent && !given.percent) return sameValue(hundredth(a), b, steps) === true;
  if (given.percent && !gold.percent) return sameValue(a, hundredth(b), steps) === true;
  if (gold.degrees && !given.degrees) return sameValue(inRadians(a), b, steps) === true;
  if (given.degrees && !gold.degrees) return sameValue(a, inRadians(b), steps) === true;
  return false;
}

function hundredth(a: Value): Value {
  const decimal =
    a.decimal === null
      ? null
      : { ...a.decimal, value: multiply(a.decimal.value, rational(1n, 100n)), places: a.decimal.places + 2 };
  return { expression: quotient(a.expression, num(100)), decimal };
}

function inRadians(a: Value): Value {
  return { expression: call("degrees", a.expression), decimal: null };
}

/** All real numbers, as an interval. */
const ALL_REALS: Tuple = {
  kind: "tuple",
  items: [leafOf(negated(symbol("infinity")), "-\\infty"), leafOf(symbol("infinity"), "\\infty")],
  open: "(",
  close: ")",
  source: "",
};

/** Lists and tuples of inequalities joined by "or" are unions of intervals. */
function asRegions(a: Answer): Answer {
  if (a.kind === "leaf" && a.source === "\\mathbb {R}") return ALL_REALS;
  if (a.kind === "union" && a.parts.every((part) => part.kind === "list")) {
    return { kind: "list", items: a.parts.flatMap((part) => part.items), style: "set", source: a.source };
  }
  if (a.kind !== "list" || a.items.length < 2) return a;
  const regions = a.items.map((item) => (item.kind === "relation" ? regionOf(item) : null));
  const known = regions.filter((region) => region !== null);
  if (known.length !== a.items.length) return a;
  return {
    kind: "union",
    parts: known.flatMap((part) => (part.kind === "union" ? part.parts : [part])),
    source: a.source,
  };
}

function sameUnion(a: Answer, b: Answer, same: (a: Answer, b: Answer) => boolean): boolean {
  const [left, right] = [partsOfUnion(a), partsOfUnion(b)];
  return left !== null && right !== null && sameCollection(left, right, same);
}

function partsOfUnion(a: Answer): readonly Answer[] | null {
  if (a.kind === "union") return (a satisfies Union).parts;
  return a.kind === "list" && a.items.some((item) => item.kind === "tuple") ? a.items : null;
}

function sameTuple(a: Tuple, b: Tuple, same: (a: Answer, b: Answer) => boolean): boolean {
  return a.open === b.open && a.close === b.close && sameOrder(a.items, b.items, same);
}

function sameList(gold: Answer, given: Answer, same: (a: Answer, b: Answer) => boolean): boolean {
  // (1, 3) and 1, 3 say the same in the same order; {1, 3} has no order to agree with.
  if (gold.kind === "tuple" || given.kind === "tuple") {
    const [tuple, list] = gold.kind === "tuple" ? [gold, given] : [given as Tuple, gold];
    if (list.kind === "list" && list.items.length === 1) return same(list.items[0] as Answer, tuple);
    if (list.kind === "list" && !areInOrder(namesOf(list.items))) return false;
    if (list.kind !== "list" || list.style !== "plain" || tuple.open !== "(" || tuple.close !== ")") return false;
    return sameOrder(tuple.items.map(bareValue), list.items.map(bareValue), same);
  }
  const [a, b] = [itemsOf(gold), itemsOf(given)];
  const [namesA, namesB] = [namesOf(a), namesOf(b)];
  // AB = 4, CD = 5: each value belongs to its name, so bare values must come in that order.
  if ((areDistinct(namesA) && namesB.length === 0) || (areDistinct(namesB) && namesA.length === 0)) {
    return areInOrder([...namesA, ...namesB]) && sameOrder(a.map(bareValue), b.map(bareValue), same);
  }
  return sameCollection(a, b, same);
}

function itemsOf(a: Answer): readonly Answer[] {
  return a.kind === "list" ? a.items : [a];
}

/** The names of `x = 2, y = 3`; none when an item has none. */
function namesOf(items: readonly Answer[]): readonly string[] {
  const names = items.map((item) => (item.kind === "relation" ? (namedValue(item)?.name.source ?? null) : null));
  const known = names.filter((name) => name !== null);
  return known.length === items.length ? known : [];
}

function areDistinct(names: readonly string[]): boolean {
  return names.length > 1 && new Set(names).size === names.length;
}

/** y = 1, x = 2 is no (1, 2): letters stand for places in the order of the alphabet. */
function areInOrder(names: readonly string[]): boolean {
  if (!areDistinct(names) || !names.every((name) => /^[a-z]$/.test(name))) return true;
  return names.every((name, index) => index === 0 || name > (names[index - 1] ?? ""));
}

function bareValue(a: Answer): Answer {
  return a.kind === "relation" ? (namedValue(a)?.value ?? a) : a;
}

function sameOrder(a: readonly Answer[], b: readonly Answer[], same: (a: Answer, b: Answer) => boolean): boolean {
  return a.length === b.length && a.every((item, index) => same(item, b[index] as Answer));
}

/** Every item of each occurs in the other: order and repetition do not count. */
function sameCollection(
  gold: readonly Answer[],
  given: readonly Answer[],
  same: (a: Answer, b: Answer) => boolean,
): boolean {
  const spelt = new Set(gold.map((item) => item.source));
  const extra = given.filter((item) => !spelt.has(item.source));
  if (extra.some((item) => !gold.some((wanted) => same(wanted, item)))) return false;
  const found = new Set(given.map((item) => item.source));
  const missing = gold.filter((item) => !found.has(item.source));
  return missing.every((wanted) => given.some((item) => same(wanted, item)));
}

function sameMatrix(gold: Answer, given: Answer, same: (a: Answer, b: Answer) => boolean): boolean {
  if (gold.kind !== "matrix" || given.kind !== "matrix" || gold.style !== given.style) return false;
  const sameRow = (row: Matrix["rows"][number], index: number): boolean =>
    sameOrder(row, given.rows[index] ?? [], same);
  return gold.rows.length === given.rows.length && gold.rows.every(sameRow);
}

function sameBased(gold: Answer, given: Answer): boolean {
  return gold.kind === "based" && given.kind === "based" && gold.base === given.base && gold.value === given.value;
}

/** Words agree letter by letter, whatever their case and spacing. */
function sameWords(gold: Answer, given: Answer): boolean {
  const [a, b] = [lettersOf(gold), lettersOf(given)];
  return a !== null && a !== "" && a === b;
}

function lettersOf(a: Answer): string | null {
  if (a.kind === "words") return a.text.replace(/[^a-z0-9]/g, "");
  return a.kind === "leaf" && /^[A-Za-z]+$/.test(a.source) ? a.source.toLowerCase() : null;
}
