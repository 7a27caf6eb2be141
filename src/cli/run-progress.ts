// What a person sees of a run while it runs: a line a finished stage, and one live line over the stages under way.

import type { Evaluation, RunEvent, StageEnd } from "../run/events.ts";
import { clock, type ProgressStream } from "./progress.ts";

interface Cell {
  readonly name: string;
  readonly steps: number;
  readonly first: number;
  readonly startMs: number;
  done: number;
  facts: string;
}

export interface RunProgress {
  onEvent(event: RunEvent): void;
  /** clears the live line */
  end(): void;
}

const LIVE_EVERY_MS = 150;
const PLAIN_EVERY_MS = 15_000;

export function createRunProgress(
  stream: ProgressStream = process.stderr,
  nowMs = (): number => performance.now(),
): RunProgress {
  const live = stream.isTTY === true;
  const cells = new Map<string, Cell>();
  const startMs = nowMs();
  let shownMs = startMs;
  const lasting = (text: string): void => {
    stream.write(live ? `\r\x1b[K${text}\n` : `${text}\n`);
  };
  const show = (): void => {
    const now = nowMs();
    if (cells.size === 0 || now - shownMs < (live ? LIVE_EVERY_MS : PLAIN_EVERY_MS)) return;
    shownMs = now;
    const parts = [...cells.values()].map((cell) => cellText(cell, now));
    const line = `${clock((now - startMs) / 1000)}  ${parts.join("  |  ")}`;
    stream.write(live ? `\r\x1b[K${line.slice(0, (stream.columns ?? 120) - 1)}` : `${line}\n`);
  };
  return {
    onEvent(event) {
      const name = `${event.arm ?? ""} ${event.stage ?? ""}`;
      switch (event.type) {
        case "stage-start": {
          const first = event.step ?? 0;
          cells.set(name, { name, steps: event.steps, first, startMs: nowMs(), done: first, facts: "" });
          if (event.resumed) lasting(`${name}: going on after step ${first}`);
          break;
        }
        case "sft-step":
          step(cells, name, event.step, `loss ${event.lossNatsPerToken.toFixed(3)}`);
          break;
        case "rl-step":
          step(cells, name, event.step, `reward ${event.rewardMean.toFixed(2)} length ${event.meanLength.toFixed(0)}`);
          break;
        case "stage-end":
          cells.delete(name);
          lasting(endText(name, event));
          break;
        case "evaluation":
          lasting(evaluationText(name, event));
          break;
        case "notice":
          lasting(`${event.level === "warning" ? "Warning" : "Note"} (${name.trim()}): ${event.message}`);
          break;
        default:
      }
      show();
    },
    end() {
      if (live) stream.write("\r\x1b[K");
    },
  };
}

function step(cells: Map<string, Cell>, name: string, done: number | null, facts: string): void {
  const cell = cells.get(name);
  if (cell === undefined || done === null) return;
  cell.done = done;
  cell.facts = facts;
}

function cellText({ name, steps, first, done, startMs, facts }: Cell, now: number): string {
  const perStep = done > first ? (now - startMs) / (done - first) : null;
  const rate =
    perStep === null
      ? ""
      : ` ${perStep < 1000 ? `${(1000 / perStep).toFixed(1)}/s` : `${(perStep / 1000).toFixed(1)} s each`}`;
  const eta = perStep === null ? "" : ` ETA ${clock(((steps - done) * perStep) / 1000)}`;
  return `${name} ${done}/${steps}${rate}${eta} ${facts}`;
}

function endText(name: string, { step: steps, seconds, tokensTrained, tokensSampled }: StageEnd): string {
  const sampled = tokensSampled > 0 ? `, ${thousands(tokensSampled)} tokens sampled` : "";
  return `${name}: ${steps ?? 0} steps in ${clock(seconds)}, ${thousands(tokensTrained)} tokens trained${sampled}`;
}

function evaluationText(name: string, { mode, accuracy, ci95: [low, high], n }: Evaluation): string {
  const percent = (share: number): string => (100 * share).toFixed(1);
  return `${name}: ${percent(accuracy)} % right ${mode} [${percent(low)}, ${percent(high)}], ${n} problems`;
}

function thousands(count: number): string {
  return count.toLocaleString("en-US");
}
