// Laws of sending a run to a tracker, against servers on loopback that keep what they are sent.

import fs from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeRunFixture } from "../../test/support/run-fixture.ts";
import { gatherReport, type ReportData } from "./gather.ts";
import { sendToMlflow } from "./send-mlflow.ts";
import { historyRows, sendToWandb } from "./send-wandb.ts";

interface Received {
  readonly route: string;
  readonly authorization: string | undefined;
  readonly body: Readonly<Record<string, unknown>>;
}

type Answer = (received: Received, count: number) => readonly [status: number, body: unknown];

let folder: string;
let data: ReportData;
let server: http.Server | null = null;
let received: Received[];

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "swarr-trackers-"));
  writeRunFixture(folder, { sftSteps: 30, rlSteps: 30, rolloutEvery: 30, evaluated: 2 });
  data = gatherReport(folder);
  received = [];
});
afterEach(() => {
  server?.close();
  server?.closeAllConnections();
  fs.rmSync(folder, { recursive: true, force: true });
});

async function listen(answer: Answer): Promise<string> {
  server = http.createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8").on("data", (part: string) => (text += part));
    request.on("end", () => {
      const body = JSON.parse(text === "" ? "{}" : text) as Readonly<Record<string, unknown>>;
      const one = { route: request.url ?? "", authorization: request.headers.authorization, body };
      received.push(one);
      const [status, reply] = answer(one, received.length);
      response.writeHead(status, { "Content-Type": "application/json" });
      response.end(JSON.stringify(reply));
    });
  });
  const listening = server;
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
}

const mlflow: Answer = ({ route }, count) => {
  if (route.includes("get-by-name")) return [404, { error_code: "RESOURCE_DOES_NOT_EXIST" }];
  if (route.endsWith("experiments/create")) return [200, { experiment_id: "7" }];
  return [200, route.endsWith("runs/create") ? { run: { info: { run_id: `run-${count}` } } } : {}];
};

describe("sendToMlflow", () => {
  it("sends each value of each curve once, in batches within the API's limits, and closes the runs", async () => {
    const url = await listen(mlflow);
    const ids = await sendToMlflow(data, { url, experiment: "swarr", authorization: null });
    expect(ids.length).toBe(2);
    const batches = received.filter(({ route }) => route.endsWith("runs/log-batch")).map(({ body }) => body);
    const metrics = batches.flatMap(
      (body) => (body["metrics"] ?? []) as { key: string; step: number; value: number }[],
    );
    for (const body of batches) {
      expect(((body["metrics"] ?? []) as unknown[]).length).toBeLessThanOrEqual(1000);
      expect(((body["params"] ?? []) as unknown[]).length).toBeLessThanOrEqual(100);
      expect(JSON.stringify(body).length).toBeLessThan(1_000_000);
    }
    const rl = data.run.events.filter((event) => event.type === "rl-step" && event.arm === "swa");
    const first = metrics.findIndex((metric) => metric.key === "rl/rewardMean" && metric.step === 1);
    expect(first).toBeGreaterThan(-1);
    expect(metrics.filter((metric) => metric.key === "rl/rewardMean").length).toBe(2 * rl.length);
    expect(received.filter(({ route }) => route.endsWith("runs/update")).map(({ body }) => body["status"])).toEqual([
      "FINISHED",
      "FINISHED",
    ]);
  });

  it("uses an experiment that is there already", async () => {
    const url = await listen((one, count) =>
      one.route.includes("get-by-name") ? [200, { experiment: { experiment_id: "3" } }] : mlflow(one, count),
    );
    await sendToMlflow(data, { url, experiment: "swarr", authorization: null });
    expect(received.some(({ route }) => route.endsWith("experiments/create"))).toBe(false);
    expect(received.find(({ route }) => route.endsWith("runs/create"))?.body["experiment_id"]).toBe("3");
  });

  it("asks again when the server is overloaded, and quotes it when it refuses", async () => {
    const url = await listen((one, count) => (count === 1 ? [503, {}] : mlflow(one, count)));
    expect((await sendToMlflow(data, { url, experiment: "swarr", authorization: null })).length).toBe(2);
    server?.close();
    const refusing = await listen(() => [403, { message: "no such user" }]);
    await expect(sendToMlflow(data, { url: refusing, experiment: "x", authorization: "Bearer k" })).rejects.toThrow(
      /403.*no such user.*key.*NETWORK/,
    );
  });

  it("never sends a credential unencrypted to another machine", async () => {
    const target = { url: "http://192.0.2.1:5000", experiment: "x", authorization: "Bearer secret" };
    const refusal = await sendToMlflow(data, target).catch((error: unknown) => String(error));
    expect(refusal).toMatch(/unencrypted.*https.*BAD_ARGUMENT/);
    expect(refusal).not.toContain("secret");
  });
});

describe("sendToWandb", () => {
  const wandb: Answer = ({ route }) => [
    200,
    route === "/graphql" ? { data: { upsertBucket: { bucket: { id: "1" } } } } : {},
  ];

  it("opens a run an arm, streams every row in order, ends it, and uses the same names the next time", async () => {
    const url = await listen(wandb);
    const target = { url, entity: "team", project: "windows", key: "k" };
    const names = await sendToWandb(data, target);
    const streamed = received.filter(({ route }) => route === `/files/team/windows/${names[1]}/file_stream`);
    const rows = streamed.flatMap(({ body }) => {
      const files = (body["files"] ?? {}) as Record<string, { offset: number; content: string[] } | undefined>;
      return (files["wandb-history.jsonl"]?.content ?? []).map((line) => JSON.parse(line) as Record<string, number>);
    });
    expect(rows.map((row) => row["_step"])).toEqual(rows.map((_, i) => i));
    expect(rows.filter((row) => row["rl/rewardMean"] !== undefined).map((row) => row["rl/step"])).toEqual(
      Array.from({ length: 30 }, (_, i) => i + 1),
    );
    expect(streamed.at(-1)?.body).toMatchObject({ complete: true, exitcode: 0 });
    expect(
      received.every(({ authorization }) => authorization === `Basic ${Buffer.from("api:k").toString("base64")}`),
    ).toBe(true);
    expect(await sendToWandb(data, target)).toEqual(names);
  });

  it("takes a refusal that comes with status 200, as GraphQL's do", async () => {
    const url = await listen(() => [200, { errors: [{ message: "project not found" }] }]);
    await expect(sendToWandb(data, { url, entity: "t", project: "p", key: "k" })).rejects.toThrow(
      /project not found.*NETWORK/,
    );
  });
});

describe("historyRows", () => {
  it("puts the metrics of a step in one row and counts on through stages", () => {
    const scalar = (tag: string, step: number, value: number, wallTimeSeconds = 1) => ({
      tag,
      step,
      value,
      wallTimeSeconds,
    });
    expect(historyRows([scalar("sft/a", 1, 5), scalar("sft/b", 1, 6), scalar("rl/a", 1, 7, 3)])).toEqual([
      { _step: 0, _timestamp: 1, _runtime: 0, "sft/step": 1, "sft/a": 5, "sft/b": 6 },
      { _step: 1, _timestamp: 3, _runtime: 2, "rl/step": 1, "rl/a": 7 },
    ]);
  });
});
