// Laws of text that comes in tokens: whole characters, no part of a stop text, and in the end the text decoded at once.

import { describe, expect, it } from "vitest";
import { randomStream } from "../base/seeds.ts";
import { TextStream } from "./text-stream.ts";

/** One token a byte, as the byte tokenizer has it. */
const decodeBytes = (ids: readonly number[]): string => Buffer.from(ids).toString("utf8");
const bytesOf = (text: string): number[] => [...Buffer.from(text, "utf8")];

function streamed(ids: readonly number[], stops: readonly string[] = [], decode = decodeBytes): string[] {
  const stream = new TextStream(decode, stops);
  return [...ids.map((id) => stream.push(id)), stream.end()];
}

describe("TextStream", () => {
  it("gives a character when its last byte has come, and nothing before", () => {
    // € is e2 82 ac
    expect(streamed(bytesOf("a€b"))).toEqual(["a", "", "", "€", "b", ""]);
  });

  it("gives in the end what decoding all tokens at once gives, for any text", () => {
    for (let seed = 0; seed < 50; seed++) {
      const stream = randomStream({ root: seed, purpose: "text" });
      const pieces = ["a", "é", "€", "🙂", " ", "\n", "zz"];
      const text = Array.from({ length: 40 }, () => pieces[stream.integer(pieces.length)]).join("");
      expect(streamed(bytesOf(text)).join(""), `seed ${seed}`).toBe(text);
    }
  });

  it("keeps the spaces of a decoder that drops the one at the beginning", () => {
    const words = [" two", " and", " two"];
    const decode = (ids: readonly number[]): string =>
      ids
        .map((id) => words[id])
        .join("")
        .replace(/^ /, "");
    expect(streamed([0, 1, 2], [], decode).join("")).toBe("two and two");
  });

  it("does not wait for ever on bytes that are no character", () => {
    const parts = streamed([...Array<number>(40).fill(0xff), 0x61]);
    expect(parts.join("")).toBe(`${"\ufffd".repeat(40)}a`);
    expect(parts.slice(0, 20).join("")).not.toBe("");
  });

  it("ends before the stop text that comes first, though both come with one token", () => {
    const stream = new TextStream((ids) => "so it is. END of it".repeat(ids.length), [" of", "END"]);
    expect(stream.push(0)).toBe("so it is. ");
    expect([stream.stopped, stream.stopText, stream.push(0), stream.end()]).toEqual([true, "END", "", ""]);
  });

  it("never gives a part of a stop text, which may come in pieces, and gives it back when it is none after all", () => {
    expect(streamed(bytesOf("1, 2, STOP 3"), ["STOP"]).join("")).toBe("1, 2, ");
    const parts = streamed(bytesOf("a STORY"), ["STOP"]);
    expect(parts).toEqual(["a", " ", "", "", "", "STOR", "Y", ""]);
    expect(streamed(bytesOf("x ST"), ["STOP"]).at(-1)).toBe("ST");
  });
});
