// The frame of the page: header, tabs of a run, and the view that the address asks for.

import { useEffect, useState } from "preact/hooks";
import type { RunDetail, RunSummary } from "../api.ts";
import { useLive, useRun, useRuns } from "./client.ts";
import { StateBadge } from "./parts.tsx";
import { VIEWS, VIEW_NAMES, linkTo, useRoute, type View } from "./route.ts";
import { setTheme, storedTheme, type Theme } from "./theme.ts";
import { CurvesView } from "./view-curves.tsx";
import { MismatchView } from "./view-mismatch.tsx";
import { OverviewView } from "./view-overview.tsx";
import { RecipeView } from "./view-recipe.tsx";
import { RolloutsView } from "./view-rollouts.tsx";
import { RunsView } from "./view-runs.tsx";

export function App() {
  const route = useRoute();
  const runs = useRuns();
  useEffect(() => {
    document.title = route.kind === "run" ? `${VIEW_NAMES[route.view]}, ${route.run}: swarr` : "Runs: swarr";
  });
  return (
    <>
      <a class="skip" href="#main" onClick={focusMain}>
        Skip to the content
      </a>
      <header class="bar">
        <a class="wordmark" href="#/">
          swarr
        </a>
        <LiveMark />
        <ThemeChoice />
      </header>
      <main id="main" tabIndex={-1}>
        {runs.error !== null && <p class="problem">{runs.error}</p>}
        {route.kind === "runs" ? (
          <RunsView runs={runs.value} />
        ) : (
          <RunFrame key={route.run} id={route.run} view={route.view} runs={runs.value ?? []} />
        )}
      </main>
    </>
  );
}

function RunFrame({
  id,
  view,
  runs,
}: {
  readonly id: string;
  readonly view: View;
  readonly runs: readonly RunSummary[];
}) {
  const { value: detail, error } = useRun(id);
  return (
    <>
      <div class="run-head">
        <h1>{detail?.summary.name ?? id}</h1>
        {detail !== null && <StateBadge state={detail.summary.state} />}
      </div>
      <nav class="tabs" aria-label="Views of the run">
        {VIEWS.map((name) => (
          <a key={name} href={linkTo(id, name)} aria-current={name === view ? "page" : undefined}>
            {VIEW_NAMES[name]}
          </a>
        ))}
      </nav>
      {error !== null && <p class="problem">{error}</p>}
      {detail !== null && <RunView detail={detail} view={view} runs={runs} />}
    </>
  );
}

function RunView({
  detail,
  view,
  runs,
}: {
  readonly detail: RunDetail;
  readonly view: View;
  readonly runs: readonly RunSummary[];
}) {
  switch (view) {
    case "overview":
      return <OverviewView detail={detail} />;
    case "curves":
      return <CurvesView run={detail.summary} runs={runs} />;
    case "rollouts":
      return <RolloutsView detail={detail} />;
    case "mismatch":
      return <MismatchView detail={detail} />;
    case "recipe":
      return <RecipeView detail={detail} runs={runs} />;
    default:
      return view satisfies never;
  }
}

function LiveMark() {
  const live = useLive();
  return (
    <p class="live" role="status">
      <span class={live ? "dot on" : "dot"} aria-hidden="true" />
      {live ? "live" : "not connected"}
    </p>
  );
}

function ThemeChoice() {
  const [theme, setChoice] = useState<Theme>(storedTheme());
  const choose = (next: Theme): void => {
    setTheme(next);
    setChoice(next);
  };
  return (
    <label class="theme">
      <span class="unseen">Colours</span>
      <select value={theme} onChange={(event) => choose(event.currentTarget.value as Theme)}>
        <option value="system">system colours</option>
        <option value="light">light</option>
        <option value="dark">dark</option>
      </select>
    </label>
  );
}

/** The address holds the view, so a jump within the page must not change it. */
function focusMain(event: Event): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}
