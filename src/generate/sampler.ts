// What a sampler takes and gives; the engine behind it is decode.ts.

/** The least temperature above greedy: far below it, logits divided by it leave float32 and nothing can be drawn. */
export const LEAST_TEMPERATURE = 1e-6;

/** New tokens one request may ask for; more than any model has positions. */
export const MOST_NEW_TOKENS = 2 ** 24;

/** 0, which is greedy, or a finite number of at least `LEAST_TEMPERATURE`. */
export function isTemperature(value: number): boolean {
  return value === 0 || (Number.isFinite(value) && value >= LEAST_TEMPERATURE);
}

/** One request of a batch. */
export interface SampleRequest {
  readonly promptIds: readonly number[];
  /** at most this many new tokens, the end token included; 1 to `MOST_NEW_TOKENS` */
  readonly maxNewTokens: number;
  /** 0 is greedy; from `LEAST_TEMPERATURE` on it divides the logits */
  readonly temperature: number;
  /** nucleus: the smallest set of tokens whose probability reaches it; 1 keeps all */
  readonly topP: number;
  /** names this request's random stream: the same seed gives the same tokens in any batch */
  readonly seed: number;
  /** hand `onToken` the whole distribution each token was drawn from */
  readonly distribution?: boolean;
}

/** One token as it is drawn. */
export interface DrawnToken {
  readonly id: number;
  /** natural log of its probability at temperature 1 and top-p 1 */
  readonly logProb: number;
  /** natural log-probs of all V tokens where the request asks for them, else null; valid during the call only */
  readonly logProbs: Float32Array | null;
}

/** One sampled response with the log-probs it was drawn with. */
export interface SampledResponse {
  /** the new tokens, the end token included when drawn */
  readonly ids: Int32Array;
  /** natural log of each token's probability under the model at temperature 1 and top-p 1: what the trainer computes too */
  readonly logProbs: Float32Array;
  readonly finishReason: "stop" | "length";
}

export interface SampleOptions {
  /** a drawn token among these ends the response; empty: only the length does */
  readonly endIds: readonly number[];
  /** called once a request, as soon as its response is whole */
  readonly onFinished?: (index: number, response: SampledResponse) => void;
  /** called for every drawn token, in order within its request; `true` ends the response with this token, reason "stop" */
  readonly onToken?: (index: number, token: DrawnToken) => boolean;
  /** asked before every decoding step: requests that join the batch, numbered on from those there are */
  readonly more?: () => readonly SampleRequest[];
  /** called after every decoding step */
  readonly onStep?: (tokensSampled: number) => void;
  /** stops between steps */
  readonly signal?: AbortSignal;
}

export interface Sampler {
  /** @returns one response a request, in the order of the requests */
  sample(requests: readonly SampleRequest[], options: SampleOptions): Promise<readonly SampledResponse[]>;
  dispose(): Promise<void>;
}
