// The reward server over real HTTP: batches in order, rewards with their terms, refusals a client can read.

import http from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createVerifier } from "../verify/verify.ts";
import type { LoopbackServer } from "./http.ts";
import { startRewardServer } from "./reward-server.ts";

const verifier = createVerifier();
let server: LoopbackServer;

beforeAll(async () => {
  const rewards = { formatWeight: 0.25, overlong: { bufferTokens: 10, weight: 1 } };
  server = await startRewardServer({ verifier, port: 0, rewards });
});
afterAll(async () => {
  await server.close();
  await verifier.close();
});

async function post(body: unknown, type = "application/json"): Promise<{ status: number; document: unknown }> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const response = await fetch(`${server.url}/grade`, {
    method: "POST",
    body: text,
    headers: { "content-type": type },
  });
  return { status: response.status, document: await response.json() };
}

describe("startRewardServer", () => {
  it("grades a batch in order, with rewards and their terms", async () => {
    const items = [
      { gold: "\\frac12", prediction: "so \\boxed{0.5}", tokens: 95, maxTokens: 100 },
      { gold: "18", prediction: "so 17" },
    ];
    const { status, document } = await post({ items });
    expect(status).toBe(200);
    expect(document).toMatchObject({
      results: [
        { index: 0, verdict: "right", reward: 1 + 0.25 - 0.5, terms: { correct: 1, format: 0.25, overlong: -0.5 } },
        { index: 1, verdict: "wrong", answer: "17", reward: 0 },
      ],
    });
  });

  it("grades one item sent by itself", async () => {
    expect((await post({ gold: "5", prediction: "\\boxed{5}" })).document).toMatchObject({
      index: 0,
      verdict: "right",
    });
  });

  it("goes on after a hostile item in the middle of a batch", async () => {
    const items = ["\\boxed{5}", "\\boxed{9^{9^{9^{9}}}}", "\\boxed{5}"].map((prediction) => ({
      gold: "5",
      prediction,
    }));
    const { document } = await post({ items });
    expect((document as { results: { verdict: string }[] }).results.map((result) => result.verdict)).toEqual([
      "right",
      "unreadable",
      "right",
    ]);
  });

  it("says what is wrong with a request, by status and by field", async () => {
    expect(await post({ items: [{ gold: "5" }] })).toMatchObject({
      status: 400,
      document: { error: expect.stringMatching(/items\[0\]\.prediction/) as string },
    });
    expect(await post("{")).toMatchObject({ status: 400 });
    expect(await post("[]")).toMatchObject({ status: 400 });
    expect(await post({ items: {} })).toMatchObject({ status: 400 });
    expect(await post("{}", "text/plain")).toMatchObject({ status: 415 });
    expect((await fetch(`${server.url}/elsewhere`)).status).toBe(404);
    expect((await fetch(`${server.url}/grade`)).status).toBe(405);
    expect(await (await fetch(`${server.url}/health`)).json()).toEqual({ status: "ok" });
  });

  it("refuses a host name that is not loopback, and pages from elsewhere", async () => {
    const statusWith = (headers: Record<string, string>): Promise<unknown> =>
      new Promise((resolve, reject) => {
        const request = http.get(`${server.url}/health`, { headers }, (response) => {
          response.resume();
          resolve(response.statusCode);
        });
        request.on("error", reject);
      });
    expect(await statusWith({ host: "evil.example" })).toBe(403);
    expect(await statusWith({ origin: "https://evil.example" })).toBe(403);
    expect(await statusWith({ origin: "http://localhost:3000" })).toBe(200);
  });

  it("refuses a body that is too large, and hangs up", async () => {
    const { status, connection } = await new Promise<{ status: unknown; connection: unknown }>((resolve, reject) => {
      const headers = { "content-type": "application/json" };
      const request = http.request(`${server.url}/grade`, { method: "POST", headers }, (response) => {
        response.resume();
        resolve({ status: response.statusCode, connection: response.headers.connection });
      });
      request.on("error", reject);
      // One byte too many: nothing is left unread, so the answer cannot be lost to a reset.
      for (let i = 0; i < 64; i++) request.write(Buffer.alloc(1024 * 1024, " "));
      request.write(" ");
    });
    expect({ status, connection }).toEqual({ status: 413, connection: "close" });
  });

  it("answers 500 when a user's own reward fails", async () => {
    const custom = { name: "broken", score: () => Promise.reject(new Error("no such table")) };
    const own = await startRewardServer({ verifier, port: 0, rewards: { formatWeight: 0, overlong: null }, custom });
    const response = await fetch(`${own.url}/grade`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ gold: "5", prediction: "6" }),
    });
    expect(response.status).toBe(500);
    expect(await response.json()).toEqual({ error: "no such table" });
    await own.close();
  });

  it("asks a user's own reward instead, when there is one", async () => {
    const custom = { name: "flat", score: () => Promise.resolve({ total: 7, terms: { flat: 7 } }) };
    const own = await startRewardServer({ verifier, port: 0, rewards: { formatWeight: 0, overlong: null }, custom });
    const response = await fetch(`${own.url}/grade`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ gold: "5", prediction: "6" }),
    });
    expect(await response.json()).toMatchObject({ verdict: "wrong", reward: 7, terms: { flat: 7 } });
    await own.close();
  });

  it("says that a port is taken", async () => {
    const port = Number(new URL(server.url).port);
    const rewards = { formatWeight: 0, overlong: null };
    await expect(startRewardServer({ verifier, port, rewards })).rejects.toThrow(/EADDRINUSE.*BAD_ARGUMENT/);
  });
});
