// What the run was told and what it ran on; and where its recipe differs from another run's.

import { useState } from "preact/hooks";
import { visibleControls } from "../../report/markup.ts";
import type { RecipeDiff, RunDetail, RunSummary } from "../api.ts";
import { ask, useLoaded } from "./client.ts";

export function RecipeView({ detail, runs }: { readonly detail: RunDetail; readonly runs: readonly RunSummary[] }) {
  const own = detail.summary.id;
  const others = runs.filter((run) => run.id !== own);
  const [other, setOther] = useState("");
  return (
    <>
      <section>
        <h2>Compare with another run</h2>
        {others.length === 0 ? (
          <p class="quiet">There is no other run in this folder.</p>
        ) : (
          <label>
            Other run{" "}
            <select value={other} onChange={(event) => setOther(event.currentTarget.value)}>
              <option value="">none</option>
              {others.map((run) => (
                <option key={run.id} value={run.id}>
                  {run.name}
                </option>
              ))}
            </select>
          </label>
        )}
        {other !== "" && <Difference a={own} b={other} />}
      </section>
      <section>
        <h2>Recipe</h2>
        <pre tabIndex={0}>
          {detail.recipeText === null ? "There is no recipe.yaml." : visibleControls(detail.recipeText)}
        </pre>
      </section>
      {detail.manifest.length > 0 && (
        <section>
          <h2>Environment</h2>
          <div class="scroll" tabIndex={0} role="region" aria-label="Environment">
            <table>
              <tbody>
                {detail.manifest.map(([name, value]) => (
                  <tr key={name}>
                    <th scope="row">{name}</th>
                    <td class="text">{visibleControls(value)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </section>
      )}
    </>
  );
}

function Difference({ a, b }: { readonly a: string; readonly b: string }) {
  const { value: diff, error } = useLoaded(`diff ${a}\n${b}`, [a, b], () => ask<RecipeDiff>("diff", { a, b }));
  if (error !== null) return <p class="problem">{error}</p>;
  if (diff === null) return null;
  if (diff.rows.length === 0) return <p>The recipes are the same: all {diff.same} keys agree.</p>;
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Differences">
      <table class="diff">
        <caption>
          {diff.rows.length} keys differ, {diff.same} agree
        </caption>
        <thead>
          <tr>
            <th scope="col">Key</th>
            <th scope="col">{a}</th>
            <th scope="col">{b}</th>
          </tr>
        </thead>
        <tbody>
          {diff.rows.map((row) => (
            <tr key={row.key}>
              <th scope="row">{row.key}</th>
              <td class="text">{row.a ?? "absent"}</td>
              <td class="text">{row.b ?? "absent"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
