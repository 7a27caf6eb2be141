// The one error class a person meets, and the closed list of its codes.

/** Every code an error may carry; each has one line in docs/errors.md. */
export const ERROR_CODES = [
  "BAD_ARGUMENT",
  "BAD_CONFIG",
  "BAD_RECIPE",
  "BAD_JSON",
  "BAD_DATA",
  "BAD_CHECKPOINT",
  "BAD_SAFETENSORS",
  "BAD_TOKENIZER",
  "BAD_SNAPSHOT",
  "BAD_WINDOW",
  "BAD_REWARD",
  "FILE_MISSING",
  "FILE_EXISTS",
  "FILE_UNWRITABLE",
  "TENSOR_MISSING",
  "TENSOR_UNKNOWN",
  "NOT_FINITE",
  "UNSUPPORTED",
  "DEVICE_MISSING",
  "NETWORK",
  "CONTAMINATED",
  "PROBE_FAILED",
  "INTERRUPTED",
  "INTERNAL",
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

export interface ErrorParts {
  /** What happened, with the values; one sentence. */
  readonly what: string;
  /** What was expected instead; one sentence. */
  readonly expected: string;
  /** What to do about it; one sentence. */
  readonly fix: string;
}

/** A failure that a person can act on. Codes other than INTERNAL and INTERRUPTED mean exit status 2. */
export class SwarrError extends Error {
  readonly code: ErrorCode;
  readonly parts: ErrorParts;

  constructor(code: ErrorCode, parts: ErrorParts, options?: { readonly cause?: unknown }) {
    super(`${parts.what} Expected ${lowerFirst(parts.expected)} ${parts.fix} [${code}]`, options);
    this.name = "SwarrError";
    this.code = code;
    this.parts = parts;
  }
}

function lowerFirst(sentence: string): string {
  return /^(?:A |[A-Z][a-z])/.test(sentence) ? sentence.charAt(0).toLowerCase() + sentence.slice(1) : sentence;
}

/** The sentence of anything thrown, for use inside another message. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
