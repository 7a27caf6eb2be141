// Talking to an experiment tracker: JSON over HTTP, credentials never in the clear, every refusal told in the tracker's own words.

import { SwarrError, messageOf } from "../base/errors.ts";

export interface TrackerCall {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly body?: unknown;
  /** the Authorization header; null sends none */
  readonly authorization: string | null;
}

export interface TrackerReply {
  readonly status: number;
  readonly body: unknown;
}

const TRIES = 3;
const FIRST_WAIT_MS = 300;

/**
 * Sends one call; an overloaded or restarting tracker (429, 502, 503, 504) or a broken connection is asked again twice.
 *
 * @returns the reply, refusals included: what a 404 means is the caller's to say
 * @throws `NETWORK` when nobody answers; `BAD_ARGUMENT` when a credential would travel unencrypted to another machine
 */
export async function callTracker(call: TrackerCall): Promise<TrackerReply> {
  requireSafeTransport(call);
  for (let attempt = 1; ; attempt++) {
    try {
      const reply = await sendOnce(call);
      if (attempt === TRIES || ![429, 502, 503, 504].includes(reply.status)) return reply;
    } catch (cause) {
      if (attempt === TRIES) throw unreachable(call, cause);
    }
    await new Promise((resolve) => setTimeout(resolve, FIRST_WAIT_MS * 2 ** (attempt - 1)));
  }
}

/** @throws `NETWORK` quoting the tracker when it refused */
export function requireOk(reply: TrackerReply, call: TrackerCall): unknown {
  if (reply.status >= 200 && reply.status < 300) return reply.body;
  throw new SwarrError("NETWORK", {
    what: `${call.url} answered ${reply.status}: ${JSON.stringify(reply.body).slice(0, 300)}.`,
    expected: "the tracker to take it.",
    fix:
      reply.status === 401 || reply.status === 403 ? "Check the key in the environment." : "See the tracker's own log.",
  });
}

async function sendOnce(call: TrackerCall): Promise<TrackerReply> {
  const response = await fetch(call.url, {
    method: call.method,
    headers: {
      ...(call.body === undefined ? {} : { "Content-Type": "application/json" }),
      ...(call.authorization === null ? {} : { Authorization: call.authorization }),
    },
    ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
    // A redirect could carry the credential elsewhere.
    redirect: "error",
    signal: AbortSignal.timeout(30_000),
  });
  const text = await response.text();
  try {
    return { status: response.status, body: text === "" ? null : (JSON.parse(text) as unknown) };
  } catch {
    return { status: response.status, body: text };
  }
}

function requireSafeTransport({ url, authorization }: TrackerCall): void {
  const { protocol, hostname } = new URL(url);
  const loopback = ["127.0.0.1", "localhost", "[::1]"].includes(hostname);
  if (authorization === null || protocol === "https:" || loopback) return;
  throw new SwarrError("BAD_ARGUMENT", {
    what: `${protocol}//${hostname} would get the key unencrypted.`,
    expected: "https, or a tracker on this machine.",
    fix: "Use the tracker's https address.",
  });
}

function unreachable({ url }: TrackerCall, cause: unknown): SwarrError {
  const why = cause instanceof Error && cause.cause !== undefined ? messageOf(cause.cause) : messageOf(cause);
  return new SwarrError(
    "NETWORK",
    {
      what: `${url} cannot be reached after ${TRIES} tries: ${why}.`,
      expected: "a tracker that answers.",
      fix: "Check the address and that the tracker runs; nothing of the run is lost, send it again.",
    },
    { cause },
  );
}
