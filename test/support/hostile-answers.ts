// Responses made to hang, crash or bloat a verifier: one seeded source for the short test and the long one.

import { randomStream, type RandomStream } from "../../src/base/seeds.ts";

export interface HostileAnswer {
  readonly gold: string;
  readonly response: string;
}

const boxed = (answer: string): string => `So $\\boxed{${answer}}$.`;

/** Each makes one response; `size` is a whole number that grows the attack. */
const ATTACKS: readonly ((size: number, stream: RandomStream) => string)[] = [
  (size) => boxed(`9^{9^{9^{${size}}}}`),
  (size) => boxed(`10^{10^{${size + 5}}}`),
  (size) => boxed(`10^{-10^{${size + 5}}}`),
  (size) => boxed(`${size + 2000}!`),
  (size) => boxed(`((${size + 90}!)!)!`),
  (size) => boxed(`9${"!".repeat(size + 3)}`),
  (size) => boxed(`\\binom{${size}000000000}{500000000}`),
  (size) => boxed(`(x+1)^{${size}00000}`),
  (size) => boxed(`e^{e^{e^{e^{${size + 1}}}}}`),
  (size) => boxed(`\\sin(10^{${size + 100}})`),
  (size) => boxed(`\\sum_{k=1}^{${size}000000000} k`),
  (size) => boxed(`\\prod_{k=1}^{${size + 2000}} k^k`),
  (size) => boxed(`${size + 7}e9999`),
  (size) => boxed("(".repeat(size * 20 + 60) + "6" + ")".repeat(size * 20 + 60)),
  (size) => boxed("\\sqrt{".repeat(size * 8 + 60) + "6" + "}".repeat(size * 8 + 60)),
  (size) => boxed("\\frac{1}{1+".repeat(size * 5 + 30) + "x" + "}".repeat(size * 5 + 30)),
  (size) => boxed("2^".repeat(size * 30 + 10) + "2"),
  (size) => boxed("x_".repeat(size * 30 + 10) + "x"),
  (size) => boxed("1/".repeat(size * 30 + 10) + "3"),
  (size) => boxed("\\sin ".repeat(size * 15 + 10) + "x"),
  (size) => boxed("|".repeat(2 * size + 1) + "5" + "|".repeat(2 * size + 1)),
  (size) => boxed("5\\pm".repeat(size + 2) + "1"),
  (size) => boxed("\\text{".repeat(size * 10 + 5) + "}".repeat(size * 10 + 5)),
  (size) => boxed(`\\begin{pmatrix}${"1&".repeat(size * 20)}\\end{pmatrix}`),
  (size) => boxed(Array.from({ length: size * 20 + 10 }, (_, i) => i).join(",")),
  (size) => boxed(Array.from({ length: size * 10 + 10 }, (_, i) => i).join("<")),
  (size) => boxed(Array.from({ length: size * 5 + 10 }, (_, i) => `\\sqrt{${i}+x}`).join("+")),
  (size) => boxed("\\frac" + "1".repeat(size * 40 + 1)),
  (size) => boxed("9".repeat(size * 20_000)),
  (size) => boxed(`6${"\u0301".repeat(size * 50)}`),
  (size) => boxed(`6\u202e${"5".repeat(size)}`),
  (size) => "\\boxed{".repeat(size * 3000),
  (size) => "\\boxed{".repeat(size * 1000) + "6" + "}".repeat(size * 1000),
  (size) => "<think>".repeat(size * 3000),
  (size) => "final answer is ".repeat(size * 1000),
  (size) => "the answer is ".repeat(size * 1000),
  (size) => "a ".repeat(size * 5000) + "is our answer",
  (size) => "\\( ".repeat(size * 5000),
  (size) => "\\".repeat(size * 20_000),
  (size) => "$".repeat(size * 20_000) + "6",
  (size) => "\u0000".repeat(size * 1000) + boxed("6\u0000"),
  (size) => " ".repeat(size * 50_000),
  (size, stream) => boxed(noise(size * 40, stream, "0123456789+-*/^_{}()[]\\,.|!=<>&%$ xyabfrcsqt")),
  (size, stream) => noise(size * 200, stream, "\\boxed{}answer is final 0123456789.,$#<think>/\n"),
  (size, stream) => boxed(pieces(size * 3 + 2, stream)),
];

const PIECES = [
  "\\frac{1}{", "}", "\\sqrt[", "]{", "^{", "_{", "\\left(", "\\right)", "\\begin{matrix}", "\\end{matrix}", "\\\\", "&", "\\sin", "\\log_",
  "10^{10}", "9!", "\\cup", "\\in", "\\pm", "=", "<", "\\text{or}", "x", "7", ".5", "|", "\\lfloor", "\\rceil", "\\int_0^1", "\\infty",
] as const; // prettier-ignore

/** Attacks in turn, each of 1 to 50 units, made one at a time; none answers its gold. */
export function* hostileAnswers(options: { readonly seed: number; readonly count: number }): Generator<HostileAnswer> {
  const stream = randomStream({ root: options.seed, purpose: "hostile-answers" });
  for (let index = 0; index < options.count; index++) {
    const attack = ATTACKS[index % ATTACKS.length]!;
    yield { gold: "\\frac{5000003}{1000003}", response: attack(1 + stream.integer(50), stream) };
  }
}

function noise(length: number, stream: RandomStream, alphabet: string): string {
  return Array.from({ length }, () => alphabet.charAt(stream.integer(alphabet.length))).join("");
}

function pieces(count: number, stream: RandomStream): string {
  return Array.from({ length: count }, () => PIECES[stream.integer(PIECES.length)]).join("");
}
