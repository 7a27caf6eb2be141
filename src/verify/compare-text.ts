// Two answer texts compared: decimal commas, multiple-choice letters, then structure and value.

import { cleanText } from "./clean-text.ts";
import { contradictsItself } from "./contradiction.ts";
import type { Steps } from "./evaluate.ts";
import { sameNumbers } from "./numeric.ts";
import { readAnswer } from "./read-answer.ts";
import { sameAnswer } from "./same-answer.ts";

/** Whether two answer texts say the same. @throws `Refused` when one of them is too large to judge */
export function sameText(goldText: string, givenText: string, steps: Steps): boolean {
  const gold = cleanText(goldText);
  const given = cleanText(givenText);
  if (gold === "" || given === "") return false;
  if (gold === given) return true;
  const choice = choiceLetter(gold);
  if (choice !== null && chosenLetter(given) !== null) return chosenLetter(given) === choice;
  if (sameDecimals(gold, given)) return true;
  const [wanted, found] = [readAnswer(gold), readAnswer(given)];
  if (wanted === null || found === null || contradictsItself(found, steps)) return false;
  return sameAnswer(wanted, found, steps);
}

/** 1,22 is 1.22 where one side writes the point; beside anything else it is two numbers. */
function sameDecimals(gold: string, given: string): boolean {
  const [a, b] = [withoutDollars(gold), withoutDollars(given)];
  if (!isDecimalComma(a) && !isDecimalComma(b)) return false;
  return /^[-+]?\d+\.\d+$/.test(isDecimalComma(a) ? b : a) && sameNumbers(pointed(a), pointed(b)) === true;
}

function isDecimalComma(text: string): boolean {
  return /^[-+]?\d+,\d+$/.test(text) && !/^[-+]?[1-9]\d{0,2},\d{3}$/.test(text);
}

function pointed(text: string): string {
  return isDecimalComma(text) ? text.replace(",", ".") : text;
}

function withoutDollars(text: string): string {
  return text.replace(/^\$\s?|\s?\$$/g, "");
}

/** The letter of a gold answer that is a letter alone: B, (B), \text{(B)}. */
function choiceLetter(text: string): string | null {
  return /^\(?([A-Z])\)?[.:]?$/.exec(withoutWrapping(text))?.[1] ?? null;
}

/** The letter a response chose: as above, or followed by the text of the choice, but never one of several. */
function chosenLetter(text: string): string | null {
  const bare = withoutWrapping(text);
  const alone = /^\(?([A-Za-z])\)?[.:]?$/.exec(bare)?.[1];
  if (alone !== undefined) return bare.length === 1 ? alone : alone.toUpperCase();
  const labelled = /^(?:\(([A-Z])\)|([A-Z])[.):])\s+([^\s,;+*/^=<>&|-].*)$/s.exec(bare);
  if (labelled === null || /\([A-Z]\)|(?:^|[\s,;])[A-Z](?:[.):,;]|$)|\b(?:or|and)\b/.test(labelled[3] ?? ""))
    return null;
  return labelled[1] ?? labelled[2] ?? null;
}

function withoutWrapping(text: string): string {
  let bare = text;
  for (let i = 0; i < 4; i++) {
    bare = bare
      .replace(/\$|\*\*|\\left|\\right|\\!/g, "")
      .replace(/\\[,;: ]/g, " ")
      .replace(/\\(?:text|textbf|textrm|textit|mathrm|mathbf|mbox|bf|rm|boldsymbol)\s?\{([^{}]*)\}/g, "$1")
      .replace(/^\{([^{}]*)\}$/, "$1")
      .replace(/^(?:option|choice|answer)[\s:]+(?=\(?[A-Z]\)?\.?$)|\.$/i, "")
      .trim();
  }
  return bare;
}
