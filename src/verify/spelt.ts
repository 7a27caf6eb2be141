// Letters side by side: a product of unknowns, or a word, or the names of points in an order.

/** Short words that are answers; longer ones are read as words wherever they stand. */
const SHORT_WORDS = new Set(
  (
    "no up on off yes odd red one two six ten act cat dog cow pig hen fox bee ant bat rat car bus van cup hat pen boy man " +
    "mom dad son tie win mon tue wed thu fri sat sun jan feb mar apr may jun jul aug sep oct nov dec"
  ).split(" "),
);

/** Capitals alone name points or choices in an order; a capital and small letters are a name. */
const NAMED = /^(?:[A-Z]{2,}|[A-Z][a-z]{2,})$/;

/**
 * Two answers of letters alone, white space left out: short words agree whatever their case; ABC, PQ and Sam as they are
 * spelt. Null where they may be products, which have no order: ab is ba.
 */
export function sameLetters(a: string, b: string): boolean | null {
  if (!/^[A-Za-z]{2,}$/.test(a) || !/^[A-Za-z]{2,}$/.test(b)) return null;
  const [small, other] = [a.toLowerCase(), b.toLowerCase()];
  if (SHORT_WORDS.has(small) || SHORT_WORDS.has(other)) return small === other;
  return NAMED.test(a) || NAMED.test(b) ? a === b : null;
}
