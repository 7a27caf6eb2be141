// A place in a run of tokens: looking ahead, taking what is expected, giving up on what is not.

import type { Token } from "./lex.ts";

/** The tokens are no expression; readers catch it and say so with null. */
export class Unparsable extends Error {
  constructor() {
    super("The tokens are no expression.");
    this.name = "Unparsable";
  }
}

export class TokenCursor {
  readonly #tokens: Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = [...tokens];
  }

  atEnd(): boolean {
    return this.#at === this.#tokens.length;
  }

  peek(ahead = 0): Token | undefined {
    return this.#tokens[this.#at + ahead];
  }

  /** The token just taken. */
  before(): Token | undefined {
    return this.#tokens[this.#at - 1];
  }

  take(): Token {
    const token = this.#tokens[this.#at];
    if (token === undefined) throw new Unparsable();
    this.#at += 1;
    return token;
  }

  skip(count: number): void {
    this.#at += count;
  }

  isOperator(text: string): boolean {
    const token = this.peek();
    return token?.kind === "operator" && token.text === text;
  }

  takeOperator(text: string): boolean {
    if (!this.isOperator(text)) return false;
    this.#at += 1;
    return true;
  }

  expectClose(text: string): void {
    const token = this.take();
    if (token.kind !== "close" || token.text !== text) throw new Unparsable();
  }

  /** Takes the first digit of a whole number and leaves the rest: \frac13 has two arguments. Null for any other token. */
  takeDigit(): string | null {
    const token = this.peek();
    if (token?.kind !== "number" || !/^\d{2,}$/.test(token.text)) return null;
    this.#tokens[this.#at] = { ...token, text: token.text.slice(1), spaced: false };
    return token.text.charAt(0);
  }
}
