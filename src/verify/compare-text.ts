// Two answer texts compared: every way to read them, multiple-choice letters, then structure and value.

import type { Answer } from "./answer.ts";
import { cleanText } from "./clean-text.ts";
import type { Steps } from "./evaluate.ts";
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
  const [golds, givens] = [readings(gold), readings(given)];
  return golds.some((a) => givens.some((b) => sameAnswer(a, b, steps)));
}

/** "1,22" may be a number with a decimal comma as well as two numbers; everything else reads one way. */
function readings(text: string): readonly Answer[] {
  const plain = text.replace(/^\$\s?|\s?\$$/g, "");
  const decimal = /^([-+]?\d+),(\d+)$/.exec(plain);
  const grouped = /^[-+]?[1-9]\d{0,2},\d{3}$/.test(plain);
  const texts = decimal === null || grouped ? [text] : [text, `${decimal[1]}.${decimal[2]}`];
  return texts.map(readAnswer).filter((answer) => answer !== null);
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
  const labelled = /^(?:\(([A-Z])\)|([A-Z])[.):])\s*(\S.*)$/s.exec(bare);
  if (labelled === null || /\([A-Z]\)|(?:^|[\s,;])[A-Z](?:[.):,;]|$)|\b(?:or|and)\b/.test(labelled[3] ?? ""))
    return null;
  return labelled[1] ?? labelled[2] ?? null;
}

function withoutWrapping(text: string): string {
  let bare = text;
  for (let i = 0; i < 4; i++) {
    bare = bare
      .replace(/\$|\*\*|\\left|\\right|\\[,;:! ]/g, "")
      .replace(/\\(?:text|textbf|textrm|textit|mathrm|mathbf|mbox|bf|rm|boldsymbol)\s?\{([^{}]*)\}/g, "$1")
      .replace(/^\{([^{}]*)\}$/, "$1")
      .replace(/\.$/, "")
      .trim();
  }
  return bare;
}
