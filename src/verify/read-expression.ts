// Tokens to one expression tree: a recursive-descent reader of LaTeX and plain mathematics, bounded in depth.

import { call, canonical, negated, num, opaque, power, quotient, symbol, type Expression } from "./expression.ts";
import { FUNCTIONS } from "./latex-names.ts";
import { MAX_DEPTH, type Token } from "./lex.ts";
import { numberValue } from "./literal.ts";
import { Refused } from "./rational.ts";
import { readCommand, type ExpressionReader } from "./read-command.ts";
import { TokenCursor, Unparsable } from "./token-cursor.ts";

const GROUPING = new Set(["(", "[", "{", "\\{"]);
const CLOSING: Readonly<Record<string, string>> = {
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
const MODULO = new Set(["pmod", "bmod", "mod"]);

/** @returns null when the tokens are no expression; @throws `Refused` when they nest too deep or a literal is too long */
export function readExpression(tokens: readonly Token[]): Expression | null {
  if (tokens.length === 0) return null;
  try {
    const reader = new Reader(tokens);
    const expression = reader.sum();
    return reader.cursor.atEnd() ? expression : null;
  } catch (thrown) {
    if (thrown instanceof Unparsable) return null;
    throw thrown;
  }
}

class Reader implements ExpressionReader {
  readonly cursor: TokenCursor;
  #depth = 0;
  /** inside |…| a bar closes */
  #bars = 0;

  constructor(tokens: readonly Token[]) {
    this.cursor = new TokenCursor(tokens);
  }

  sum(): Expression {
    return this.#deeper(() => {
      const terms = [this.#signed(() => this.product(true))];
      while (this.#isSign()) terms.push(this.#signed(() => this.product(true)));
      const [first] = terms;
      return terms.length === 1 && first !== undefined ? first : { kind: "sum", terms };
    });
  }

  product(explicit: boolean): Expression {
    const { cursor } = this;
    let value = this.factor();
    for (;;) {
      if (explicit && cursor.takeOperator("*"))
        value = times(
          value,
          this.#signed(() => this.factor()),
        );
      else if (explicit && cursor.takeOperator("/"))
        value = quotient(
          value,
          this.#signed(() => this.factor()),
        );
      else if (this.#startsFactor(explicit)) value = this.#juxtaposed(value);
      else return value;
    }
  }

  factor(): Expression {
    const { cursor } = this;
    let value = this.atom();
    for (;;) {
      if (cursor.takeOperator("^")) value = power(value, this.exponent());
      else if (cursor.takeOperator("!")) value = call("factorial", value);
      else if (cursor.peek()?.kind === "percent") {
        cursor.skip(1);
        value = quotient(value, num(100));
      } else if (cursor.peek()?.kind === "degree") {
        cursor.skip(1);
        value = call("degrees", value);
      } else return value;
    }
  }

  exponent(): Expression {
    return this.#deeper(() =>
      this.#signed(() => {
        const base = this.atom();
        // x^2^3 is an error in TeX and x^(2^3) elsewhere.
        return this.cursor.takeOperator("^") ? power(base, this.exponent()) : base;
      }),
    );
  }

  atom(): Expression {
    const token = this.cursor.take();
    switch (token.kind) {
      case "number":
        return this.#repeating(token) ?? this.#inBaseTen(token);
      case "letter":
        return this.named(token.text);
      case "open":
        return this.#bracketed(token.text);
      case "bar":
        return this.#absolute(token.text);
      case "command":
        return this.#deeper(() => readCommand(this, token.text));
      default:
        throw new Unparsable();
    }
  }

  named(name: string): Expression {
    const { cursor } = this;
    let full = name;
    while (cursor.takeOperator("'")) full += "'";
    let value: Expression | null = null;
    if (cursor.takeOperator("_")) {
      const index = this.atom();
      if (index.kind === "number" || index.kind === "symbol") full += `_${canonical(index)}`;
      else value = opaque(`${full}_`, index);
    }
    if (FUNCTION_LETTERS.has(name) && cursor.peek()?.text === "(") return opaque(full, ...this.bracketedArguments());
    return value ?? symbol(full);
  }

  bracketedArguments(): readonly Expression[] {
    this.cursor.skip(1);
    const args = [this.sum()];
    while (this.cursor.peek()?.kind === "separator") {
      this.cursor.skip(1);
      args.push(this.sum());
    }
    this.cursor.expectClose(")");
    return args;
  }

  #deeper(read: () => Expression): Expression {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw new Refused("it nests too deep");
    const expression = read();
    this.#depth -= 1;
    return expression;
  }

  #isSign(): boolean {
    return this.cursor.isOperator("+") || this.cursor.isOperator("-");
  }

  /** What `read` gives, with the signs before it. */
  #signed(read: () => Expression): Expression {
    let minus = false;
    for (; this.#isSign(); this.cursor.skip(1)) if (this.cursor.isOperator("-")) minus = !minus;
    const term = read();
    return minus ? negated(term) : term;
  }

  /** 3 1/2 and 3\frac12 are mixed numbers; otherwise side by side means times, never two numbers. */
  #juxtaposed(left: Expression): Expression {
    const before = this.cursor.before();
    const token = this.cursor.peek();
    if (token?.kind === "number") {
      const fraction = before?.kind === "number" && token.spaced ? this.#plainFraction() : null;
      if (fraction === null || !isWhole(left)) throw new Unparsable();
      return { kind: "sum", terms: [left, fraction] };
    }
    const mixed = before?.kind === "number" && token?.text === "frac" && isWhole(left);
    const right = this.factor();
    return mixed && isProperFraction(right) ? { kind: "sum", terms: [left, right] } : times(left, right);
  }

  #plainFraction(): Expression | null {
    const [top, slash, bottom] = [this.cursor.peek(), this.cursor.peek(1), this.cursor.peek(2)];
    if (top?.kind !== "number" || slash?.text !== "/" || bottom?.kind !== "number") return null;
    const fraction = quotient(literal(top), literal(bottom));
    if (!isProperFraction(fraction)) return null;
    this.cursor.skip(3);
    return fraction;
  }

  #bracketed(opener: string): Expression {
    const close = CLOSING[opener];
    if (close === undefined) throw new Unparsable();
    const bars = this.#bars;
    this.#bars = 0;
    let inner = this.sum();
    if (opener === "{" && this.cursor.peek()?.text === "choose") {
      this.cursor.skip(1);
      inner = call("binomial", inner, this.sum());
    }
    this.#bars = bars;
    this.cursor.expectClose(close);
    return GROUPING.has(opener) ? inner : call(opener, inner);
  }

  #absolute(bar: string): Expression {
    if (this.#bars > 0) throw new Unparsable();
    this.#bars += 1;
    const inner = this.sum();
    this.#bars -= 1;
    const end = this.cursor.take();
    if (end.kind !== "bar" || end.text !== bar) throw new Unparsable();
    return bar === "||" ? opaque("norm", inner) : call("abs", inner);
  }

  /** 42_{10} is 42; other bases are no numbers to calculate with. */
  #inBaseTen(token: Token): Expression {
    if (this.cursor.takeOperator("_") && canonical(this.atom()) !== "10") throw new Unparsable();
    return literal(token);
  }

  /** 0.\overline{3} */
  #repeating(token: Token): Expression | null {
    const { cursor } = this;
    const [mark, open, digits, close] = [cursor.peek(), cursor.peek(1), cursor.peek(2), cursor.peek(3)];
    if (!/^\d*\.\d*$/.test(token.text) || (mark?.text !== "overline" && mark?.text !== "bar")) return null;
    if (open?.text !== "{" || digits?.kind !== "number" || close?.text !== "}" || !/^\d{1,60}$/.test(digits.text)) {
      return null;
    }
    cursor.skip(4);
    const places = (token.text.split(".")[1] ?? "").length;
    const nines = 10n ** BigInt(digits.text.length) - 1n;
    const period = quotient(num(BigInt(digits.text)), num(10n ** BigInt(places) * nines));
    return { kind: "sum", terms: [literal(token), period] };
  }

  #startsFactor(explicit: boolean): boolean {
    const token = this.cursor.peek();
    switch (token?.kind) {
      case "number":
      case "letter":
      case "open":
        return true;
      case "bar":
        return this.#bars === 0;
      case "command":
        if (MODULO.has(token.text)) throw new Unparsable();
        if (token.text === "choose") return false;
        return explicit || FUNCTIONS[token.text] === undefined;
      default:
        return false;
    }
  }
}

function literal(token: Token): Expression {
  return { kind: "number", value: numberValue(token.text) };
}

function times(a: Expression, b: Expression): Expression {
  return { kind: "product", factors: a.kind === "product" ? [...a.factors, b] : [a, b] };
}

function isWhole(a: Expression): boolean {
  return a.kind === "number" && a.value.d === 1n && a.value.n >= 0n;
}

function isProperFraction(a: Expression): boolean {
  if (a.kind !== "quotient" || a.top.kind !== "number" || a.bottom.kind !== "number") return false;
  return isWhole(a.top) && isWhole(a.bottom) && a.top.value.n < a.bottom.value.n;
}
