// What the hub and the network refuse, as errors a person can act on.

import { HubApiError } from "@huggingface/hub";
import { SwarrError, messageOf } from "../base/errors.ts";
import type { HubName, HubSettings } from "./hub-cache.ts";

const DIRECTIONS = {
  read: {
    verb: "Cannot get",
    expected: "a model that exists and that you may read.",
    refused: "Check the name and the revision; for a private or gated model accept its terms and set HF_TOKEN.",
    broken: "Try again: what has arrived is kept. With HF_HUB_OFFLINE=1 only the cache is used.",
  },
  write: {
    verb: "Cannot upload",
    expected: "a place that you may write to.",
    refused: "Check the name, and that HF_TOKEN may write there.",
    broken: "Try again: what the hub has already is not sent twice.",
  },
} as const;

/** Runs the work; what goes wrong on the way to or from the hub becomes one sentence with its remedy. */
export async function asNetworkError<Result>(
  name: HubName,
  settings: HubSettings,
  direction: keyof typeof DIRECTIONS,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof SwarrError) throw cause;
    const status = cause instanceof HubApiError ? cause.statusCode : null;
    const { verb, expected, refused, broken } = DIRECTIONS[direction];
    const reason = status === null ? messageOf(rootOf(cause)) : `status ${status}`;
    throw new SwarrError(
      "NETWORK",
      {
        what: `${verb} ${name.repository} at ${name.revision} (${settings.endpoint}): ${reason}.`,
        expected,
        fix: status === 401 || status === 403 || status === 404 ? refused : broken,
      },
      { cause },
    );
  }
}

/** `fetch failed` says nothing; the error behind it names host and reason. */
function rootOf(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? rootOf(error.cause) : error;
}
