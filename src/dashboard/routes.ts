// The read-only questions the page may ask, each a path with a query; answers are plain JSON.

import { SwarrError } from "../base/errors.ts";
import { quote } from "../base/json.ts";
import type { RolloutGroup } from "./api.ts";
import { discoverRuns } from "./discover.ts";
import { recipeDiff } from "./recipe-diff.ts";
import { rolloutIndex, type RolloutFilter, type RolloutIndex } from "./rollout-index.ts";
import { followRun, type FollowedRun, type KnownStage } from "./run-state.ts";

export interface Routes {
  /** Answers a path under /api/. @throws `FILE_MISSING` (404) or `BAD_ARGUMENT` (400) */
  answer(route: string, query: URLSearchParams): unknown;
  /** Looks at every run again; the ids of those that changed, and of new ones. */
  refresh(): readonly string[];
}

interface Known {
  readonly run: FollowedRun;
  readonly rollouts: RolloutIndex;
}

export function routes(root: string): Routes {
  const runs = new Map<string, Known>();

  const refresh = (): readonly string[] => {
    const found = discoverRuns(root);
    const changed = [...runs.keys()].filter((id) => !found.has(id));
    for (const id of changed) runs.delete(id);
    for (const [id, folder] of found) {
      const known = runs.get(id) ?? { run: followRun(id, folder), rollouts: rolloutIndex(folder) };
      const isNew = !runs.has(id);
      runs.set(id, known);
      if (known.run.refresh() || isNew) changed.push(id);
    }
    return changed;
  };
  const known = (query: URLSearchParams, name = "run"): Known => {
    const id = query.get(name) ?? "";
    const found = runs.get(id);
    if (found !== undefined) return found;
    throw new SwarrError("FILE_MISSING", {
      what: `There is no run ${quote(id)}.`,
      expected: "one of the runs under the dashboard's folder.",
      fix: "Go back to the list of runs.",
    });
  };

  const answers: Readonly<Record<string, (query: URLSearchParams) => unknown>> = {
    runs: () => [...runs.values()].map(({ run }) => run.summary()),
    run: (query) => known(query).run.detail(),
    steps: (query) => known(query).run.columns(knownStages(query.get("known"))),
    rollouts: (query) => known(query).rollouts.page(rolloutFilter(query)),
    group: async (query): Promise<RolloutGroup> => {
      const { run, rollouts } = known(query);
      const group = wholeNumber(query, "group", 0);
      const records = await rollouts.group(query.get("arm") ?? "", query.get("file") ?? "", group);
      return { records, window: run.summary().window };
    },
    diff: (query) => recipeDiff(known(query, "a").run.recipe(), known(query, "b").run.recipe()),
  };
  return {
    refresh,
    answer: (route, query) => {
      const found = Object.hasOwn(answers, route) ? answers[route] : undefined;
      if (found !== undefined) return found(query);
      throw new SwarrError("FILE_MISSING", {
        what: `There is no answer under /api/${route}.`,
        expected: `one of ${Object.keys(answers).join(", ")}.`,
        fix: "Reload the page.",
      });
    },
  };
}

/** `swa,sft,2,300;sa,rl,0,60`: arm, stage, revision, last step the page has. */
function knownStages(text: string | null): readonly KnownStage[] {
  if (text === null || text === "") return [];
  return text.split(";").map((part) => {
    const [arm = "", stage = "", revision = "", after = ""] = part.split(",");
    return { arm, stage, revision: Number(revision), after: Number(after) };
  });
}

const SORTS = ["order", "reward", "length", "distance"] as const;

function rolloutFilter(query: URLSearchParams): RolloutFilter {
  const beyond = query.get("beyond");
  return {
    arm: query.get("arm") ?? "swa",
    file: query.get("file") ?? "steps",
    verdict: query.get("verdict"),
    beyond: beyond === null ? null : beyond === "1",
    minReward: number(query, "minReward", -Infinity),
    maxReward: number(query, "maxReward", Infinity),
    minLength: number(query, "minLength", 0),
    maxLength: number(query, "maxLength", Infinity),
    sort: SORTS.find((name) => name === query.get("sort")) ?? "order",
    descending: query.get("descending") === "1",
    offset: wholeNumber(query, "offset", 0),
    limit: Math.min(200, wholeNumber(query, "limit", 50)),
  };
}

function number(query: URLSearchParams, name: string, otherwise: number): number {
  const text = query.get(name);
  if (text === null || text === "") return otherwise;
  const value = Number(text);
  if (!Number.isNaN(value)) return value;
  throw badQuery(name, text, "a number.");
}

function wholeNumber(query: URLSearchParams, name: string, otherwise: number): number {
  const value = number(query, name, otherwise);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw badQuery(name, query.get(name), "an integer of at least 0.");
}

function badQuery(name: string, text: string | null, expected: string): SwarrError {
  return new SwarrError("BAD_ARGUMENT", { what: `${name} is ${quote(text)}.`, expected, fix: "Correct the filter." });
}
