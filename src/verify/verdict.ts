// What the verifier says about one response, always with its reason.

/** Why no answer could be read from a response, or none could be judged. */
export type UnreadableReason =
  "no-answer" | "empty-box" | "cut-off" | "thinking-only" | "too-long" | "too-deep" | "refused" | "no-gold";

interface Judged {
  /** the final answer as it stands in the response, cut to a readable length; null when none was found */
  readonly answer: string | null;
  /** one short phrase for a log line */
  readonly reason: string;
  readonly milliseconds: number;
}

export interface RightVerdict extends Judged {
  readonly kind: "right";
  readonly answer: string;
}

export interface WrongVerdict extends Judged {
  readonly kind: "wrong";
  readonly answer: string;
  /** the answer that would have been right, as read from the gold text */
  readonly wanted: string;
}

export interface UnreadableVerdict extends Judged {
  readonly kind: "unreadable";
  readonly why: UnreadableReason;
}

/** The judgement did not end within the deadline, or used up its memory; the worker was stopped. */
export interface TimeoutVerdict extends Judged {
  readonly kind: "timeout";
}

export type Verdict = RightVerdict | WrongVerdict | UnreadableVerdict | TimeoutVerdict;

/** A verdict before anyone knows how long it took. */
export type Judgement =
  | Omit<RightVerdict, "milliseconds">
  | Omit<WrongVerdict, "milliseconds">
  | Omit<UnreadableVerdict, "milliseconds">
  | Omit<TimeoutVerdict, "milliseconds">;

const SHOWN_CHARACTERS = 400;

/** Cuts a long answer for printing; the judgement itself is made on the whole. */
export function shown(answer: string): string {
  return answer.length <= SHOWN_CHARACTERS ? answer : `${answer.slice(0, SHOWN_CHARACTERS)}…`;
}

export function unreadable(
  why: UnreadableReason,
  reason: string,
  answer: string | null,
): Omit<UnreadableVerdict, "milliseconds"> {
  return { kind: "unreadable", why, reason, answer: answer === null ? null : shown(answer) };
}
