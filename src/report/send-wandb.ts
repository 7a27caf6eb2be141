// Sends a run to Weights & Biases over its HTTP API: one W&B run an arm; sending it again replaces it.

import { sha256 } from "../base/files.ts";
import { asObject } from "../base/json.ts";
import { SwarrError } from "../base/errors.ts";
import type { ScalarEvent } from "../formats/tensorboard.ts";
import { runScalars } from "./export-tables.ts";
import type { ReportData } from "./gather.ts";
import { flattened } from "./recipe-section.ts";
import { callTracker, requireOk, type TrackerCall } from "./tracker-http.ts";

export interface WandbTarget {
  /** such as https://api.wandb.ai */
  readonly url: string;
  readonly entity: string;
  readonly project: string;
  readonly key: string;
}

const ROWS_A_CALL = 500;
const UPSERT = `mutation UpsertBucket($name: String!, $project: String!, $entity: String!, $displayName: String, $config: JSONString, $tags: [String!]) {
  upsertBucket(input: { name: $name, modelName: $project, entityName: $entity, displayName: $displayName, config: $config, tags: $tags }) {
    bucket { id name }
  }
}`;

/**
 * @returns the names of the W&B runs
 * @throws `NETWORK` quoting the server
 * @source the calls that the Python client wandb 0.31 makes: GraphQL upsertBucket, then files/ENTITY/PROJECT/RUN/file_stream
 */
export async function sendToWandb(data: ReportData, target: WandbTarget): Promise<readonly string[]> {
  const names: string[] = [];
  for (const { arm, scalars } of runScalars(data.timeline)) {
    // The same run has the same name each time, so that sending it again replaces what was there.
    const name = sha256(`${data.run.name}/${data.timeline.firstTime}/${arm}`).slice(0, 8);
    await openRun(data, arm, name, target);
    const rows = historyRows(scalars);
    for (let offset = 0; offset < rows.length; offset += ROWS_A_CALL) {
      const content = rows.slice(offset, offset + ROWS_A_CALL).map((row) => JSON.stringify(row));
      await stream(target, name, { files: { "wandb-history.jsonl": { offset, content } } });
    }
    const summary = JSON.stringify(Object.assign({}, ...rows));
    await stream(target, name, { files: { "wandb-summary.json": { offset: 0, content: [summary] } } });
    await stream(target, name, { complete: true, exitcode: data.timeline.end?.outcome === "failed" ? 1 : 0 });
    names.push(name);
  }
  return names;
}

/** One row a step, steps counted on through the stages: W&B wants one rising `_step` a run. */
export function historyRows(scalars: readonly ScalarEvent[]): readonly Readonly<Record<string, number>>[] {
  const rows: Record<string, number>[] = [];
  const start = scalars[0]?.wallTimeSeconds ?? 0;
  let open = "";
  for (const { tag, step, value, wallTimeSeconds } of scalars) {
    const stage = tag.split("/")[0] ?? tag;
    if (open !== `${stage} ${step}`) {
      open = `${stage} ${step}`;
      rows.push({
        _step: rows.length,
        _timestamp: wallTimeSeconds,
        _runtime: wallTimeSeconds - start,
        [`${stage}/step`]: step,
      });
    }
    Object.assign(rows.at(-1) ?? {}, { [tag]: value });
  }
  return rows;
}

async function openRun(data: ReportData, arm: string, name: string, target: WandbTarget): Promise<void> {
  const config = Object.fromEntries(flattened(data.recipe).map(([key, value]) => [key, { value }]));
  const variables = {
    name,
    project: target.project,
    entity: target.entity,
    displayName: `${data.run.name} ${arm}`,
    config: JSON.stringify(config),
    tags: ["swarr", arm],
  };
  const call = callTo(target, "graphql", { operationName: "UpsertBucket", query: UPSERT, variables });
  const body = asObject(requireOk(await callTracker(call), call), "the answer of the GraphQL call");
  if (body["errors"] === undefined) return;
  // GraphQL refuses with status 200.
  throw new SwarrError("NETWORK", {
    what: `${call.url} refused the run: ${JSON.stringify(body["errors"]).slice(0, 300)}.`,
    expected: "the project to take it.",
    fix: "Check entity, project and key.",
  });
}

async function stream(target: WandbTarget, name: string, body: unknown): Promise<void> {
  const place = [target.entity, target.project, name].map(encodeURIComponent).join("/");
  const call = callTo(target, `files/${place}/file_stream`, body);
  requireOk(await callTracker(call), call);
}

function callTo({ url, key }: WandbTarget, route: string, body: unknown): TrackerCall {
  const authorization = `Basic ${Buffer.from(`api:${key}`).toString("base64")}`;
  return { method: "POST", url: `${url.replace(/\/+$/, "")}/${route}`, body, authorization };
}
