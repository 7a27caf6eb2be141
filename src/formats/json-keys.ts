// Finds keys that a JSON object states twice: parsers keep one of the two without a word.

/**
 * @param text  valid JSON whose root is an object
 * @returns the first key that an object at any depth has twice, or null
 */
export function jsonKeyTwice(text: string): string | null {
  /** The keys so far of every open object; null stands for an open array. */
  const open: (Set<string> | null)[] = [];
  let keyNext = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === '"') {
      const end = endOfString(text, i);
      const keys = open.at(-1);
      if (keyNext && keys) {
        const key = JSON.parse(text.slice(i, end)) as string;
        if (keys.has(key)) return key;
        keys.add(key);
        keyNext = false;
      }
      i = end - 1;
    } else if (character === "{") {
      open.push(new Set());
      keyNext = true;
    } else if (character === "[") {
      open.push(null);
      keyNext = false;
    } else if (character === "}" || character === "]") {
      open.pop();
      keyNext = false;
    } else if (character === ",") keyNext = open.at(-1) instanceof Set;
  }
  return null;
}

function endOfString(text: string, start: number): number {
  let i = start + 1;
  while (text[i] !== '"') i += text[i] === "\\" ? 2 : 1;
  return i + 1;
}
