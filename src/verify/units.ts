// Words that may follow a number without changing it, and the few that may not.

/** Spellings of one unit share a line; a number in one unit is not the same number in another. */
const UNITS: readonly (readonly string[])[] = [
  "mm millimeter millimeters millimetre millimetres".split(" "),
  "cm centimeter centimeters centimetre centimetres".split(" "),
  "m meter meters metre metres".split(" "),
  "km kilometer kilometers kilometre kilometres".split(" "),
  "in inch inches".split(" "),
  "ft foot feet".split(" "),
  "yd yard yards".split(" "),
  "mi mile miles".split(" "),
  "mg milligram milligrams".split(" "),
  "g gram grams".split(" "),
  "kg kilogram kilograms".split(" "),
  "lb lbs pound pounds".split(" "),
  "oz ounce ounces".split(" "),
  "ton tons tonne tonnes".split(" "),
  "s sec secs second seconds".split(" "),
  "min mins minute minutes".split(" "),
  "h hr hrs hour hours".split(" "),
  "day days".split(" "),
  "am".split(" "),
  "pm".split(" "),
  "week weeks".split(" "),
  "month months".split(" "),
  "yr yrs year years".split(" "),
  "dollar dollars usd buck bucks".split(" "),
  "cent cents".split(" "),
  "euro euros".split(" "),
  "ml milliliter milliliters millilitre millilitres".split(" "),
  "l liter liters litre litres".split(" "),
  "gallon gallons".split(" "),
  "mph".split(" "),
  "kph kmh".split(" "),
  "degree degrees deg".split(" "),
  "radian radians rad".split(" "),
  "percent".split(" "),
  "unit units".split(" "),
];

const CANONICAL: ReadonlyMap<string, string> = new Map(
  UNITS.flatMap((spellings) => spellings.map((spelling) => [spelling, spellings[0] ?? spelling] as const)),
);

/** Words that make a number mean something else, or several things; text that holds one is never dropped. */
const BINDING = new Set(
  (
    "or and not no nor neither either but if when where whenever unless otherwise except maybe perhaps possibly could might than least most " +
    "greater over under above below between to through never cannot without wrong incorrect isn't n't minus plus times negative " +
    "thousand million billion trillion hundred dozen half third quarter double twice squared cubed none unknown undefined base mod modulo factorial"
  ).split(" "),
);

/** Before a number, words may also be an operation on it. */
const OPERATIONS = new Set(
  "root square cube sum product power log logarithm reciprocal inverse opposite difference ratio percent of".split(" "),
);

/** Short words before a unit, which are none by themselves. */
export function isUnitPrefix(word: string): boolean {
  return /^(?:sq|cu|per)$/i.test(word);
}

export function isUnit(word: string): boolean {
  return CANONICAL.has(word.toLowerCase());
}

/** Whether words beside a number may be left out of the comparison. */
export function isHarmless(words: string): boolean {
  if (/\d/.test(words)) return false;
  return !words
    .toLowerCase()
    .split(/[^a-z']+/)
    .some((word) => BINDING.has(word));
}

/** The same for words in front, as in "approximately 5" and "area = 5". */
export function isHarmlessBefore(words: string): boolean {
  return (
    isHarmless(words) &&
    !words
      .toLowerCase()
      .split(/[^a-z']+/)
      .some((word) => OPERATIONS.has(word))
  );
}

/** One word for what is two units. */
const COMPOUND: Readonly<Record<string, string>> = { mph: "mi/h", kph: "km/h", kmh: "km/h" };
const POWERS: Readonly<Record<string, number>> = { square: 2, sq: 2, cubic: 3, cu: 3 };
const PER = /^(?:\/|per|an?|each|every)$/;

/**
 * The unit that words name, in one spelling with its powers: "sq. ft" is ft^2, "miles per hour" h^-1 mi. Null when they name
 * none that is known. It ends at the first word that is no part of one: "dollars in total" are dollars.
 */
export function unitIn(words: string): string | null {
  const lower = words
    .toLowerCase()
    .replace(/\b([ap])\.\s?m\b/g, "$1m")
    .replace(/\b(?:mph|kph|kmh)\b/g, (word) => COMPOUND[word] ?? word);
  const powers = new Map<string, number>();
  let [sign, prefix, last] = [1, 1, ""];
  for (const [part, exponent = ""] of lower.matchAll(/\^[\s{]*(-?)\s*(\d)[\s}]*|[a-z]+|\//g)) {
    if (part.startsWith("^")) {
      // The power is there once already.
      const power = Number(/\d/.exec(part)?.[0]) * (exponent === "-" ? -1 : 1);
      if (last !== "") powers.set(last, (powers.get(last) ?? 0) + sign * (power - 1));
    } else if (PER.test(part)) sign = -1;
    else if (POWERS[part] !== undefined) prefix = POWERS[part];
    else {
      const unit = CANONICAL.get(part);
      const known = unit !== undefined && (part !== "in" || last === "" || sign < 0);
      if (!known && last !== "") break;
      if (known && unit !== "unit") {
        last = unit;
        powers.set(unit, (powers.get(unit) ?? 0) + sign * prefix);
      }
      if (known) prefix = 1;
    }
  }
  const named = [...powers].map(([unit, power]) => (power === 1 ? unit : `${unit}^${power}`));
  return named.length === 0 ? null : named.sort().join(" ");
}

/** Two units that cannot both be meant: centimetres and metres, cm and cm^2, km/h and km. */
export function unitsConflict(a: string | null, b: string | null): boolean {
  return a !== null && b !== null && a !== b;
}
