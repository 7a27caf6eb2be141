// Finding `\boxed{…}` in a response: every box, its place and its content, in one pass.

/** A box as it stands in the text. */
export interface Box {
  /** where the command begins, and where the text after the box begins */
  readonly start: number;
  readonly end: number;
  readonly content: string;
  /** the closing brace is there */
  readonly closed: boolean;
}

/** A brace that is open; `start` is set when it opens a box. */
interface OpenBrace {
  readonly start: number | null;
  readonly inside: number;
}

const COMMAND = /\\{1,2}(?:boxed|fbox)(?![a-zA-Z])\s*|[\u0008]oxed\s*(?=\{)/y;
const BARE_CHARACTERS = 200;

/**
 * The outermost closed boxes in order, then the last unclosed one if it comes after them all. Linear in the length of the
 * text, whatever its braces do.
 */
export function boxesIn(text: string): readonly Box[] {
  if (!text.includes("box") && !text.includes("oxed")) return [];
  const closed: Box[] = [];
  const braces: OpenBrace[] = [];
  for (let i = 0; i < text.length; i++) {
    const character = text.charAt(i);
    if (character === "\\" || character === "\u0008") {
      COMMAND.lastIndex = i;
      const command = COMMAND.exec(text)?.[0];
      if (command === undefined) {
        if (character === "\\") i += 1;
      } else if (text.charAt(i + command.length) === "{") {
        braces.push({ start: i, inside: i + command.length + 1 });
        i += command.length;
      } else {
        const box = bareBox(text, i, i + command.length);
        closed.push(box);
        i = box.end - 1;
      }
    } else if (character === "{") braces.push({ start: null, inside: i + 1 });
    else if (character === "}") {
      const open = braces.pop();
      if (typeof open?.start !== "number") continue;
      // The boxes inside this one are part of its content.
      while ((closed.at(-1)?.start ?? -1) > open.start) closed.pop();
      closed.push({ start: open.start, end: i + 1, content: text.slice(open.inside, i).trim(), closed: true });
    }
  }
  const cutOff = braces.findLast((brace) => brace.start !== null);
  if (typeof cutOff?.start === "number" && cutOff.start > (closed.at(-1)?.start ?? -1)) {
    closed.push({ start: cutOff.start, end: text.length, content: text.slice(cutOff.inside).trim(), closed: false });
  }
  return closed;
}

/** `\boxed 5` and `\boxed\frac12`: up to the end of the formula or line. */
function bareBox(text: string, start: number, after: number): Box {
  const rest = text.slice(after, after + BARE_CHARACTERS);
  const length = /[$\n{}]|\\[\])]|\.\s|\.$|,\s/.exec(rest)?.index ?? rest.length;
  return { start, end: after + length, content: rest.slice(0, length).trim(), closed: true };
}
