// An answer's text as tokens: one linear pass that knows LaTeX, plain text and the words between them.

import {
  BARE_COMMANDS,
  CLOSERS,
  DROPPED,
  DROPPED_WITH_ARGUMENT,
  FUNCTIONS,
  OPENERS,
  OPERATORS,
  RELATIONS,
  SAME_AS,
  SPACING,
  WORDS,
} from "./latex-names.ts";
import { isUnit, isUnitPrefix } from "./units.ts";

export type TokenKind =
  | "number"
  | "letter"
  | "command"
  | "words"
  | "open"
  | "close"
  | "operator"
  | "relation"
  | "separator"
  | "bar"
  | "begin"
  | "end"
  | "cell"
  | "newline"
  | "percent"
  | "degree"
  | "unknown";

export interface Token {
  readonly kind: TokenKind;
  /** the meaning in one spelling: digits, a letter, a command's name, an operator */
  readonly text: string;
  /** white space stands before it */
  readonly spaced: boolean;
}

/** Deeper nesting than any answer needs; the readers recurse once a level. */
export const MAX_DEPTH = 48;

/** `\text{}` inside `\text{}`. */
const MAX_NESTING = 4;

const NUMBER = /\d*\.(?=\\(?:overline|bar)\b)|\d+(?:\.\d+)?(?:[eE][+-]?\d{1,4}(?![\d.a-zA-Z]))?|\d+\.(?!\d)|\.\d+/y;
const GROUPED = /[1-9]\d{0,2}(?:,\d{3})+(?![\d,])(?:\.\d+)?/y;
const COMMAND = /\\([a-zA-Z]+\*?)/y;
const WORD = /[a-zA-Z]+/y;
const COMPARISON = /<=|>=|=>|=<|!=|==|->|[<>=]/y;
const COMPARISON_MEANINGS: Readonly<Record<string, string>> = { "=<": "<=", "=>": "to", "->": "to", "==": "=" };

/** Reads the whole text; never throws, whatever it holds. */
export function lex(text: string): readonly Token[] {
  const tokens: Token[] = [];
  new Lexer(text, tokens).run();
  return tokens;
}

class Lexer {
  readonly #text: string;
  readonly #tokens: Token[];
  readonly #nesting: number;
  #at = 0;
  #depth: number;
  #spaced = false;

  /** @param nesting  how many `\text{}` hold this text @param depth  open brackets around it */
  constructor(text: string, tokens: Token[], nesting = 0, depth = 0) {
    this.#text = text;
    this.#tokens = tokens;
    this.#nesting = nesting;
    this.#depth = depth;
  }

  run(): void {
    while (this.#at < this.#text.length) this.#next(this.#text.charAt(this.#at));
  }

  #next(character: string): void {
    // A dollar sign is a delimiter or money, a tilde a space: neither changes a value.
    if (' $~"'.includes(character)) {
      this.#spaced = true;
      this.#at += 1;
    } else if (character === "\\") this.#backslash();
    else if (/[\d.]/.test(character)) this.#number();
    else if (/[a-zA-Z]/.test(character)) this.#word();
    else if ("([{".includes(character)) this.#push("open", character, 1);
    else if (")]}".includes(character)) this.#push("close", character, 1);
    else if ("<>=!-".includes(character)) this.#comparison(character);
    else if ("+*/^_'".includes(character)) this.#push("operator", character, 1);
    else if (character === "|") this.#push("bar", "|", 1);
    else if (character === ":") this.#push("relation", ":", 1);
    else if (character === "%") this.#push("percent", "%", 1);
    else if (character === "&") this.#push("cell", "&", 1);
    else if (character === "," || character === ";") this.#push("separator", ",", 1);
    else this.#push("unknown", character, 1);
  }

  #push(kind: TokenKind, text: string, length: number): void {
    if (kind === "open" || kind === "begin") this.#depth += 1;
    if (kind === "close" || kind === "end") this.#depth -= 1;
    this.#tokens.push({ kind, text, spaced: this.#spaced });
    this.#spaced = false;
    this.#at += length;
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#text)?.[0] ?? null;
  }

  #number(): void {
    // Inside brackets a comma separates: (1,234) is a pair.
    const grouped = this.#depth === 0 && !this.#followsNumber() ? this.#match(GROUPED) : null;
    const literal = grouped ?? this.#match(NUMBER);
    if (literal === null) return this.#push("unknown", ".", 1);
    this.#push("number", grouped === null ? literal : literal.replaceAll(",", ""), literal.length);
  }

  /** "1234,567" and "5,100,20" are lists: no group follows a number that is none. */
  #followsNumber(): boolean {
    const [before, comma] = [this.#tokens.at(-2), this.#tokens.at(-1)];
    return comma?.kind === "separator" && before?.kind === "number" && !this.#spaced;
  }

  #comparison(character: string): void {
    const found = this.#match(COMPARISON);
    if (found !== null) return this.#push("relation", COMPARISON_MEANINGS[found] ?? found, found.length);
    this.#push("operator", character, 1);
  }

  #word(): void {
    const word = this.#match(WORD) ?? "";
    const before = this.#tokens.at(-1);
    const lower = word.toLowerCase();
    const glued =
      before?.kind === "number" || before?.kind === "close" ? /^(?:and|or)(?=[A-Z])/.exec(word)?.[0] : undefined;
    if (glued !== undefined) return this.#push("separator", glued, glued.length);
    if (lower === "and" || lower === "or") return this.#push("separator", lower, word.length);
    if (BARE_COMMANDS.has(word)) return this.#push("command", SAME_AS[word] ?? word, word.length);
    if (lower === "infinity" || lower === "inf") return this.#push("command", "infty", word.length);
    const afterNumber = before?.kind === "number" || before?.kind === "close" || before?.kind === "words";
    if (afterNumber && isUnit(word) && word.length > 1) return this.#push("words", word, word.length);
    if (afterNumber && isUnitPrefix(word)) {
      // Its full stop belongs to it: 25 sq. cm
      const stop = this.#text.charAt(this.#at + word.length) === "." ? 1 : 0;
      return this.#push("words", word, word.length + stop);
    }
    if (isProse(word)) return this.#push("words", word, word.length);
    const known = longestKnownStart(word);
    if (known !== null) return this.#push("command", known, known.length);
    // Letters side by side are a product: AB, xyz.
    this.#push("letter", word.charAt(0), 1);
  }

  #backslash(): void {
    const name = this.#match(COMMAND)?.slice(1);
    if (name === undefined) return this.#escaped(this.#text.charAt(this.#at + 1));
    const length = name.length + 1;
    const spacing = [...SPACING].find((known) => name.startsWith(known) && !DROPPED.has(name));
    if (spacing !== undefined) {
      this.#at += spacing.length + 1;
      this.#spaced = true;
    } else if (DROPPED.has(name)) {
      this.#at += length;
      if (/^(?:left|right|middle|[bB]ig)/.test(name) && this.#text.charAt(this.#at) === ".") this.#at += 1;
    } else if (DROPPED_WITH_ARGUMENT.has(name)) {
      this.#at += length;
      this.#argument();
    } else if (WORDS.has(name)) this.#words(length);
    else if (name === "begin" || name === "end") this.#environment(name);
    else this.#named(name, length);
  }

  #named(name: string, length: number): void {
    const operator = OPERATORS[name];
    const relation = RELATIONS[name];
    const opener = OPENERS[name];
    const closer = CLOSERS[name];
    if (operator !== undefined) this.#push("operator", operator, length);
    else if (relation === "|") this.#push("bar", "|", length);
    else if (relation !== undefined) this.#push("relation", relation, length);
    else if (opener !== undefined) this.#push("open", opener, length);
    else if (closer !== undefined) this.#push("close", closer, length);
    else if (name === "degree" || name === "circ") this.#degree(length);
    else this.#push("command", SAME_AS[name] ?? name, length);
  }

  /** `^\circ` and `^{\circ}` lose their hat: a degree sign is a mark after a number, not a power. */
  #degree(length: number): void {
    const [hat, brace] = [this.#tokens.at(-2), this.#tokens.at(-1)];
    if (brace?.text === "^") this.#tokens.pop();
    else if (hat?.text === "^" && brace?.text === "{") {
      this.#tokens.splice(-2);
      this.#depth -= 1;
      const close = this.#text.indexOf("}", this.#at + length);
      if (close >= 0 && this.#text.slice(this.#at + length, close).trim() === "") {
        return this.#push("degree", "deg", close + 1 - this.#at);
      }
    }
    this.#push("degree", "deg", length);
  }

  #escaped(character: string): void {
    if (character === "{") this.#push("open", "\\{", 2);
    else if (character === "}") this.#push("close", "\\}", 2);
    else if (character === "%") this.#push("percent", "%", 2);
    else if (character === "\\") this.#push("newline", "\\\\", 2);
    else if (character === "|") this.#push("bar", "||", 2);
    else if (character === "&") this.#push("separator", "and", 2);
    else if (/[,;:! ]/.test(character)) {
      this.#at += 2;
      this.#spaced = this.#spaced || character !== "!";
    } else this.#at += /[$()[\]#_"']/.test(character) ? 2 : 1;
  }

  /** The group after a command, braces balanced; null and no move when there is none. */
  #argument(): string | null {
    let open = this.#at;
    while (this.#text.charAt(open) === " ") open += 1;
    if (this.#text.charAt(open) !== "{") return null;
    let depth = 0;
    for (let i = open; i < this.#text.length; i++) {
      const character = this.#text.charAt(i);
      if (character === "\\") i += 1;
      else if (character === "{") depth += 1;
      else if (character === "}" && --depth === 0) {
        this.#at = i + 1;
        return this.#text.slice(open + 1, i);
      }
    }
    this.#at = this.#text.length;
    return this.#text.slice(open + 1);
  }

  #words(length: number): void {
    this.#at += length;
    const content = this.#argument();
    if (content === null) return;
    const trimmed = content.trim();
    const bare = trimmed.replace(/^\\/, "");
    if (FUNCTIONS[bare] !== undefined) return this.#push("command", bare, 0);
    // Words that hold a number, a formula or a conjunction are read like the text around them.
    if (/[\d\\$^_=<>|{}]|\b(?:and|or)\b/.test(trimmed)) return this.#inline(` ${content} `);
    if (trimmed === "" || /^[,;]$/.test(trimmed)) {
      if (trimmed !== "") this.#push("separator", ",", 0);
      this.#spaced = true;
      return;
    }
    this.#spaced = this.#spaced || /^\s/.test(content);
    this.#push("words", trimmed.replace(/\s+/g, " "), 0);
  }

  #inline(content: string): void {
    if (this.#nesting >= MAX_NESTING) return this.#push("unknown", "text", 0);
    new Lexer(content, this.#tokens, this.#nesting + 1, this.#depth).run();
    this.#spaced = true;
  }

  #environment(name: "begin" | "end"): void {
    this.#at += name.length + 1;
    const environment = (this.#argument() ?? "").trim();
    if (environment === "array" && name === "begin") this.#argument();
    this.#push(name, environment.replace("*", ""), 0);
  }
}

function longestKnownStart(word: string): string | null {
  for (const known of ["sqrt", "arcsin", "arccos", "arctan", "sin", "cos", "tan", "log", "ln", "pi"]) {
    if (word.startsWith(known) && word.length <= known.length + 1) return known;
  }
  return null;
}

/** Four letters or more, not all capitals: a word, not a product of unknowns. */
function isProse(word: string): boolean {
  return word.length >= 4 && /[a-z]/.test(word) && longestKnownStart(word) === null;
}
