// Worker threads that judge comparisons, one at a time each, and are killed when they take too long; a spare stands by.

import { Worker } from "node:worker_threads";
import { builtNeighbour } from "../base/built-file.ts";
import { SwarrError } from "../base/errors.ts";
import type { Comparison } from "./judge.ts";
import { shown, type Judgement } from "./verdict.ts";
import type { Job, Report } from "./worker.ts";

export interface PoolOptions {
  /** threads that judge at the same time; one more is kept warm */
  readonly workers: number;
  /** for one comparison, from the moment a worker begins it */
  readonly deadlineMs: number;
}

export interface Pool {
  judge(comparison: Comparison): Promise<Judgement>;
  /** Ends every thread; comparisons still waiting are answered with a timeout. */
  close(): Promise<void>;
}

/** Beside the deadline, once in a worker's life: loading the algebra library takes 0.3 s, and over 1 s on a busy machine. */
const LOADING_MS = 1700;
/** A worker that loads longer may go on without its job, so that the next one finds the library there. */
const LATE_LOADING_MS = 30_000;
/** A judgement needs a few MB; what needs more is an attack. */
const LIMITS = { maxOldGenerationSizeMb: 192, maxYoungGenerationSizeMb: 32, stackSizeMb: 4 } as const;
/** A worker is replaced after so many jobs, so that whatever a library keeps cannot add up. */
const JOBS_PER_WORKER = 20_000;
const MAX_FAILED_STARTS = 3;
/** A thread's end is waited for so long. */
const ENDING_MS = 500;

interface Waiting {
  readonly comparison: Comparison;
  readonly settle: (judgement: Judgement) => void;
  readonly fail: (error: unknown) => void;
}

interface Member {
  readonly worker: Worker;
  ready: boolean;
  jobs: number;
  /** set while it goes on loading after its job was answered */
  late: NodeJS.Timeout | null;
  current: (Waiting & { readonly id: number; readonly startedMs: number; timer: NodeJS.Timeout }) | null;
}

export function createPool(options: PoolOptions): Pool {
  return new WorkerPool(options);
}

class WorkerPool implements Pool {
  readonly #options: PoolOptions;
  readonly #members = new Set<Member>();
  readonly #waiting: Waiting[] = [];
  #nextId = 0;
  #failedStarts = 0;
  #failure: SwarrError | null = null;
  #closed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    for (let i = 0; i <= options.workers; i++) this.#start();
  }

  judge(comparison: Comparison): Promise<Judgement> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    return new Promise((settle, fail) => {
      this.#waiting.push({ comparison, settle, fail });
      this.#dispatch();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    const members = [...this.#members];
    for (const member of members) {
      if (member.late !== null) clearTimeout(member.late);
      this.#release(member, timeoutOf(member.current?.comparison, "the verifier was closed"));
    }
    for (const waiting of this.#waiting.splice(0))
      waiting.settle(timeoutOf(waiting.comparison, "the verifier was closed"));
    await Promise.all(members.map((member) => ended(member.worker)));
  }

  #start(): void {
    // Flags of the parent (a test runner's, a debugger's) are not for the worker.
    const worker = new Worker(builtNeighbour(import.meta.url, "worker"), { resourceLimits: LIMITS, execArgv: [] });
    const member: Member = { worker, ready: false, jobs: 0, late: null, current: null };
    this.#members.add(member);
    worker.on("message", (report: Report) => this.#heard(member, report));
    worker.on("error", (error) => this.#lost(member, error));
    worker.on("exit", () => this.#lost(member, null));
    this.#holdProcess();
  }

  #dispatch(): void {
    const busy = [...this.#members].filter((member) => member.current !== null).length;
    let free = this.#options.workers - busy;
    for (const member of this.#members) {
      if (free <= 0 || this.#waiting.length === 0) break;
      if (!member.ready || member.current !== null) continue;
      this.#give(member, this.#waiting.shift() as Waiting);
      free -= 1;
    }
    this.#holdProcess();
  }

  #give(member: Member, waiting: Waiting): void {
    const id = this.#nextId++;
    member.jobs += 1;
    member.current = {
      ...waiting,
      id,
      startedMs: performance.now(),
      timer: this.#alarm(member, this.#options.deadlineMs),
    };
    const job: Job = { id, comparison: waiting.comparison };
    member.worker.postMessage(job);
  }

  #alarm(member: Member, ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#kill(member, `not judged within ${this.#options.deadlineMs} ms`), ms);
  }

  #heard(member: Member, report: Report): void {
    if (report.kind === "ready") {
      member.ready = true;
      this.#failedStarts = 0;
      return this.#dispatch();
    }
    const { current } = member;
    if (current === null || current.id !== report.id) return this.#heardLate(member, report);
    if (report.kind === "judged") {
      this.#release(member, report.judgement);
      if (member.jobs >= JOBS_PER_WORKER) this.#replace(member);
      return this.#dispatch();
    }
    // Loading stops the clock, within a limit of its own.
    const spentMs = performance.now() - current.startedMs;
    clearTimeout(current.timer);
    const leftMs = this.#options.deadlineMs + LOADING_MS - spentMs;
    current.timer =
      report.kind === "loaded" ? this.#alarm(member, leftMs) : setTimeout(() => this.#setAside(member), leftMs);
  }

  /** Answers the job of a worker that is still loading, and lets it load on, without a limit that a job waits for. */
  #setAside(member: Member): void {
    member.ready = false;
    member.late = setTimeout(() => this.#kill(member, ""), LATE_LOADING_MS).unref();
    this.#release(member, timeoutOf(member.current?.comparison, "the algebra library took too long to load"));
    this.#dispatch();
  }

  #heardLate(member: Member, report: Report): void {
    if (member.late === null) return;
    clearTimeout(member.late);
    member.late = report.kind === "judged" ? null : setTimeout(() => this.#kill(member, ""), this.#options.deadlineMs);
    if (report.kind !== "judged") return;
    member.ready = true;
    this.#dispatch();
  }

  #kill(member: Member, reason: string): void {
    this.#release(member, timeoutOf(member.current?.comparison, reason));
    this.#replace(member);
    this.#dispatch();
  }

  #replace(member: Member): void {
    this.#members.delete(member);
    if (member.late !== null) clearTimeout(member.late);
    void member.worker.terminate();
    if (!this.#closed) this.#start();
  }

  /** The worker died by itself: out of memory, or it could not start. */
  #lost(member: Member, error: Error | null): void {
    if (!this.#members.has(member)) return;
    this.#members.delete(member);
    this.#release(member, timeoutOf(member.current?.comparison, `the judgement was stopped: ${lossOf(error)}`));
    if (this.#closed) return;
    if (!member.ready && ++this.#failedStarts >= MAX_FAILED_STARTS) return this.#giveUp(error);
    this.#start();
    this.#dispatch();
  }

  #giveUp(cause: Error | null): void {
    this.#failure = new SwarrError(
      "INTERNAL",
      {
        what: `The verifier's worker thread cannot start: ${cause?.message ?? "it ended at once"}.`,
        expected: `${builtNeighbour(import.meta.url, "worker").pathname} to load.`,
        fix: "In a checkout, run `npm run build`; otherwise install swarr again.",
      },
      { cause },
    );
    for (const waiting of this.#waiting.splice(0)) waiting.fail(this.#failure);
  }

  #release(member: Member, judgement: Judgement): void {
    const { current } = member;
    if (current === null) return;
    clearTimeout(current.timer);
    member.current = null;
    current.settle(judgement);
  }

  /** Idle workers do not keep the process alive; one with work to do or to wait for does. */
  #holdProcess(): void {
    for (const member of this.#members) {
      if (member.current !== null || this.#waiting.length > 0) member.worker.ref();
      else member.worker.unref();
    }
  }
}

/**
 * Ends a thread. One that is ended while it still starts may neither hold the process nor report its end (Node 20): the
 * timer does the one, and stands in for the other.
 */
async function ended(worker: Worker): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(resolve, ENDING_MS);
    worker.terminate().then(() => {
      clearTimeout(timer);
      resolve();
    }, reject);
  });
}

function lossOf(error: Error | null): string {
  if (error === null) return "the thread ended";
  return "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY" ? "out of memory" : error.message;
}

function timeoutOf(comparison: Comparison | undefined, reason: string): Judgement {
  return { kind: "timeout", answer: comparison === undefined ? null : shown(comparison.answer), reason };
}
