// Integrals, limits and infinite sums in closed form, by a computer-algebra library that is loaded on first need.

import { call, negated, num, power, quotient, squareRootOf, symbol, type Expression } from "./expression.ts";
import { rational } from "./rational.ts";

/** Notation the reader of expressions leaves to the library. */
const CALCULUS = /\\(?:int|iint|lim|sum|prod|frac\s?\{d)(?![a-zA-Z])/;
const LONGEST = 400;

const ONE_ARGUMENT: Readonly<Record<string, string>> = {
  Sin: "sin",
  Cos: "cos",
  Tan: "tan",
  Cot: "cot",
  Sec: "sec",
  Csc: "csc",
  Arcsin: "arcsin",
  Arccos: "arccos",
  Arctan: "arctan",
  Sinh: "sinh",
  Cosh: "cosh",
  Tanh: "tanh",
  Ln: "ln",
  Exp: "exp",
  Abs: "abs",
  Factorial: "factorial",
};

const SYMBOLS: Readonly<Record<string, string>> = {
  Pi: "pi",
  ExponentialE: "e",
  ImaginaryUnit: "i",
  PositiveInfinity: "infinity",
};

/** What the library must offer; its own types are wider. */
interface Engine {
  pushScope(): void;
  popScope(): void;
  parse(latex: string): Parsed;
}

interface Parsed {
  readonly isValid: boolean;
  readonly json: unknown;
  evaluate(): Parsed;
  simplify(): Parsed;
}

let engine: Engine | null = null;

/** Whether a text holds an integral, a limit, a sum or a product sign, or a derivative. */
export function isCalculus(text: string): boolean {
  return CALCULUS.test(text);
}

/** Loading takes about a third of a second, so a worker says when it begins. */
export async function loadAlgebra(): Promise<void> {
  if (engine !== null) return;
  const library = await import("@cortex-js/compute-engine");
  engine = new library.ComputeEngine();
}

/**
 * The closed form of a formula, or null when the library finds none. Only the rewriting is the library's: whether two
 * forms are equal is decided here, because its own comparison takes x + 10^-12 and x for identical (measured, 0.140.0).
 */
export function closedForm(latex: string): Expression | null {
  if (engine === null || latex.length > LONGEST) return null;
  // A scope of its own: an assignment such as x := 5 in one answer must not reach the next.
  engine.pushScope();
  try {
    const parsed = engine.parse(latex);
    if (!parsed.isValid) return null;
    const value = parsed.evaluate();
    return fromMathJson(value.json, 0) ?? fromMathJson(parsed.simplify().json, 0);
  } catch {
    // The library throws on much that it cannot do; for a verdict that is the same as finding no closed form.
    return null;
  } finally {
    engine.popScope();
  }
}

/** Exact MathJSON only: a machine number means the library approximated. */
function fromMathJson(json: unknown, depth: number): Expression | null {
  if (depth > 40) return null;
  if (typeof json === "number") return Number.isSafeInteger(json) ? num(json) : null;
  if (typeof json === "string") return fromSymbol(json);
  if (!Array.isArray(json)) return fromBigNumber(json);
  const [head, ...operands] = json as readonly unknown[];
  if (head === "Rational") return fromRationalPair(operands);
  const args = operands.map((operand) => fromMathJson(operand, depth + 1));
  const known = args.filter((arg) => arg !== null);
  if (known.length !== args.length || typeof head !== "string") return null;
  return applied(head, known);
}

function applied(head: string, args: readonly Expression[]): Expression | null {
  const [a, b] = args;
  if (a === undefined) return null;
  const name = ONE_ARGUMENT[head];
  if (name !== undefined && b === undefined) return call(name, a);
  switch (head) {
    case "Add":
      return { kind: "sum", terms: args };
    case "Multiply":
      return { kind: "product", factors: args };
    case "Negate":
      return negated(a);
    case "Sqrt":
      return squareRootOf(a);
    case "Subtract":
      return b === undefined ? null : { kind: "sum", terms: [a, negated(b)] };
    case "Divide":
      return b === undefined ? null : quotient(a, b);
    case "Power":
      return b === undefined ? null : power(a, b);
    case "Root":
      return b === undefined ? null : power(a, quotient(num(1), b));
    case "Binomial":
    case "Choose":
      return b === undefined ? null : call("binomial", a, b);
    default:
      return null;
  }
}

function fromSymbol(name: string): Expression | null {
  const constant = SYMBOLS[name];
  if (constant !== undefined) return symbol(constant);
  if (/^[+-]?\d+$/.test(name)) return num(BigInt(name));
  return /^[a-zA-Z]$/.test(name) ? symbol(name) : null;
}

function fromBigNumber(json: unknown): Expression | null {
  const text = typeof json === "object" && json !== null && "num" in json ? json.num : null;
  return typeof text === "string" && /^[+-]?\d{1,300}$/.test(text) ? num(BigInt(text)) : null;
}

function fromRationalPair(pair: readonly unknown[]): Expression | null {
  const [n, d] = pair;
  if (!Number.isSafeInteger(n) || !Number.isSafeInteger(d) || d === 0) return null;
  return { kind: "number", value: rational(BigInt(n as number), BigInt(d as number)) };
}
