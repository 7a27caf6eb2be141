// Laws of the dashboard's server: loopback only, read only, nothing outside its lists, news when a run grows.

import fs from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { applyWrite, runFixtureWrites, writeRunFixture } from "../../test/support/run-fixture.ts";
import { encodeRollout, readRollouts } from "../run/rollouts.ts";
import type { RolloutGroup, RolloutPage, RunDetail, RunSummary, StageColumns } from "./api.ts";
import { startDashboard, type Dashboard } from "./server.ts";

const SMALL = { sftSteps: 4, rlSteps: 4, rolloutEvery: 2, evaluated: 4 };
let folder: string;
let dashboard: Dashboard;

beforeEach(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "swarr-dashboard-"));
  const page = path.join(folder, ".page");
  fs.mkdirSync(path.join(page, "assets"), { recursive: true });
  fs.writeFileSync(path.join(page, "index.html"), "<!doctype html><title>page</title>");
  fs.writeFileSync(path.join(page, "assets", "a.js"), "1;");
  writeRunFixture(path.join(folder, "one"), SMALL);
  dashboard = await startDashboard({ folder, port: 0, page, pollMs: 20 });
});
afterEach(async () => {
  await dashboard.close();
  fs.rmSync(folder, { recursive: true, force: true });
});

const get = async <Answer>(route: string): Promise<Answer> =>
  (await fetch(`${dashboard.url}api/${route}`)).json() as Answer;

/** A raw request: fetch tidies paths and sets the host by itself. */
function raw(
  options: http.RequestOptions,
): Promise<{ status: number; headers: http.IncomingHttpHeaders; body: string }> {
  const { hostname, port } = new URL(dashboard.url);
  return new Promise((resolve, reject) => {
    const request = http.request({ hostname, port, ...options }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => (body += text));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    request.on("error", reject).end();
  });
}

describe("startDashboard", () => {
  it("listens on the loopback address and nowhere else", () => {
    expect(new URL(dashboard.url).hostname).toBe("127.0.0.1");
  });

  it("forbids every source but itself, framing and guessing of types on each answer", async () => {
    for (const at of ["/", "/assets/a.js", "/api/runs", "/nothing"]) {
      const { headers } = await raw({ path: at });
      expect(headers["content-security-policy"]).toMatch(
        /default-src 'none'; script-src 'self'.*frame-ancestors 'none'/,
      );
      expect(headers["content-security-policy"]).not.toContain("unsafe");
      expect(headers["x-content-type-options"]).toBe("nosniff");
    }
  });

  it.each([
    ["POST", 405, { method: "POST", path: "/api/runs" }],
    ["DELETE", 405, { method: "DELETE", path: "/api/run?run=one" }],
    ["a foreign host name", 403, { path: "/", headers: { host: "evil.example:80" } }],
    ["a page of another site", 403, { path: "/api/runs", headers: { "sec-fetch-site": "cross-site" } }],
    ["a path that climbs", 404, { path: "/../one/recipe.yaml" }],
    ["an encoded path that climbs", 404, { path: "/assets/..%2f..%2f..%2fone%2frecipe.yaml" }],
    ["a run that climbs", 404, { path: "/api/run?run=..%2f..%2fetc" }],
    ["a name every object has", 404, { path: "/api/constructor" }],
    ["a limit that is no number", 400, { path: "/api/rollouts?run=one&limit=many" }],
  ])("refuses %s with %d", async (_, status, request) => {
    expect((await raw(request)).status).toBe(status);
  });

  it("answers a rollout file name that climbs with no rollouts", async () => {
    const page = await get<RolloutPage>("rollouts?run=one&arm=swa&file=..%2f..%2fevents");
    expect(page).toMatchObject({ total: 0, indexed: 0 });
  });

  it("names the folder that is missing", async () => {
    await expect(startDashboard({ folder: path.join(folder, "none"), port: 0 })).rejects.toThrow(
      /none is no folder.*FILE_MISSING/,
    );
  });

  it("says that a port is taken", async () => {
    const port = Number(new URL(dashboard.url).port);
    await expect(startDashboard({ folder, port, page: path.join(folder, ".page") })).rejects.toThrow(
      /port is taken.*--port/,
    );
  });
});

describe("routes", () => {
  it("lists runs with state, window and last figures", async () => {
    const [run] = await get<readonly RunSummary[]>("runs");
    expect(run).toMatchObject({ id: "one", state: "finished", window: 36, seed: 1 });
    expect(run?.results?.arms.swa?.rl?.sampled?.accuracy).toBe(0.925);
    expect(run?.stages.map((stage) => stage.stage)).not.toContain("base");
  });

  it("sends all steps once, then only later ones, and all again when a resumed run replaced some", async () => {
    const own = (columns: readonly StageColumns[]) => columns.find((one) => one.arm === "swa" && one.stage === "rl");
    const first = own(await get<readonly StageColumns[]>("steps?run=one"));
    expect(first).toMatchObject({ replace: true, step: [1, 2, 3, 4] });
    const later = own(await get<readonly StageColumns[]>(`steps?run=one&known=swa,rl,${first?.revision},3`));
    expect(later).toMatchObject({ replace: false, step: [4] });
    const stale = own(await get<readonly StageColumns[]>(`steps?run=one&known=swa,rl,${(first?.revision ?? 0) + 7},3`));
    expect(stale).toMatchObject({ replace: true, step: [1, 2, 3, 4] });
  });

  it("finds rollouts by verdict, reach and length, sorted, a page at a time", async () => {
    const all = ["step-000002", "step-000004"].flatMap((name) =>
      readRollouts(path.join(folder, "one/rollouts/swa", `${name}.jsonl`)),
    );
    const right = all.filter((record) => record.verdict === "right").sort((a, b) => b.length - a.length);
    const page = await get<RolloutPage>(
      "rollouts?run=one&arm=swa&file=steps&verdict=right&sort=length&descending=1&offset=1&limit=3",
    );
    expect(page.total).toBe(right.length);
    expect(page.rows.map((row) => row.length)).toEqual(right.slice(1, 4).map((record) => record.length));
    const beyond = await get<RolloutPage>("rollouts?run=one&arm=swa&file=steps&beyond=1");
    expect(beyond.total).toBe(all.filter((record) => record.dependency?.beyondWindow === true).length);
  });

  it("gives a prompt's whole group with the window", async () => {
    const group = await get<RolloutGroup>("group?run=one&arm=swa&file=step-000002&group=1");
    expect(group.records.map((record) => [record.group, record.sample])).toEqual(
      [0, 1, 2, 3].map((sample) => [1, sample]),
    );
    expect(group.window).toBe(36);
  });

  it("counts a rollout line that cannot be read and finds the ones after it, also past a line of two megabytes", async () => {
    const file = path.join(folder, "one/rollouts/swa/step-000004.jsonl");
    const [record] = readRollouts(file);
    const long = { ...record!, response: "x".repeat(2 << 20), group: 70 };
    fs.appendFileSync(file, `{"group": broken}\n${encodeRollout(long)}${encodeRollout({ ...record!, group: 71 })}`);
    const page = await get<RolloutPage>("rollouts?run=one&arm=swa&file=step-000004&limit=200");
    expect(page).toMatchObject({ broken: 1, total: 18 });
    expect(page.rows.at(-1)?.group).toBe(71);
    expect(
      (await get<RolloutGroup>("group?run=one&arm=swa&file=step-000004&group=70")).records[0]?.response.length,
    ).toBe(2 << 20);
  });

  it("shows where two recipes differ and counts where they agree", async () => {
    writeRunFixture(path.join(folder, "two"), { ...SMALL, learningRate: 5e-4, seed: 9 });
    const news = await newsUntil((ids) => ids.includes("two"));
    expect(news).toContain("two");
    expect(await get("diff?a=one&b=two")).toEqual({
      rows: [
        { key: "seed", a: "1", b: "9" },
        { key: "rl.lr", a: "0.0003", b: "0.0005" },
      ],
      same: 12,
    });
  });

  it("tells of a damaged results.json instead of hiding it", async () => {
    fs.writeFileSync(path.join(folder, "one/results.json"), '{"seed": 1, "window": ');
    await newsUntil((ids) => ids.includes("one"));
    const { summary } = await get<RunDetail>("run?run=one");
    expect(summary.alerts).toContainEqual(expect.objectContaining({ title: "A file cannot be read" }));
  });
});

/** The ids of the first news that satisfy the condition. */
async function newsUntil(wanted: (ids: readonly string[]) => boolean): Promise<readonly string[]> {
  const stop = new AbortController();
  const response = await fetch(`${dashboard.url}api/news`, { signal: stop.signal });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ""; ;) {
    const { value, done } = await reader.read();
    if (done) throw new Error("the stream ended");
    text += value;
    for (const [, line] of text.matchAll(/^data: (.*)\n\n/gm)) {
      const ids = JSON.parse(line ?? "[]") as readonly string[];
      if (!wanted(ids)) continue;
      stop.abort();
      return ids;
    }
  }
}

describe("news", () => {
  it("names a run when it grows, and a new one when it appears", async () => {
    const writes = [...runFixtureWrites(SMALL)];
    const growing = path.join(folder, "growing");
    for (const write of writes.slice(0, 5)) applyWrite(growing, write);
    expect(await newsUntil((ids) => ids.includes("growing"))).toEqual(["growing"]);
    const grown = newsUntil((ids) => ids.includes("growing"));
    for (const write of writes.slice(5, 8)) applyWrite(growing, write);
    expect(await grown).toEqual(["growing"]);
    const summaries = await get<readonly RunSummary[]>("runs");
    expect(summaries.find((run) => run.id === "growing")?.state).toBe("running");
  });
});
