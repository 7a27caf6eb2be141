// Tokens to one expression tree: a recursive-descent reader of LaTeX and plain mathematics, bounded in depth.

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
import { MAX_DEPTH, type Token } from "./lex.ts";
import { numberValue } from "./literal.ts";
import { Refused, type Rational } from "./rational.ts";

/** The tokens are no expression this reader knows. */
class Unparsable extends Error {}

const OPENERS = new Set(["(", "[", "{", "\\{"]);
const MATCHING: Readonly<Record<string, string>> = {
  "(": ")",
  "[": "]",
  "{": "}",
  "\\{": "\\}",
  floor: "floor",
  ceil: "ceil",
  abs: "abs",
};
/** Single letters that name a function when a bracket follows; every other letter is a factor. */
const FUNCTION_LETTERS = new Set(["f", "g", "h"]);
const DECORATIONS = new Set([
  "vec",
  "overline",
  "hat",
  "bar",
  "widehat",
  "overrightarrow",
  "tilde",
  "dot",
  "angle",
  "triangle",
  "underline",
]);

/** @returns null when the tokens are no expression; @throws `Refused` when they nest too deep or a literal is too long */
export function readExpression(tokens: readonly Token[]): Expression | null {
  if (tokens.length === 0) return null;
  try {
    const reader = new Reader(tokens);
    const expression = reader.sum();
    return reader.atEnd() ? expression : null;
  } catch (thrown) {
    if (thrown instanceof Unparsable) return null;
    throw thrown;
  }
}

class Reader {
  readonly #tokens: Token[];
  #at = 0;
  #depth = 0;
  /** inside |…| a bar closes */
  #bars = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = [...tokens];
  }

  atEnd(): boolean {
    return this.#at === this.#tokens.length;
  }

  sum(): Expression {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw new Refused("it nests too deep");
    const terms = [this.#signed()];
    while (this.#isOperator("+") || this.#isOperator("-")) terms.push(this.#signed());
    this.#depth -= 1;
    const [first] = terms;
    return terms.length === 1 && first !== undefined ? first : { kind: "sum", terms };
  }

  /** A term with the signs before it. */
  #signed(): Expression {
    let minus = false;
    for (; this.#isOperator("+") || this.#isOperator("-"); this.#at++) {
      if (this.#isOperator("-")) minus = !minus;
    }
    const term = this.#product(true);
    return minus ? negated(term) : term;
  }

  /** @param explicit  whether `*` and `/` belong to it too; the argument of `\sin` takes juxtaposition alone */
  #product(explicit: boolean): Expression {
    let value = this.#factor();
    for (;;) {
      if (explicit && this.#isOperator("*")) {
        this.#at += 1;
        value = times(value, this.#signedFactor());
      } else if (explicit && this.#isOperator("/")) {
        this.#at += 1;
        value = quotient(value, this.#signedFactor());
      } else if (explicit && this.#isModulo()) {
        throw new Unparsable();
      } else if (this.#startsFactor(explicit)) {
        value = this.#juxtaposed(value);
      } else return value;
    }
  }

  #signedFactor(): Expression {
    if (!this.#isOperator("-") && !this.#isOperator("+")) return this.#factor();
    const minus = this.#isOperator("-");
    this.#at += 1;
    const factor = this.#factor();
    return minus ? negated(factor) : factor;
  }

  /** 3 1/2 and 3\frac12 are mixed numbers; otherwise side by side means times, never two numbers. */
  #juxtaposed(left: Expression): Expression {
    const before = this.#tokens[this.#at - 1];
    const token = this.#peek();
    if (token?.kind === "number") {
      const fraction = before?.kind === "number" && token.spaced ? this.#plainFraction() : null;
      if (fraction === null || !isWhole(left)) throw new Unparsable();
      return { kind: "sum", terms: [left, fraction] };
    }
    if (before?.kind === "number" && token?.text === "frac" && isWhole(left)) {
      const fraction = this.#factor();
      if (isProperFraction(fraction)) return { kind: "sum", terms: [left, fraction] };
      return times(left, fraction);
    }
    return times(left, this.#factor());
  }

  #plainFraction(): Expression | null {
    const [top, slash, bottom] = [this.#peek(), this.#peek(1), this.#peek(2)];
    if (top?.kind !== "number" || slash?.text !== "/" || bottom?.kind !== "number") return null;
    const fraction = quotient(literal(top), literal(bottom));
    if (!isProperFraction(fraction)) return null;
    this.#at += 3;
    return fraction;
  }

  /** An atom with its powers and factorials. */
  #factor(): Expression {
    let value = this.#atom();
    for (;;) {
      if (this.#isOperator("^")) {
        this.#at += 1;
        value = power(value, this.#script());
      } else if (this.#isOperator("!")) {
        this.#at += 1;
        value = call("factorial", value);
      } else if (this.#peek()?.kind === "percent") {
        this.#at += 1;
        value = quotient(value, num(100));
      } else if (this.#peek()?.kind === "degree") {
        this.#at += 1;
        value = call("degrees", value);
      } else return value;
    }
  }

  /** What follows ^ or _: a group, or one signed atom. */
  #script(): Expression {
    if (this.#isOperator("-") || this.#isOperator("+")) {
      const minus = this.#isOperator("-");
      this.#at += 1;
      return minus ? negated(this.#script()) : this.#script();
    }
    // x^2^3 is an error in TeX and x^(2^3) elsewhere.
    const base = this.#atom();
    if (!this.#isOperator("^")) return base;
    this.#at += 1;
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw new Refused("it nests too deep");
    const exponent = this.#script();
    this.#depth -= 1;
    return power(base, exponent);
  }

  #atom(): Expression {
    const token = this.#peek();
    if (token === undefined) throw new Unparsable();
    this.#at += 1;
    switch (token.kind) {
      case "number":
        return this.#repeating(token) ?? this.#inBaseTen(token);
      case "letter":
        return this.#named(token.text);
      case "open":
        return this.#bracketed(token.text);
      case "bar":
        return this.#absolute(token.text);
      case "command":
        return this.#command(token.text);
      default:
        throw new Unparsable();
    }
  }

  #bracketed(opener: string): Expression {
    const close = MATCHING[opener];
    if (close === undefined) throw new Unparsable();
    const bars = this.#bars;
    this.#bars = 0;
    let inner = this.sum();
    if (opener === "{" && this.#peek()?.text === "choose") {
      this.#at += 1;
      inner = call("binomial", inner, this.sum());
    }
    this.#bars = bars;
    this.#expectClose(close);
    return OPENERS.has(opener) ? inner : call(opener, inner);
  }

  #absolute(bar: string): Expression {
    if (this.#bars > 0) throw new Unparsable();
    this.#bars += 1;
    const inner = this.sum();
    this.#bars -= 1;
    const end = this.#peek();
    if (end?.kind !== "bar" || end.text !== bar) throw new Unparsable();
    this.#at += 1;
    return bar === "||" ? opaque("norm", inner) : call("abs", inner);
  }

  /** A letter or Greek name with its primes, subscript and, for f, g and h, its arguments. */
  #named(name: string): Expression {
    let full = name;
    while (this.#isOperator("'")) {
      this.#at += 1;
      full += "'";
    }
    let value: Expression | null = null;
    if (this.#isOperator("_")) {
      this.#at += 1;
      const index = this.#script();
      if (index.kind === "number" || index.kind === "symbol") full += `_${canonical(index)}`;
      else value = opaque(`${full}_`, index);
    }
    if (FUNCTION_LETTERS.has(name) && this.#peek()?.text === "(") return opaque(full, ...this.#arguments());
    return value ?? symbol(full);
  }

  #command(name: string): Expression {
    switch (name) {
      case "frac":
        return quotient(this.#digitOrGroup(), this.#digitOrGroup());
      case "binom":
        return call("binomial", this.#digitOrGroup(), this.#digitOrGroup());
      case "sqrt":
        return this.#root();
      case "infty":
        return symbol("infinity");
      case "pi":
        return symbol("pi");
      case "abs":
        return call("abs", this.#digitOrGroup());
      case "sum":
      case "prod":
        return this.#fold(name);
      case "frown":
      case "int":
      case "lim":
      case "iint":
      case "oint":
      case "partial":
      case "ldots":
      case "choose":
        throw new Unparsable();
      default:
    }
    const known = FUNCTIONS[name];
    if (known !== undefined) return this.#function(known);
    if (DECORATIONS.has(name)) return opaque(name, this.#script());
    if (name === "mathbb") return opaque("set", this.#script());
    return this.#named(`\\${name}`);
  }

  #root(): Expression {
    let index: Expression | null = null;
    if (this.#peek()?.text === "[") {
      this.#at += 1;
      index = this.sum();
      this.#expectClose("]");
    }
    const inner = this.#script();
    return index === null ? squareRootOf(inner) : rootOf(inner, index);
  }

  #function(name: string): Expression {
    let base: Expression | null = null;
    let exponent: Expression | null = null;
    for (;;) {
      if (this.#isOperator("_") && base === null) {
        this.#at += 1;
        base = this.#script();
      } else if (this.#isOperator("^") && exponent === null) {
        this.#at += 1;
        exponent = this.#script();
      } else break;
    }
    const args = this.#peek()?.text === "(" ? this.#arguments() : [this.#bareArgument()];
    const [only] = args;
    if (only === undefined || (args.length > 1 && !["max", "min", "gcd", "lcm"].includes(name))) throw new Unparsable();
    const inverted = exponent !== null && canonical(exponent) === "-1" && !/^(?:log|ln|exp)$/.test(name);
    const applied = name === "log" ? call("log", only, base ?? num(10)) : call(inverted ? `arc${name}` : name, ...args);
    return exponent === null || inverted ? applied : power(applied, exponent);
  }

  /** `\sin 2x` takes 2x; `\sin x \cos x` stops at the next function. */
  #bareArgument(): Expression {
    const minus = this.#isOperator("-");
    if (minus) this.#at += 1;
    const argument = this.#product(false);
    if (
      this.#isOperator("/") &&
      this.#peek(1)?.kind === "number" &&
      argument.kind === "symbol" &&
      argument.name === "pi"
    ) {
      this.#at += 1;
      return quotient(minus ? negated(argument) : argument, this.#factor());
    }
    return minus ? negated(argument) : argument;
  }

  #arguments(): readonly Expression[] {
    this.#at += 1;
    const args = [this.sum()];
    while (this.#peek()?.kind === "separator") {
      this.#at += 1;
      args.push(this.sum());
    }
    this.#expectClose(")");
    return args;
  }

  /** `\sum_{k=a}^{b} body`: the body is the product that follows. */
  #fold(name: "sum" | "prod"): Expression {
    if (!this.#isOperator("_") || this.#peek(1)?.text !== "{") throw new Unparsable();
    this.#at += 2;
    const letter = this.#peek();
    if (letter?.kind !== "letter" || this.#peek(1)?.text !== "=") throw new Unparsable();
    this.#at += 2;
    const first = this.sum();
    this.#expectClose("}");
    if (!this.#isOperator("^")) throw new Unparsable();
    this.#at += 1;
    const last = this.#script();
    const body = this.#product(true);
    const args = [symbol(letter.text), first, last, body];
    const finite = first.kind === "number" && last.kind === "number";
    return finite ? call(name === "sum" ? "finite-sum" : "finite-product", ...args) : opaque(name, ...args);
  }

  /** An argument of \frac: a group, or one token, which for digits is one digit: \frac13. */
  #digitOrGroup(): Expression {
    const token = this.#peek();
    if (token?.kind === "number" && token.text.length > 1 && /^\d+$/.test(token.text)) {
      this.#tokens[this.#at] = { ...token, text: token.text.slice(1), spaced: false };
      return num(BigInt(token.text.charAt(0)));
    }
    return this.#atom();
  }

  /** 42_{10} is 42; other bases are no numbers to calculate with. */
  #inBaseTen(token: Token): Expression {
    if (this.#isOperator("_")) {
      this.#at += 1;
      if (canonical(this.#script()) !== "10") throw new Unparsable();
    }
    return literal(token);
  }

  /** 0.\overline{3} */
  #repeating(token: Token): Expression | null {
    const [mark, open, digits, close] = [this.#peek(), this.#peek(1), this.#peek(2), this.#peek(3)];
    if (!/^\d*\.\d*$/.test(token.text) || (mark?.text !== "overline" && mark?.text !== "bar")) return null;
    if (open?.text !== "{" || digits?.kind !== "number" || close?.text !== "}" || !/^\d{1,60}$/.test(digits.text))
      return null;
    this.#at += 4;
    const places = (token.text.split(".")[1] ?? "").length;
    const period = quotient(
      num(BigInt(digits.text)),
      num(10n ** BigInt(places) * (10n ** BigInt(digits.text.length) - 1n)),
    );
    return { kind: "sum", terms: [literal(token), period] };
  }

  #startsFactor(explicit: boolean): boolean {
    const token = this.#peek();
    switch (token?.kind) {
      case "number":
      case "letter":
        return true;
      case "open":
        return true;
      case "bar":
        return this.#bars === 0;
      case "command":
        return explicit || FUNCTIONS[token.text] === undefined;
      default:
        return false;
    }
  }

  #isModulo(): boolean {
    const name = this.#peek()?.text;
    return this.#peek()?.kind === "command" && (name === "pmod" || name === "bmod" || name === "mod");
  }

  #expectClose(text: string): void {
    const token = this.#peek();
    if (token?.kind !== "close" || token.text !== text) throw new Unparsable();
    this.#at += 1;
  }

  #isOperator(text: string): boolean {
    const token = this.#peek();
    return token?.kind === "operator" && token.text === text;
  }

  #peek(ahead = 0): Token | undefined {
    return this.#tokens[this.#at + ahead];
  }
}

function literal(token: Token): Expression {
  return { kind: "number", value: numberValue(token.text) };
}

function times(a: Expression, b: Expression): Expression {
  const factors = a.kind === "product" ? [...a.factors, b] : [a, b];
  return { kind: "product", factors };
}

function rootOf(inner: Expression, index: Expression): Expression {
  if (index.kind === "number" && index.value.d === 1n && index.value.n > 0n) {
    const exponent: Rational = { n: 1n, d: index.value.n };
    return power(inner, { kind: "number", value: exponent });
  }
  return power(inner, quotient(num(1), index));
}

function isWhole(a: Expression): boolean {
  return a.kind === "number" && a.value.d === 1n && a.value.n >= 0n;
}

function isProperFraction(a: Expression): boolean {
  return (
    a.kind === "quotient" &&
    a.top.kind === "number" &&
    a.bottom.kind === "number" &&
    isWhole(a.top) &&
    isWhole(a.bottom) &&
    a.top.value.n < a.bottom.value.n
  );
}
