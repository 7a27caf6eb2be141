// The answers of the completions protocols as tests read them: every field that some answer has.

export interface ApiLogProbs {
  readonly tokens: readonly string[];
  readonly text_offset: readonly number[];
  /** null for the first token of an echoed prompt */
  readonly token_logprobs: readonly number[];
  readonly top_logprobs: readonly Readonly<Record<string, number>>[];
  readonly content: readonly {
    readonly token: string;
    readonly logprob: number;
    readonly top_logprobs: readonly object[];
  }[];
}

export interface ApiChoice {
  readonly index: number;
  readonly text: string;
  readonly message: { readonly role: string; readonly content: string };
  readonly delta: { readonly role?: string; readonly content?: string };
  readonly logprobs: ApiLogProbs;
  readonly finish_reason: "stop" | "length" | null;
  readonly stop_reason: string | number | null;
  readonly token_ids: readonly number[];
  readonly prompt_token_ids: readonly number[];
  readonly prompt_logprobs: readonly (Readonly<
    Record<string, { readonly logprob: number; readonly rank: number; readonly decoded_token: string }>
  > | null)[];
}

export interface ApiAnswer {
  readonly choices: readonly [ApiChoice, ...ApiChoice[]];
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number; readonly total_tokens: number };
  readonly error: { readonly message: string };
  readonly data: readonly object[];
}
