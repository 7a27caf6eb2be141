// What stands behind a LaTeX command: fractions, roots, functions with their arguments, sums and products over an index.

import {
  call,
  canonical,
  negated,
  num,
  opaque,
  power,
  quotient,
  squareRootOf,
  symbol,
  type Expression,
} from "./expression.ts";
import { FUNCTIONS } from "./latex-names.ts";
import { Unparsable, type TokenCursor } from "./token-cursor.ts";

/** The reader of everything that is no command. */
export interface ExpressionReader {
  readonly cursor: TokenCursor;
  sum(): Expression;
  /** @param explicit  whether `*` and `/` belong to it too; the argument of `\sin` takes juxtaposition alone */
  product(explicit: boolean): Expression;
  /** an atom with its powers, factorials, percent and degree signs */
  factor(): Expression;
  /** what follows `^` */
  exponent(): Expression;
  atom(): Expression;
  /** a letter or Greek name with its primes, its subscript and, for f, g and h, its arguments */
  named(name: string): Expression;
  /** the expressions in round brackets, the opening one being next */
  bracketedArguments(): readonly Expression[];
}

/** Over or before the names of points, which stand in an order: \angle ABC is not \angle ACB. */
const ORDERED = new Set(["vec", "overrightarrow", "angle", "triangle"]);
const DECORATIONS = new Set("overline hat bar widehat tilde dot underline".split(" "));
/** Left to the algebra library, or to nobody. */
const UNREADABLE = new Set("int iint oint lim partial ldots choose".split(" "));
const SEVERAL_ARGUMENTS = new Set(["max", "min", "gcd", "lcm"]);
/** Not inverted by a superscript -1. */
const PLAIN_POWERS = new Set(["log", "ln", "exp"]);

/** The command's token is taken already. @throws `Unparsable` */
export function readCommand(reader: ExpressionReader, name: string): Expression {
  switch (name) {
    case "frac":
      return quotient(digitOrGroup(reader), digitOrGroup(reader));
    case "binom":
      return call("binomial", digitOrGroup(reader), digitOrGroup(reader));
    case "sqrt":
      return root(reader);
    case "infty":
      return symbol("infinity");
    case "pi":
      return symbol("pi");
    case "abs":
      return call("abs", reader.atom());
    case "mathbb":
      return opaque("set", reader.atom());
    case "sum":
    case "prod":
      return fold(reader, name);
    default:
  }
  if (UNREADABLE.has(name)) throw new Unparsable();
  const known = FUNCTIONS[name];
  if (known !== undefined) return applied(reader, known);
  if (ORDERED.has(name)) return opaque(name, pointsIn(reader.cursor) ?? reader.atom());
  return DECORATIONS.has(name) ? opaque(name, reader.atom()) : reader.named(`\\${name}`);
}

/** Capitals side by side, in braces or bare, as one name; null when something else stands there. */
function pointsIn(cursor: TokenCursor): Expression | null {
  const braced = cursor.peek()?.text === "{" ? 1 : 0;
  let points = "";
  while (/^[A-Z]$/.test(cursor.peek(braced + points.length)?.text ?? "")) {
    points += cursor.peek(braced + points.length)?.text ?? "";
  }
  const next = cursor.peek(braced + points.length)?.text;
  if (points.length < 2 || next === "'" || next === "_" || (braced === 1 && next !== "}")) return null;
  cursor.skip(points.length + 2 * braced);
  return symbol(points);
}

/** An argument of \frac: a group, or one token, which for digits is one digit. */
function digitOrGroup(reader: ExpressionReader): Expression {
  const digit = reader.cursor.takeDigit();
  return digit === null ? reader.atom() : num(BigInt(digit));
}

function root(reader: ExpressionReader): Expression {
  const { cursor } = reader;
  if (cursor.peek()?.text !== "[") return squareRootOf(reader.atom());
  cursor.skip(1);
  const index = reader.sum();
  cursor.expectClose("]");
  const inner = reader.atom();
  const simple = index.kind === "number" && index.value.d === 1n && index.value.n > 0n;
  const exponent: Expression = simple
    ? { kind: "number", value: { n: 1n, d: index.value.n } }
    : quotient(num(1), index);
  return power(inner, exponent);
}

/** `\log_2 8`, `\sin^2 x`, `\tan^{-1}(1/2)`, `\max(1, 2)` */
function applied(reader: ExpressionReader, name: string): Expression {
  const { cursor } = reader;
  let base: Expression | null = null;
  let exponent: Expression | null = null;
  for (;;) {
    if (base === null && cursor.takeOperator("_")) base = reader.atom();
    else if (exponent === null && cursor.takeOperator("^")) exponent = reader.exponent();
    else break;
  }
  const args = cursor.peek()?.text === "(" ? reader.bracketedArguments() : [bareArgument(reader)];
  const [only] = args;
  if (only === undefined || (args.length > 1 && !SEVERAL_ARGUMENTS.has(name))) throw new Unparsable();
  if (name === "log") return raised(call("log", only, base ?? num(10)), exponent);
  const inverted = exponent !== null && canonical(exponent) === "-1" && !PLAIN_POWERS.has(name);
  return inverted ? call(`arc${name}`, ...args) : raised(call(name, ...args), exponent);
}

function raised(base: Expression, exponent: Expression | null): Expression {
  return exponent === null ? base : power(base, exponent);
}

/** `\sin 2x` takes 2x; `\sin x \cos x` stops at the next function; `\cos \pi/3` takes the fraction. */
function bareArgument(reader: ExpressionReader): Expression {
  const { cursor } = reader;
  const minus = cursor.takeOperator("-");
  let argument = reader.product(false);
  const isPi = argument.kind === "symbol" && argument.name === "pi";
  if (isPi && cursor.isOperator("/") && cursor.peek(1)?.kind === "number") {
    cursor.skip(1);
    argument = quotient(argument, reader.factor());
  }
  return minus ? negated(argument) : argument;
}

/** `\sum_{k=a}^{b} body`: the body is the product that follows. */
function fold(reader: ExpressionReader, name: "sum" | "prod"): Expression {
  const { cursor } = reader;
  if (!cursor.takeOperator("_") || cursor.take().text !== "{") throw new Unparsable();
  const letter = cursor.take();
  if (letter.kind !== "letter" || cursor.take().text !== "=") throw new Unparsable();
  const first = reader.sum();
  cursor.expectClose("}");
  if (!cursor.takeOperator("^")) throw new Unparsable();
  const last = reader.atom();
  const args = [symbol(letter.text), first, last, reader.product(true)];
  const finite = first.kind === "number" && last.kind === "number";
  return finite ? call(name === "sum" ? "finite-sum" : "finite-product", ...args) : opaque(name, ...args);
}
