// One spelling for the characters of an answer: Unicode look-alikes, damaged escapes and digit groups, before any parsing.

/** Characters that show nothing; taken out, so that "4<zero width>2" is read as it looks. */
const INVISIBLE = /[\u00ad\u200b-\u200d\u2060\ufeff]/g;
/** Text that runs against its reading order can show one number and hold another: never repaired. */
const BIDIRECTIONAL = /[\u202a-\u202e\u2066-\u2069]/;
const SPACES = /[\t\n\v\f\r\u0000-\u0008\u000e-\u001f\u007f\u0085\u00a0\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/g;

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿⁱ";
const SUPERSCRIPT_MEANINGS = "0123456789+-()ni";
const SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉₊₋₍₎ₙᵢ";

const SYMBOLS: Readonly<Record<string, string>> = {
  "−": "-",
  "–": "-",
  "‐": "-",
  "‑": "-",
  "×": "\\times ",
  "✕": "\\times ",
  "·": "\\cdot ",
  "⋅": "\\cdot ",
  "∙": "\\cdot ",
  "∗": "*",
  "÷": "\\div ",
  "√": "\\sqrt ",
  π: "\\pi ",
  "∞": "\\infty ",
  "≤": "\\le ",
  "⩽": "\\le ",
  "≥": "\\ge ",
  "⩾": "\\ge ",
  "≠": "\\ne ",
  "≈": "\\approx ",
  "∪": "\\cup ",
  "∩": "\\cap ",
  "∈": "\\in ",
  "±": "\\pm ",
  "∓": "\\mp ",
  "°": "^\\circ ",
  º: "^\\circ ",
  "∅": "\\emptyset ",
  ℝ: "\\mathbb{R}",
  ℤ: "\\mathbb{Z}",
  ℕ: "\\mathbb{N}",
  ℚ: "\\mathbb{Q}",
  "⌊": "\\lfloor ",
  "⌋": "\\rfloor ",
  "⌈": "\\lceil ",
  "⌉": "\\rceil ",
  "⟨": "\\langle ",
  "⟩": "\\rangle ",
  "∠": "\\angle ",
  "△": "\\triangle ",
  "→": "\\to ",
  θ: "\\theta ",
  α: "\\alpha ",
  β: "\\beta ",
  γ: "\\gamma ",
  λ: "\\lambda ",
  μ: "\\mu ",
  φ: "\\phi ",
  ω: "\\omega ",
  "∶": ":",
  "，": ",",
  "。": ".",
  "…": "\\ldots ",
  "⋯": "\\cdots ",
  "“": '"',
  "”": '"',
  "‘": "'",
  "’": "'",
  "′": "'",
  "€": "\\$",
  "£": "\\$",
  "¥": "\\$",
};

const VULGAR_FRACTIONS: Readonly<Record<string, string>> = {
  "½": "{1}{2}",
  "⅓": "{1}{3}",
  "⅔": "{2}{3}",
  "¼": "{1}{4}",
  "¾": "{3}{4}",
  "⅕": "{1}{5}",
  "⅖": "{2}{5}",
  "⅗": "{3}{5}",
  "⅘": "{4}{5}",
  "⅙": "{1}{6}",
  "⅚": "{5}{6}",
  "⅐": "{1}{7}",
  "⅛": "{1}{8}",
  "⅜": "{3}{8}",
  "⅝": "{5}{8}",
  "⅞": "{7}{8}",
  "⅑": "{1}{9}",
  "⅒": "{1}{10}",
};

/** Commands whose first letter JSON or a shell turned into a control character: \f + rac, \t + ext, \b + oxed, \r + ight. */
const DAMAGED: readonly (readonly [RegExp, string])[] = [
  [/\\?\f(?=rac\b|rac[\d{])/g, "\\f"],
  [/\\?\t(?=(?:ext|imes|frac|an|heta|binom)(?![a-z]))/g, "\\t"],
  [/\\?\u0008(?=(?:oxed|egin|inom|ar|eta)(?![a-z]))/g, "\\b"],
  [/\\?\r(?=(?:ight|angle|floor|ceil)(?![a-z]))/g, "\\r"],
];

/** A doubled backslash before a command name, from text that was escaped twice. */
const DOUBLED =
  /(?<!\\)\\\\(?=(?:boxed|[dtc]?frac|sqrt|text|left|right|cdot|times|pi|infty|begin|end|pm|le|ge|in|cup|circ)(?![a-zA-Z]))/g;

/** Brings an answer to plain ASCII and LaTeX; linear in its length. */
export function cleanText(raw: string): string {
  let text = raw;
  for (const [pattern, repair] of DAMAGED) text = text.replace(pattern, repair);
  if (/\\\\(?:begin|boxed)/.test(text) || !text.includes("\\begin")) text = text.replace(DOUBLED, "\\");
  text = text.replace(INVISIBLE, "").replace(SPACES, " ");
  if (/[^\x20-\x7e]/.test(text)) text = withoutLookAlikes(text);
  return joinedDigitGroups(text).trim();
}

/** True when the text holds marks that change its reading order. */
export function isDisguised(raw: string): boolean {
  return BIDIRECTIONAL.test(raw);
}

function withoutLookAlikes(text: string): string {
  return text
    .replace(/([\d)}]?)\s?([½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅐⅛⅜⅝⅞⅑⅒])/g, (_, before: string, mark: string) => {
      return `${before}\\frac${VULGAR_FRACTIONS[mark] ?? mark}`;
    })
    .replace(/[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿⁱ]+/g, (run) => `^{${translated(run, SUPERSCRIPTS)}}`)
    .replace(/[₀₁₂₃₄₅₆₇₈₉₊₋₍₎ₙᵢ]+/g, (run) => `_{${translated(run, SUBSCRIPTS)}}`)
    .replace(/[\uff01-\uff5e]/g, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0))
    .replace(/[\u{1d400}-\u{1d7ff}]/gu, (styled) => styled.normalize("NFKC"))
    .replace(/[^\x20-\x7e]/gu, (character) => SYMBOLS[character] ?? character);
}

function translated(run: string, alphabet: string): string {
  return [...run].map((mark) => SUPERSCRIPT_MEANINGS[alphabet.indexOf(mark)] ?? mark).join("");
}

/**
 * Joins digits that LaTeX sets as one number: `10{,}080`, `10,\!080`, `10\,080`; and `1 000` where that is all there is.
 * `32, 349` stays two numbers.
 */
function joinedDigitGroups(text: string): string {
  const joined = text.replace(/(\d)(?:\s?\{,\}|,\s?\\!|\\,|\\!)\s*(?=\d{3}(?!\d))/g, "$1");
  return /^\$?\s*[-+]?\d{1,3}(?: \d{3})+(?:\.\d+)?\s*\$?$/.test(joined)
    ? joined.replace(/(?<=\d) (?=\d)/g, "")
    : joined;
}
