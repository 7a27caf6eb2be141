// Sends a run to an MLflow tracking server over its REST API: one MLflow run an arm.

import { asObject, asString, isObject } from "../base/json.ts";
import { runScalars } from "./export-tables.ts";
import type { ReportData } from "./gather.ts";
import { flattened } from "./recipe-section.ts";
import { callTracker, requireOk, type TrackerCall, type TrackerReply } from "./tracker-http.ts";

/** The API's own limits for one batch. */
const MOST_METRICS = 1000;
const MOST_PARAMS = 100;
/** The shortest limit among MLflow's stores. */
const MOST_PARAM_TEXT = 500;

export interface MlflowTarget {
  /** such as http://127.0.0.1:5000 */
  readonly url: string;
  readonly experiment: string;
  /** the Authorization header, or null */
  readonly authorization: string | null;
}

/**
 * @returns the ids of the MLflow runs
 * @throws `NETWORK` quoting the server
 * @source MLflow REST API 2.0: experiments/get-by-name, experiments/create, runs/create, runs/log-batch, runs/update
 */
export async function sendToMlflow(data: ReportData, target: MlflowTarget): Promise<readonly string[]> {
  const api = mlflowApi(target);
  const experiment = await experimentId(api, target.experiment);
  const ids: string[] = [];
  for (const { arm, scalars } of runScalars(data.timeline)) {
    const start = milliseconds(data.timeline.firstTime);
    const created = await api.post("runs/create", {
      experiment_id: experiment,
      run_name: `${data.run.name} ${arm}`,
      start_time: start,
      tags: [
        { key: "swarr.arm", value: arm },
        { key: "mlflow.source.name", value: "swarr" },
      ],
    });
    const id = runId(created);
    ids.push(id);
    const params = flattened(data.recipe).map(([key, value]) => ({ key, value: paramText(value) }));
    for (const some of batches(params, MOST_PARAMS)) await api.post("runs/log-batch", { run_id: id, params: some });
    const metrics = scalars.map(({ tag, value, step, wallTimeSeconds }) => ({
      key: tag,
      value,
      step,
      timestamp: Math.round(wallTimeSeconds * 1000),
    }));
    for (const some of batches(metrics, MOST_METRICS)) await api.post("runs/log-batch", { run_id: id, metrics: some });
    await api.post("runs/update", {
      run_id: id,
      status: statusOf(data),
      end_time: milliseconds(data.timeline.lastTime),
    });
  }
  return ids;
}

interface MlflowApi {
  post(route: string, body: unknown): Promise<unknown>;
  get(route: string): Promise<{ readonly call: TrackerCall; readonly reply: TrackerReply }>;
}

function mlflowApi({ url, authorization }: MlflowTarget): MlflowApi {
  const at = (route: string): string => `${url.replace(/\/+$/, "")}/api/2.0/mlflow/${route}`;
  return {
    post: async (route, body) => {
      const call: TrackerCall = { method: "POST", url: at(route), body, authorization };
      return requireOk(await callTracker(call), call);
    },
    get: async (route) => {
      const call: TrackerCall = { method: "GET", url: at(route), authorization };
      return { call, reply: await callTracker(call) };
    },
  };
}

async function experimentId(api: MlflowApi, name: string): Promise<string> {
  const { call, reply } = await api.get(`experiments/get-by-name?experiment_name=${encodeURIComponent(name)}`);
  if (reply.status === 404) {
    const created = asObject(await api.post("experiments/create", { name }), "the answer of experiments/create");
    return asString(created["experiment_id"], "experiment_id");
  }
  const found = asObject(requireOk(reply, call), "the answer of experiments/get-by-name");
  return asString(asObject(found["experiment"], "experiment")["experiment_id"], "experiment_id");
}

function runId(created: unknown): string {
  const run = isObject(created) ? created["run"] : undefined;
  const info = isObject(run) ? run["info"] : undefined;
  return asString(isObject(info) ? info["run_id"] : undefined, "run.info.run_id");
}

const STATUS = { finished: "FINISHED", failed: "FAILED", interrupted: "KILLED" } as const;

function statusOf({ timeline }: ReportData): string {
  return timeline.end === null ? "RUNNING" : STATUS[timeline.end.outcome];
}

/** A longer value would be refused; what is left out is said in the value. */
function paramText(value: string): string {
  if (value.length <= MOST_PARAM_TEXT) return value;
  return `${value.slice(0, MOST_PARAM_TEXT - 40)}… (${value.length} characters)`;
}

function milliseconds(time: string | null): number {
  return time === null ? 0 : Date.parse(time);
}

function batches<Item>(items: readonly Item[], size: number): readonly (readonly Item[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}
