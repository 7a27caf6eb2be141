// Words of a command line that a person pastes.

import { describe, expect, it } from "vitest";
import { shellWord } from "./shell-word.ts";

describe("shellWord", () => {
  it("leaves plain words alone and quotes what a shell would take apart", () => {
    expect(["--out", "runs/a-1.yaml", "rl.steps=4"].map((word) => shellWord(word, false))).toEqual([
      "--out",
      "runs/a-1.yaml",
      "rl.steps=4",
    ]);
    expect(shellWord("my runs/$1", false)).toBe("'my runs/$1'");
    expect(shellWord("it's", false)).toBe("'it'\\''s'");
    expect(shellWord("C:\\runs\\a", true)).toBe("C:\\runs\\a");
    expect(shellWord("C:\\my runs", true)).toBe('"C:\\my runs"');
  });
});
