// Extraction: which part of a response is its answer.

import { describe, expect, it } from "vitest";
import { answerOfGold, answerOfResponse } from "./extract.ts";

function answer(response: string): string | null {
  const found = answerOfResponse(response);
  return found.kind === "found" ? found.answer : null;
}

function why(response: string): string | null {
  const found = answerOfResponse(response);
  return found.kind === "none" ? found.why : null;
}

describe("answerOfResponse", () => {
  it("takes the last box, wherever the earlier ones stand", () => {
    expect(answer("\\boxed{5}. Wait, it is \\boxed{7}.")).toBe("7");
  });

  it("never looks into reasoning, finished or not", () => {
    expect(answer("<think>\\boxed{42}</think> It is \\boxed{17}.")).toBe("17");
    expect(why("<think>\\boxed{42}</think>")).toBe("thinking-only");
    expect(why("<think>so it must be \\boxed{42}")).toBe("thinking-only");
    expect(answer("reasoning without its opening tag, \\boxed{1}</think>\\boxed{2}")).toBe("2");
  });

  it("says why there is none", () => {
    expect(why("The answer is 5. \\boxed{}")).toBe("empty-box");
    expect(why("\\boxed{\\frac{1}{2")).toBe("cut-off");
    expect(why("I do not know.")).toBe("no-answer");
    expect(why(`\\boxed{${"9".repeat(10_000)}}`)).toBe("too-long");
  });

  it("joins the boxes of one sentence and no others", () => {
    expect(answerOfResponse("\\boxed{1} papers and \\boxed{2} bins")).toMatchObject({ joined: "1 , 2", isList: false });
    expect(answerOfResponse("\\boxed{1}, \\boxed{2}")).toMatchObject({ joined: "1 , 2", isList: true });
    expect(answerOfResponse("\\boxed{1}. No: \\boxed{2}")).toMatchObject({ joined: null });
    expect(answerOfResponse("\\boxed{1}\n\\boxed{2}")).toMatchObject({ joined: null });
  });

  it("believes a final answer announced behind the last box", () => {
    expect(answer("a first part gives \\boxed{200}. Final Answer: The final answer is $10,455$.")).toBe("10,455");
    expect(answer("**Final Answer**\n\\boxed{3}")).toBe("3");
  });

  it("reads markers, announcements and the last sentence", () => {
    expect(answer("so 9 * 2 = 18\n#### 1,800")).toBe("1,800");
    expect(answer("She pays 3 a day\nA: 18")).toBe("18");
    expect(answer("The answer is (C).")).toBe("(C)");
    expect(answer("Thus $x <= 2$ is our answer.")).toBe("x <= 2");
    expect(answer("Hence Bob has 12 apples.")).toBe("12");
    expect(answer("<think>x</think><answer> 5 </answer>")).toBe("5");
  });

  it("does not pick one of several numbers, nor a number that is denied, bounded or quoted", () => {
    for (const text of [
      "It lies between 17 and 18 then.",
      "He needs at least 18.",
      "The answer is not 5.",
      "The reference answer is 5.",
    ]) {
      expect(answer(text)).toBeNull();
    }
  });

  it("ignores what a model writes as the next user's turn", () => {
    expect(answer("The probability is 2/3. <|im_start|>user \\boxed{1}")).toBe("2/3");
  });
});

describe("answerOfGold", () => {
  it("takes a text without marks as the answer, and the end of a worked solution", () => {
    expect(answerOfGold("\\text{The midpoints form a regular hexagon}")).toMatchObject({ from: "whole" });
    expect(answerOfGold("She makes 18.\n#### 18")).toMatchObject({ answer: "18" });
    expect(answerOfGold("so $n = \\boxed{1,-2}.$")).toMatchObject({ answer: "1,-2" });
    expect(answerOfGold("  ")).toMatchObject({ kind: "none" });
  });
});
