// Which view is shown: kept in the address after "#", so that a view can be bookmarked and the back button works.

import { useEffect, useState } from "preact/hooks";

export const VIEWS = ["overview", "curves", "rollouts", "mismatch", "recipe"] as const;
export type View = (typeof VIEWS)[number];
export const VIEW_NAMES: Readonly<Record<View, string>> = {
  overview: "Overview",
  curves: "Curves",
  rollouts: "Rollouts",
  mismatch: "Mismatch",
  recipe: "Recipe",
};

export type Route = { readonly kind: "runs" } | { readonly kind: "run"; readonly run: string; readonly view: View };

export function routeOf(hash: string): Route {
  const [, first, run, view] = hash.split("/");
  if (first !== "run" || run === undefined) return { kind: "runs" };
  return { kind: "run", run: decodeURIComponent(run), view: VIEWS.find((name) => name === view) ?? "overview" };
}

export function linkTo(run: string, view: View): string {
  return `#/run/${encodeURIComponent(run)}/${view}`;
}

export function useRoute(): Route {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const follow = (): void => setHash(location.hash);
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  return routeOf(hash);
}
