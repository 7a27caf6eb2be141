// The functions the evaluator knows, exactly and to many digits: roots, logarithms, trigonometry, counting, finite sums.

import {
  addComplex,
  COMPLEX_ONE,
  COMPLEX_ZERO,
  divideComplex,
  exponentialComplex,
  isReal,
  logarithmComplex,
  modulus,
  multiplyComplex,
  negateComplex,
  radians,
  real,
  squareRoot,
  type Complex,
} from "./complex.ts";
import { angleOf, arctangent, cosineAndSine } from "./elementary.ts";
import type { Expression } from "./expression.ts";
import { fromFixedPoint, negateReal, toFixedPoint, Undefined, type Precise } from "./precise.ts";
import {
  absolute,
  add,
  compare,
  floor,
  gcd,
  integer,
  multiply,
  ONE,
  rational,
  Refused,
  ZERO,
  type Rational,
} from "./rational.ts";

type Call = Extract<Expression, { kind: "call" }>;
type Point = ReadonlyMap<string, Rational>;
type Evaluate<Value> = (part: Expression, at?: Point) => Value;

const MAX_FACTORIAL = 1000n;
/** Terms of a finite sum or product that are added one by one. */
const MAX_TERMS = 2000n;

/** Functions of one argument whose value is always irrational or complex, except by luck. */
export const TRANSCENDENTAL: ReadonlySet<string> = new Set(
  "sin cos tan cot sec csc arcsin arccos arctan arccot sinh cosh tanh coth sech csch ln exp".split(" "),
);

export function callExactly(a: Call, evaluate: Evaluate<Rational | null>, at: Point): Rational | null {
  if (a.name === "finite-sum") return finiteFold(a, evaluate, at, ZERO, add);
  if (a.name === "finite-product") return finiteFold(a, evaluate, at, ONE, multiply);
  if (TRANSCENDENTAL.has(a.name)) return null;
  const values = a.args.map((part) => evaluate(part));
  const known = values.filter((value) => value !== null);
  const [first, second] = known;
  if (known.length !== values.length || first === undefined) return null;
  switch (a.name) {
    case "abs":
      return absolute(first);
    case "floor":
      return integer(floor(first));
    case "ceil":
      return integer(-floor({ n: -first.n, d: first.d }));
    case "factorial":
      return isCount(first) ? integer(factorial(first.n)) : null;
    case "binomial":
      return second === undefined ? null : binomial(first, second);
    case "max":
      return known.reduce((best, value) => (compare(value, best) > 0 ? value : best));
    case "min":
      return known.reduce((best, value) => (compare(value, best) < 0 ? value : best));
    case "gcd":
    case "lcm":
      return known.every((value) => value.d === 1n) ? integer(common(a.name, known)) : null;
    case "log":
      return second === undefined ? null : exactLogarithm(first, second);
    default:
      return null;
  }
}

export function callPrecisely(a: Call, evaluate: Evaluate<Complex>, at: Point): Complex {
  if (a.name === "finite-sum" || a.name === "finite-product") {
    const start = a.name === "finite-sum" ? COMPLEX_ZERO : COMPLEX_ONE;
    const combine = a.name === "finite-sum" ? addComplex : multiplyComplex;
    const exactly = (part: Expression): Rational | null => boundValue(part, at);
    return finiteFold(a, evaluate, at, start, combine, exactly) ?? refuse(a.name);
  }
  const [x = COMPLEX_ZERO, y] = a.args.map((part) => evaluate(part));
  switch (a.name) {
    case "degrees":
      return radians(x);
    case "abs":
      return real(modulus(x));
    case "exp":
      return exponentialComplex(x);
    case "ln":
      return logarithmComplex(x);
    case "log":
      return divideComplex(logarithmComplex(x), logarithmComplex(y ?? refuse("log")));
    case "floor":
      return real(roundedDown(x));
    case "ceil":
      return real(negateReal(roundedDown(negateComplex(x))));
    default:
      return trigonometric(a.name, x);
  }
}

function trigonometric(name: string, x: Complex): Complex {
  if (name.endsWith("h") && name !== "arcsinh") return hyperbolic(name, x);
  if (!isReal(x)) return refuse(name);
  const over = (top: Complex, bottom: Complex): Complex => divideComplex(top, bottom);
  if (name.startsWith("arc")) return inverse(name, x.re);
  const [cosine, sine] = cosineAndSine(x.re).map(real) as [Complex, Complex];
  switch (name) {
    case "sin":
      return sine;
    case "cos":
      return cosine;
    case "tan":
      return over(sine, cosine);
    case "cot":
      return over(cosine, sine);
    case "sec":
      return over(COMPLEX_ONE, cosine);
    case "csc":
      return over(COMPLEX_ONE, sine);
    default:
      return refuse(name);
  }
}

function hyperbolic(name: string, x: Complex): Complex {
  const up = exponentialComplex(x);
  const down = exponentialComplex(negateComplex(x));
  const half: Complex = real({ m: 1n, e: -1, err: -Infinity });
  const cosine = multiplyComplex(addComplex(up, down), half);
  const sine = multiplyComplex(addComplex(up, negateComplex(down)), half);
  const pairs: Readonly<Record<string, readonly [Complex, Complex]>> = {
    sinh: [sine, COMPLEX_ONE],
    cosh: [cosine, COMPLEX_ONE],
    tanh: [sine, cosine],
    coth: [cosine, sine],
    sech: [COMPLEX_ONE, cosine],
    csch: [COMPLEX_ONE, sine],
  };
  const pair = pairs[name];
  return pair === undefined ? refuse(name) : divideComplex(pair[0], pair[1]);
}

function inverse(name: string, x: Precise): Complex {
  if (name === "arctan") return real(arctangent(x));
  if (name === "arccot") return real(angleOf({ m: 1n, e: 0, err: -Infinity }, x));
  // The other leg of the triangle with hypotenuse 1.
  const leg = squareRoot(addComplex(COMPLEX_ONE, negateComplex(multiplyComplex(real(x), real(x)))));
  if (!isReal(leg)) throw new Undefined();
  if (name === "arcsin") return real(angleOf(x, leg.re));
  if (name === "arccos") return real(angleOf(leg.re, x));
  return refuse(name);
}

/** args: index symbol, first, last, body */
function finiteFold<Value>(
  a: Call,
  evaluate: Evaluate<Value | null>,
  at: Point,
  start: Value,
  combine: (total: Value, term: Value) => Value,
  bound: (part: Expression) => Rational | null = (part) => evaluate(part) as Rational | null,
): Value | null {
  const [index, first, last, body] = a.args;
  if (index?.kind !== "symbol" || first === undefined || last === undefined || body === undefined) return null;
  const from = bound(first);
  const to = bound(last);
  if (from === null || to === null || from.d !== 1n || to.d !== 1n) return null;
  if (to.n - from.n > MAX_TERMS) throw new Refused("a sum has too many terms");
  let total = start;
  for (let k = from.n; k <= to.n; k++) {
    const term = evaluate(body, new Map(at).set(index.name, integer(k)));
    if (term === null) return null;
    total = combine(total, term);
  }
  return total;
}

function boundValue(part: Expression, at: Point): Rational | null {
  if (part.kind === "number") return part.value;
  return part.kind === "symbol" ? (at.get(part.name) ?? null) : null;
}

function roundedDown(x: Complex): Precise {
  if (!isReal(x)) return refuse("floor");
  const below = toFixedPoint(x.re, 0);
  // Too close to an integer to tell on which side: no answer is better than a wrong one.
  const near = toFixedPoint(x.re, 128) - (below << 128n);
  if (near < 4n || near > (1n << 128n) - 4n) return refuse("floor");
  return fromFixedPoint(below, 0, -Infinity);
}

function factorial(n: bigint): bigint {
  if (n > MAX_FACTORIAL) throw new Refused("a factorial is too large");
  let product = 1n;
  for (let k = 2n; k <= n; k++) product *= k;
  return product;
}

function binomial(n: Rational, k: Rational): Rational | null {
  if (n.d !== 1n || !isCount(k)) return null;
  if (k.n > MAX_FACTORIAL) throw new Refused("a binomial coefficient is too large");
  if (n.n >= 0n && k.n > n.n) return ZERO;
  let value = ONE;
  for (let j = 0n; j < k.n; j++) value = multiply(value, rational(n.n - j, j + 1n));
  return value;
}

function common(name: "gcd" | "lcm", values: readonly Rational[]): bigint {
  const sizes = values.map((value) => absolute(value).n);
  return sizes.reduce((a, b) => (name === "gcd" ? gcd(a, b) : b === 0n ? 0n : (a / gcd(a, b)) * b));
}

/** log_base(x) when it is a small integer, else null. */
function exactLogarithm(x: Rational, base: Rational): Rational | null {
  if (compare(x, ZERO) <= 0 || compare(base, ONE) <= 0 || base.d !== 1n) return null;
  const inverted = compare(x, ONE) < 0;
  let rest = inverted ? { n: x.d, d: x.n } : x;
  for (let k = 0n; k < 4096n; k++) {
    if (compare(rest, ONE) === 0) return integer(inverted ? -k : k);
    if (rest.d !== 1n || rest.n % base.n !== 0n) return null;
    rest = integer(rest.n / base.n);
  }
  return null;
}

function isCount(a: Rational): boolean {
  return a.d === 1n && a.n >= 0n;
}

function refuse(name: string): never {
  throw new Refused(`no value for ${name} here`);
}
