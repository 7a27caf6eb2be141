// Progress on stderr: one live line on a terminal, plain lines at intervals in a log file.

export interface ProgressOptions {
  readonly label: string;
  /** of `unit`; null when nobody knows */
  readonly total: number | null;
  /** plural, such as "steps" */
  readonly unit: string;
  /** units already done before this start (a resumed run); they do not count into the rate */
  readonly done?: number;
  readonly stream?: ProgressStream;
  readonly nowMs?: () => number;
}

/** The part of a terminal that progress needs. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface Progress {
  /** `facts` are shown after the rate, in order: `{ loss: "1.23" }`. */
  update(done: number, facts?: Readonly<Record<string, string>>): void;
  /** Leaves one last plain line; further calls do nothing. */
  end(): void;
}

const LIVE_EVERY_MS = 100;
const PLAIN_EVERY_MS = 10_000;
/** The rate looks back this far, so that the ETA follows a change of pace. */
const RATE_WINDOW_MS = 30_000;

export function createProgress(options: ProgressOptions): Progress {
  const stream = options.stream ?? process.stderr;
  const nowMs = options.nowMs ?? (() => performance.now());
  const live = stream.isTTY === true;
  const startMs = nowMs();
  const history: { readonly atMs: number; readonly done: number }[] = [{ atMs: startMs, done: options.done ?? 0 }];
  let line = "";
  let shownMs = live ? -Infinity : startMs;
  let ended = false;
  const show = (): void => {
    stream.write(live ? `\r\x1b[K${line.slice(0, (stream.columns ?? 80) - 1)}` : `${line}\n`);
  };
  return {
    update(done, facts = {}) {
      if (ended) return;
      const atMs = nowMs();
      history.push({ atMs, done });
      while (history.length > 2 && atMs - history[1]!.atMs >= RATE_WINDOW_MS) history.shift();
      const first = history[0]!;
      const perSecond = atMs > first.atMs ? ((done - first.done) * 1000) / (atMs - first.atMs) : 0;
      line = progressLine(options, done, perSecond, (atMs - startMs) / 1000, facts);
      if (atMs - shownMs < (live ? LIVE_EVERY_MS : PLAIN_EVERY_MS)) return;
      shownMs = atMs;
      show();
    },
    end() {
      if (ended) return;
      ended = true;
      if (line === "") return;
      show();
      if (live) stream.write("\n");
    },
  };
}

function progressLine(
  options: ProgressOptions,
  done: number,
  perSecond: number,
  elapsedSeconds: number,
  facts: Readonly<Record<string, string>>,
): string {
  const { label, total, unit } = options;
  const parts = [total === null ? `${label}  ${done} ${unit}` : `${label}  ${done}/${total} ${unit}`];
  if (perSecond > 0) parts.push(ratePhrase(perSecond, unit));
  if (total !== null && done >= total) parts.push(`took ${clock(elapsedSeconds)}`);
  else if (total !== null && perSecond > 0) parts.push(`ETA ${clock((total - done) / perSecond)}`);
  for (const [name, value] of Object.entries(facts)) parts.push(`${name} ${value}`);
  return parts.join("  ");
}

function ratePhrase(perSecond: number, unit: string): string {
  if (perSecond >= 1) return `${perSecond < 10 ? perSecond.toFixed(1) : Math.round(perSecond)} ${unit}/s`;
  return `${(1 / perSecond).toFixed(1)} s each`;
}

/** Seconds as m:ss or h:mm:ss. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (n: number): string => String(n).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}:${two(whole % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`;
}
