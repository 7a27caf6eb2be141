// New tokens to text as they come: whole characters only, cut before the first stop text.

/** Ids to text, as a tokenizer does. */
export type Decode = (ids: readonly number[]) => string;

const UNFINISHED = "\ufffd";
/** A character has at most four bytes: what is still unfinished after so many tokens never will be finished. */
const PATIENCE = 8;

/**
 * Text that grows by tokens. What may still change is held back: bytes of an unfinished character, and an end that may be
 * the beginning of a stop text.
 */
export class TextStream {
  readonly #decode: Decode;
  readonly #stops: readonly string[];
  readonly #ids: number[] = [];
  /** tokens before this one are no longer looked at */
  #from = 0;
  /** tokens before this one are all in `#text` */
  #settled = 0;
  /** everything decoded so far, but for an unfinished character */
  #text = "";
  #given = 0;
  #stopText: string | null = null;

  constructor(decode: Decode, stops: readonly string[]) {
    this.#decode = decode;
    this.#stops = stops;
  }

  /** A stop text has come; no token adds anything after it. */
  get stopped(): boolean {
    return this.#stopText !== null;
  }

  /** The stop text that came, or null. */
  get stopText(): string | null {
    return this.#stopText;
  }

  /** Length of the text before the next token's. */
  get length(): number {
    return this.#text.length;
  }

  /** @returns what is certain to be part of the text and was not returned before */
  push(id: number): string {
    if (this.stopped) return "";
    this.#ids.push(id);
    // A decoder may drop a space at the beginning, so the new text is what two decodings from the same start differ by.
    const before = this.#decode(this.#ids.slice(this.#from, this.#settled));
    const after = this.#decode(this.#ids.slice(this.#from));
    if (after.endsWith(UNFINISHED) && this.#ids.length - this.#settled < PATIENCE) return "";
    const scanned = this.#text.length;
    this.#text += after.slice(before.length);
    this.#from = this.#settled;
    this.#settled = this.#ids.length;
    const heldBack = this.#cutAtStop(scanned) ? 0 : this.#heldBack();
    return this.#giveTo(this.#text.length - heldBack);
  }

  /** @returns what was held back; call it once, after the last token */
  end(): string {
    if (!this.stopped) {
      const before = this.#decode(this.#ids.slice(this.#from, this.#settled));
      const scanned = this.#text.length;
      this.#text += this.#decode(this.#ids.slice(this.#from)).slice(before.length);
      this.#cutAtStop(scanned);
    }
    return this.#giveTo(this.#text.length);
  }

  #giveTo(end: number): string {
    const part = this.#text.slice(this.#given, end);
    this.#given = Math.max(this.#given, end);
    return part;
  }

  /** The earliest stop text counts; it may have begun in the text before. */
  #cutAtStop(scanned: number): boolean {
    let place = Infinity;
    for (const stop of this.#stops) {
      const found = this.#text.indexOf(stop, Math.max(0, scanned - stop.length + 1));
      if (found < 0 || found >= place) continue;
      place = found;
      this.#stopText = stop;
    }
    this.#text = this.#text.slice(0, place);
    return place < Infinity;
  }

  /** Length of the longest end of the text that is the beginning of a stop text. */
  #heldBack(): number {
    return this.#stops.reduce((most, stop) => {
      for (let length = Math.min(stop.length - 1, this.#text.length); length > most; length--) {
        if (this.#text.endsWith(stop.slice(0, length))) return length;
      }
      return most;
    }, 0);
  }
}
