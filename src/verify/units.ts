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

/** The unit that words name, in one spelling and with its power if one is written; null when they name none that is known. */
export function unitIn(words: string): string | null {
  const lower = words.toLowerCase();
  const power = /\^[\s{]*([23])/.exec(lower)?.[1] ?? (/\bsq/.test(lower) ? "2" : /\bcub/.test(lower) ? "3" : "");
  for (const word of lower.split(/[^a-z]+/)) {
    const unit = CANONICAL.get(word);
    if (unit !== undefined && unit !== "unit") return `${unit}${power === "" ? "" : `^${power}`}`;
  }
  return null;
}

/** Two units that cannot both be meant: centimetres and metres, cm^2 and cm^3. A power left out is forgiven. */
export function unitsConflict(a: string | null, b: string | null): boolean {
  if (a === null || b === null) return false;
  const [nameA, powerA] = a.split("^");
  const [nameB, powerB] = b.split("^");
  return nameA !== nameB || (powerA !== undefined && powerB !== undefined && powerA !== powerB);
}
