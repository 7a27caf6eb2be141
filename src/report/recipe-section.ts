// What a run was told, what it ran on, and how to run it again, for the report and whoever else shows settings.

import type { JsonObject } from "../base/json.ts";
import type { ReportData } from "./gather.ts";
import { html, type Markup } from "./markup.ts";
import { compactNumber } from "./metrics.ts";

export function recipeSection(data: ReportData): Markup {
  const { run } = data;
  return html`<h2 id="recipe">Recipe, environment, and how to run it again</h2>
    <pre>${rerunCommand(data)}</pre>
    ${
      run.recipeText === null
        ? null
        : html`<details>
            <summary>Recipe, every default written out</summary>
            <pre>${run.recipeText}</pre>
          </details>`
    }
    ${
      run.manifest === null
        ? null
        : html`<details open>
            <summary>Environment</summary>
            ${manifestTable(run.manifest)}
          </details>`
    }`;
}

/** The command of the manifest when it names one; else the command that runs the folder's own recipe. */
export function rerunCommand({ run }: ReportData): string {
  const command = run.manifest?.["command"];
  if (typeof command === "string") return command;
  return `npx swarr run ${run.name}/recipe.yaml --out ${run.name}-again`;
}

function manifestTable(manifest: JsonObject): Markup {
  const rows = flattened(manifest).map(
    ([name, value]) =>
      html`<tr>
        <th scope="row">${name}</th>
        <td class="text">${value}</td>
      </tr>`,
  );
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Environment">
    <table>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}

/** `{a: {b: 1}}` as `[["a.b", "1"]]`; empty parts are left out. */
export function flattened(value: JsonObject, prefix = ""): readonly (readonly [name: string, value: string])[] {
  return Object.entries(value).flatMap(([key, item]) => {
    const name = prefix === "" ? key : `${prefix}.${key}`;
    if (typeof item === "object" && item !== null && !Array.isArray(item)) return flattened(item as JsonObject, name);
    if (typeof item === "number" && key.endsWith("Bytes")) return [[name, `${compactNumber(item)}B`] as const];
    return [[name, typeof item === "string" ? item : JSON.stringify(item)] as const];
  });
}
