// The page's side of the wire: questions to the server, and news of runs that changed.

import { useEffect, useRef, useState } from "preact/hooks";
import type { RunDetail, RunSummary, StageColumns } from "../api.ts";
import { joinColumns } from "./series.ts";

/** @throws with the server's own sentence */
export async function ask<Answer>(
  route: string,
  query: Readonly<Record<string, string | number | null>> = {},
): Promise<Answer> {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== null) parameters.set(name, String(value));
  const response = await fetch(`/api/${route}?${parameters}`);
  const body = (await response.json()) as unknown;
  if (!response.ok)
    throw new Error((body as { readonly error?: string }).error ?? `The server answered ${response.status}.`);
  return body as Answer;
}

type Listener = (changed: readonly string[]) => void;
const listeners = new Set<Listener>();
const connection = { live: false, watchers: new Set<(live: boolean) => void>() };

/** Opens the stream of news; the browser reconnects by itself, and every reconnection counts as "all may have changed". */
export function openNews(): void {
  const source = new EventSource("/api/news");
  const setLive = (live: boolean): void => {
    connection.live = live;
    for (const watcher of connection.watchers) watcher(live);
  };
  source.onopen = () => {
    setLive(true);
    for (const listener of listeners) listener([]);
  };
  source.onerror = () => setLive(false);
  source.onmessage = (message: MessageEvent<string>) => {
    const changed = JSON.parse(message.data) as readonly string[];
    if (changed.length > 0) for (const listener of listeners) listener(changed);
  };
}

export function useLive(): boolean {
  const [live, setLive] = useState(connection.live);
  useEffect(() => {
    connection.watchers.add(setLive);
    return () => void connection.watchers.delete(setLive);
  }, []);
  return live;
}

export interface Loaded<Value> {
  readonly value: Value | null;
  readonly error: string | null;
  readonly reload: () => void;
}

interface Kept<Value> {
  readonly key: string;
  readonly value: Value | null;
  readonly error: string | null;
}

/**
 * Loads now, when `key` changes, and again at news of one of the runs (of any run when none is named). News that arrive during a
 * load lead to one more load after it.
 */
export function useLoaded<Value>(key: string, runs: readonly string[], load: () => Promise<Value>): Loaded<Value> {
  const [loaded, setLoaded] = useState<Kept<Value>>({ key, value: null, error: null });
  const reload = useRef(() => {});
  useEffect(() => {
    let wanted = true;
    let busy = false;
    let again = false;
    const run = async (): Promise<void> => {
      if (busy) {
        again = true;
        return;
      }
      busy = true;
      try {
        const value = await load();
        if (wanted) setLoaded({ key, value, error: null });
      } catch (thrown) {
        if (wanted)
          setLoaded((old) => ({ ...old, key, error: thrown instanceof Error ? thrown.message : String(thrown) }));
      }
      busy = false;
      if (again && wanted) {
        again = false;
        void run();
      }
    };
    const listener: Listener = (changed) => {
      if (runs.length === 0 || changed.length === 0 || changed.some((id) => runs.includes(id))) void run();
    };
    reload.current = () => void run();
    void run();
    listeners.add(listener);
    return () => {
      wanted = false;
      listeners.delete(listener);
    };
  }, [key]);
  const { value, error } = loaded.key === key ? loaded : { value: null, error: null };
  return { value, error, reload: () => reload.current() };
}

export const useRuns = (): Loaded<readonly RunSummary[]> =>
  useLoaded("runs", [], () => ask<readonly RunSummary[]>("runs"));

export const useRun = (id: string): Loaded<RunDetail> =>
  useLoaded(`run ${id}`, [id], () => ask<RunDetail>("run", { run: id }));

const stepsKnown = new Map<string, readonly StageColumns[]>();

/** The steps of several runs; only what is new travels. */
export function useSteps(ids: readonly string[]): Loaded<ReadonlyMap<string, readonly StageColumns[]>> {
  return useLoaded(`steps ${ids.join("\n")}`, ids, async () => {
    await Promise.all(ids.map(loadSteps));
    return new Map(ids.map((id) => [id, stepsKnown.get(id) ?? []]));
  });
}

async function loadSteps(id: string): Promise<void> {
  const have = stepsKnown.get(id) ?? [];
  const known = have
    .map((stage) => [stage.arm ?? "", stage.stage, stage.revision, stage.step.at(-1) ?? 0].join(","))
    .join(";");
  const news = await ask<readonly StageColumns[]>("steps", { run: id, known });
  const joined = news.map((stage) =>
    joinColumns(
      have.find((old) => old.arm === stage.arm && old.stage === stage.stage),
      stage,
    ),
  );
  stepsKnown.set(id, joined);
}
