// What data is inside swarr, whatever file it came from: problems to solve and conversations to learn from.

/** A problem with a known answer. */
export interface Problem {
  /** the file's own id, or the row's index from 0 as text */
  readonly id: string;
  readonly question: string;
  /** the final answer alone, as text or LaTeX: what a verifier compares with */
  readonly answer: string;
  /** a worked solution, where the file has one */
  readonly solution?: string;
  readonly level?: string;
  readonly subject?: string;
}

export const MESSAGE_ROLES = ["system", "user", "assistant", "tool"] as const;
export type MessageRole = (typeof MESSAGE_ROLES)[number];

export interface Message {
  readonly role: MessageRole;
  /** null where the message only calls tools */
  readonly content: string | null;
  /** more that a chat template may read: `reasoning_content`, `tool_calls`, `name` … */
  readonly [field: string]: unknown;
}

/** One training row; the loss is taken on the response, or on the assistant's messages. */
export type Conversation =
  | { readonly kind: "text"; readonly prompt: string; readonly response: string }
  | {
      readonly kind: "messages";
      readonly messages: readonly Message[];
      /** index of the first message that is learned from; those before are the prompt; default 0 */
      readonly learnFrom?: number;
    };
