// The one batch behind the server: sequences join it while it is decoded, and leave it when they end or nobody listens.

import type { DrawnToken, Sampler, SampleRequest } from "../generate/sampler.ts";
import { Refusal } from "./http.ts";

export interface SequenceJob {
  readonly request: SampleRequest;
  /** @returns true when this token is the last */
  onToken(token: DrawnToken): boolean;
  /** nobody wants the rest */
  readonly cancelled: () => boolean;
}

interface Waiting {
  readonly job: SequenceJob;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
  /** tokens its watcher has got */
  heard: number;
  ended: boolean;
}

/** A call of the sampler keeps what it has sampled; after this many sequences a new call begins. */
const PER_CALL = 4096;

export class SequenceQueue {
  readonly #sampler: Sampler;
  readonly #most: number;
  readonly #stopping = new AbortController();
  readonly #waiting: Waiting[] = [];
  #running: Promise<void> | null = null;

  /** @param most  sequences that may wait */
  constructor(sampler: Sampler, most: number) {
    this.#sampler = sampler;
    this.#most = most;
  }

  /** @throws `Refusal` when so many more cannot wait */
  requireRoom(count: number): void {
    if (this.#stopping.signal.aborted) throw new Refusal(503, "The server is stopping.");
    if (this.#waiting.length + count > this.#most) {
      throw new Refusal(429, `${this.#waiting.length} responses are waiting already; try again later.`);
    }
  }

  /** Resolves when the sequence has ended: by its watcher, by its length, or because it was cancelled. */
  run(job: SequenceJob): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ job, resolve, reject, heard: 0, ended: false });
      this.#running ??= this.#decodeAll();
    });
  }

  /** Ends everything with a refusal and releases the sampler. */
  async close(): Promise<void> {
    this.#stopping.abort(new Refusal(503, "The server is stopping."));
    await this.#running;
    await this.#sampler.dispose();
  }

  async #decodeAll(): Promise<void> {
    // What is asked for in the same turn starts together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) await this.#decodeSome();
    this.#running = null;
  }

  async #decodeSome(): Promise<void> {
    const taken: Waiting[] = [];
    const take = (): readonly SampleRequest[] => {
      const next = this.#waiting.splice(0, PER_CALL - taken.length);
      const wanted = next.filter(({ job, resolve }) => {
        if (!job.cancelled()) return true;
        resolve();
        return false;
      });
      taken.push(...wanted);
      return wanted.map(({ job }) => job.request);
    };
    if (take().length === 0) return;
    try {
      await this.#decode(taken, take);
    } catch (reason) {
      await this.#apart(taken, reason);
    }
  }

  /** @param taken  grows as `more` is asked */
  async #decode(taken: readonly Waiting[], more: () => readonly SampleRequest[]): Promise<void> {
    const requests = taken.map(({ job }) => job.request);
    const drawn = taken.map(() => 0);
    await this.#sampler.sample(requests, {
      endIds: [],
      more,
      onToken: (index, token) => {
        const waiting = taken[index]!;
        if (waiting.job.cancelled()) return true;
        const position = drawn[index] ?? 0;
        drawn[index] = position + 1;
        // Drawn a second time: its watcher has it already.
        if (position < waiting.heard) return false;
        waiting.heard += 1;
        try {
          return waiting.job.onToken(token);
        } catch (reason) {
          waiting.reject(reason);
          return true;
        }
      },
      onFinished: (index) => {
        taken[index]!.ended = true;
        taken[index]!.resolve();
      },
      signal: this.#stopping.signal,
    });
  }

  /**
   * After a failure, which may be one sequence's own (a prompt too long for the memory there is): each that has not ended is
   * drawn again alone, to the same tokens, so that only those at fault hear of it.
   */
  async #apart(taken: readonly Waiting[], reason: unknown): Promise<void> {
    const open = taken.filter(({ ended }) => !ended);
    for (const waiting of open) {
      if (open.length === 1) waiting.reject(reason);
      else await this.#decode([waiting], () => []).catch(waiting.reject);
    }
    const { signal } = this.#stopping;
    if (signal.aborted) for (const { reject } of this.#waiting.splice(0)) reject(signal.reason);
  }
}
