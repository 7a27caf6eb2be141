// The jobs of one run, from the base checkpoints to the figures: which is due, on how many threads, and what they said.

import fs from "node:fs";
import { messageOf, SwarrError } from "../base/errors.ts";
import { invariant } from "../base/invariant.ts";
import type { EventLog } from "../run/event-log.ts";
import type { RunEvent, StageName } from "../run/events.ts";
import type { RunPaths } from "../run/folder.ts";
import type { RunResults } from "../run/results.ts";
import { drawModel, drawnModel, makeBases } from "./base-models.ts";
import { runInProcess } from "./job-process.ts";
import { jobName, matchedSteps, planJobs, type PlannedJob } from "./plan.ts";
import type { SettledRecipe } from "./recipe.ts";
import { resultsOf } from "./results.ts";

interface RunParts {
  readonly recipe: SettledRecipe;
  readonly recipeHash: string;
  readonly paths: RunPaths;
  readonly log: EventLog;
  readonly signal: AbortSignal;
  /** of the attempts before this one */
  readonly earlier: readonly RunEvent[];
}

/** One attempt at a run: what is done already is not done again. */
export class RunAttempt {
  readonly #recipe: SettledRecipe;
  readonly #recipeHash: string;
  readonly #paths: RunPaths;
  readonly #log: EventLog;
  readonly #events: RunEvent[];
  readonly #started = performance.now();
  /** stops the other arm when one fails, and both on Ctrl-C */
  readonly #stopping = new AbortController();

  constructor({ recipe, recipeHash, paths, log, signal, earlier }: RunParts) {
    this.#recipe = recipe;
    this.#recipeHash = recipeHash;
    this.#paths = paths;
    this.#log = log;
    this.#events = [...earlier];
    const stop = (): void => this.#stopping.abort(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  }

  async all(): Promise<void> {
    const source = await this.#pretrained();
    await makeBases(this.#recipe, this.#paths, source);
    const waiting = [...planJobs(this.#recipe)].filter((job) => !this.#isDone(job));
    await this.#runJobs(waiting);
  }

  /** The model to convert: the recipe's folder, or the drawn model after its pretraining. */
  async #pretrained(): Promise<string> {
    if (typeof this.#recipe.model === "string") return this.#recipe.model;
    await drawModel(this.#recipe, this.#paths);
    if (this.#recipe.pretrain === null) return drawnModel(this.#paths);
    const base = this.#paths.checkpoint("sa", "base");
    if (!fs.existsSync(base)) await this.#run({ arm: "sa", stage: "pretrain", after: [], alone: true });
    return base;
  }

  /** Starts every job whose predecessors are done, as long as there are threads for it. */
  async #runJobs(jobs: readonly PlannedJob[]): Promise<void> {
    const waiting = new Set(jobs);
    const running = new Map<PlannedJob, Promise<PlannedJob>>();
    const isOpen = (name: string): boolean => [...waiting, ...running.keys()].some((job) => jobName(job) === name);
    const free = (): number =>
      [...running.keys()].reduce((left, job) => left - this.#threadsFor(job), this.#recipe.threads);
    try {
      while (waiting.size + running.size > 0) {
        for (const job of [...waiting]) {
          if (job.after.some(isOpen) || this.#threadsFor(job) > free()) continue;
          waiting.delete(job);
          running.set(
            job,
            this.#run(job).then(() => job),
          );
        }
        invariant(running.size > 0, "some job can always run");
        running.delete(await Promise.race(running.values()));
      }
    } catch (thrown) {
      this.#stopping.abort(new SwarrError("INTERRUPTED", stoppedByTheOther(thrown)));
      await Promise.allSettled(running.values());
      throw thrown;
    }
  }

  #threadsFor({ alone }: PlannedJob): number {
    const { threads, arms } = this.#recipe;
    return alone ? threads : Math.max(1, Math.floor(threads / arms.length));
  }

  async #run(job: PlannedJob): Promise<void> {
    const { arm, stage } = job;
    const threads = this.#threadsFor(job);
    const steps = stage === "more-sft" ? this.#moreSftSteps() : null;
    const [recipe, recipeHash, { folder }] = [this.#recipe, this.#recipeHash, this.#paths];
    const whole = { recipe, recipeHash, folder, arm, stage, threads, steps };
    await runInProcess(whole, {
      onEvent: (event) => this.#record(event),
      onSampled: () => {},
      signal: this.#stopping.signal,
    });
  }

  #record(event: Parameters<EventLog["append"]>[0]): void {
    this.#log.append(event);
    this.#events.push({ ...event, time: "" });
  }

  #isDone({ arm, stage }: PlannedJob): boolean {
    const evaluated = this.#recipe.eval.modes.every((mode) =>
      this.#events.some(
        (event) => event.type === "evaluation" && event.arm === arm && event.stage === stage && event.mode === mode,
      ),
    );
    return evaluated && fs.existsSync(this.#paths.finalRollouts(arm, stage));
  }

  #moreSftSteps(): number {
    const { moreSft, sft } = this.#recipe;
    invariant(moreSft !== null && sft !== null, "the control has steps of its own or matches the RL stage");
    if (moreSft.steps !== "match-rl") return moreSft.steps;
    const flopsOf = (stage: StageName): number => {
      const end = this.#events.findLast(
        (event) => event.type === "stage-end" && event.arm === "swa" && event.stage === stage,
      );
      invariant(end?.type === "stage-end", `the ${stage} stage has ended before the control starts`);
      return end.flops;
    };
    return matchedSteps(flopsOf("rl"), { flops: flopsOf("sft"), steps: sft.steps });
  }

  /** Seconds of earlier attempts and of this one. */
  #seconds(): number {
    const earlier = this.#events.reduce((total, event) => total + (event.type === "run-end" ? event.seconds : 0), 0);
    return earlier + this.#secondsNow();
  }

  #secondsNow(): number {
    return (performance.now() - this.#started) / 1000;
  }

  results(): RunResults {
    return resultsOf(this.#recipe, this.#events, this.#seconds());
  }

  end(outcome: "finished" | "interrupted" | "failed", message: string | null): void {
    this.#record({
      type: "run-end",
      arm: null,
      stage: null,
      step: null,
      outcome,
      message,
      seconds: this.#secondsNow(),
    });
  }
}

function stoppedByTheOther(thrown: unknown): { what: string; expected: string; fix: string } {
  return {
    what: `Stopped because another part of the run failed: ${messageOf(thrown)}`,
    expected: "every part to go through.",
    fix: "Mend that, then go on with --resume.",
  };
}
