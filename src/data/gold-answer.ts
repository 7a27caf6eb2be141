// The final answer inside the text or list that a data file keeps as its answer.

const GROUPED_DIGITS = /^([-+]?\$?\s?)(\d{1,3}(?:,\d{3})+)(\.\d+)?$/;

/**
 * The final answer of an answer text: what follows the last `####` (GSM8K; digits ungrouped, so that `1,000` is not read
 * as a list), else the content of the last `\boxed{}`, else the text itself.
 */
export function finalAnswer(text: string): string {
  const marker = text.lastIndexOf("####");
  if (marker >= 0) return ungrouped(text.slice(marker + 4).trim());
  return lastBoxed(text) ?? text.trim();
}

/** The content of the last `\boxed{…}` (or `\fbox{…}`, `\boxed 5`), braces balanced; null when there is none. */
export function lastBoxed(text: string): string | null {
  let found: string | null = null;
  for (const match of text.matchAll(/\\(?:boxed|fbox)\s*(\{|[^\s{])/g)) {
    const open = match.index + match[0].length - 1;
    const content = match[1] === "{" ? balancedContent(text, open) : (match[1] ?? null);
    if (content !== null) found = content.trim();
  }
  return found;
}

function ungrouped(answer: string): string {
  const match = GROUPED_DIGITS.exec(answer);
  return match === null ? answer : `${match[1]}${match[2]?.replaceAll(",", "")}${match[3] ?? ""}`;
}

function balancedContent(text: string, open: number): string | null {
  let depth = 0;
  for (let i = open; i < text.length; i++) {
    if (text[i] === "\\") i += 1;
    else if (text[i] === "{") depth += 1;
    else if (text[i] === "}" && --depth === 0) return text.slice(open + 1, i);
  }
  return null;
}
