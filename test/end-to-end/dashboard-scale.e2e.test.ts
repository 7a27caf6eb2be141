// The dashboard on a long run: 10,000 RL steps an arm and 100,000 rollouts must stay smooth.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RolloutPage } from "../../src/dashboard/api.ts";
import { encodeEvent, type RunEvent } from "../../src/run/events.ts";
import { encodeRollout, rolloutStepFile, type RolloutRecord } from "../../src/run/rollouts.ts";
import { WIDE, chromiumPath, keepPicture, startBrowser, type WatchedBrowser } from "../support/browser.ts";
import { startDashboardProcess, type DashboardProcess } from "../support/dashboard-process.ts";
import { runFixtureWrites } from "../support/run-fixture.ts";

const STEPS = 10_000;
const FILES = 100;
const ROLLOUTS_A_FILE = 1_000;
const executable = chromiumPath();

describe.skipIf(executable === null)("the dashboard on a long run", () => {
  let folder: string;
  let browser: WatchedBrowser;
  let dashboard: DashboardProcess;

  beforeAll(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "swarr-scale-"));
    writeLongRun(path.join(folder, "long"));
    browser = await startBrowser(executable ?? "");
    dashboard = await startDashboardProcess(folder);
  }, 300_000);
  afterAll(async () => {
    await browser.close();
    await dashboard.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  it("draws ten thousand steps of two arms within three seconds and zooms within one", async () => {
    const started = performance.now();
    const page = await browser.open(`${dashboard.url}#/run/long/curves`, WIDE);
    await page.locator(".metric canvas").nth(11).waitFor();
    const drawn = performance.now() - started;
    await page.locator(".metric .plot").first().focus();
    const zoomStarted = performance.now();
    await page.keyboard.press("+");
    await expect
      .poll(() => page.getByRole("button", { name: "Show all steps" }).isEnabled(), { interval: 10 })
      .toBe(true);
    await page.evaluate("new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))");
    const zoomed = performance.now() - zoomStarted;
    await keepPicture(page, "long-curves");
    await page.close();
    process.stderr.write(`long run: curves in ${drawn.toFixed(0)} ms, zoom in ${zoomed.toFixed(0)} ms\n`);
    expect(drawn).toBeLessThan(3_000);
    expect(zoomed).toBeLessThan(1_000);
  });

  it("shows one step at once, and finds among a hundred thousand rollouts within a second once they are indexed", async () => {
    const page = await browser.open(`${dashboard.url}#/run/long/rollouts`, WIDE);
    const status = page.locator("main p[role=status]").first();
    await expect.poll(() => status.innerText()).toBe("1,000 of 1,000 rollouts");
    const indexStarted = performance.now();
    await page.getByRole("combobox", { name: /^From/ }).selectOption("steps");
    await expect.poll(() => status.innerText(), { timeout: 60_000 }).toBe("100,000 of 100,000 rollouts");
    const indexed = performance.now() - indexStarted;
    const findStarted = performance.now();
    await page.getByLabel("Verdict").selectOption("unreadable");
    await page.getByLabel("Order").selectOption("-distance");
    await expect.poll(() => status.innerText(), { interval: 10 }).toBe("100 of 100,000 rollouts");
    await page
      .getByRole("region", { name: /^Rollouts/ })
      .getByText("999")
      .first()
      .waitFor();
    const found = performance.now() - findStarted;
    await keepPicture(page, "long-rollouts");
    await page.close();
    process.stderr.write(
      `long run: index in ${indexed.toFixed(0)} ms, a filter and an order in ${found.toFixed(0)} ms\n`,
    );
    expect(found).toBeLessThan(2_000);
  });

  it("keeps answering while it builds the index", async () => {
    const fresh = await startDashboardProcess(folder);
    const route = `${fresh.url}api/rollouts?run=long&arm=swa&file=steps&limit=1`;
    const known: number[] = [];
    for (;;) {
      const { indexed, complete } = (await (await fetch(route)).json()) as RolloutPage;
      known.push(indexed);
      if (complete) break;
    }
    await fresh.stop();
    // A server that stood still until the index was whole would answer once, with everything.
    expect(known.length).toBeGreaterThan(2);
    expect(known[0]).toBeLessThan(100_000);
    expect(known.at(-1)).toBe(100_000);
  });
});

/** The fixture's first RL step of each arm, repeated with noise; rollouts of one shape, one in a thousand unreadable. */
function writeLongRun(folder: string): void {
  fs.mkdirSync(path.join(folder, "rollouts/swa"), { recursive: true });
  const events = [...runFixtureWrites({ sftSteps: 2, rlSteps: 2 })]
    .filter((write) => write.file === "events.jsonl")
    .map((write) => JSON.parse(write.text) as RunEvent);
  const lines: string[] = [];
  for (const arm of ["sa", "swa"] as const) {
    const row = events.find((event) => event.type === "rl-step" && event.arm === arm);
    const start = events.find((event) => event.type === "stage-start" && event.arm === arm && event.stage === "rl");
    if (row?.type !== "rl-step" || start?.type !== "stage-start") continue;
    lines.push(encodeEvent({ ...start, steps: STEPS }));
    for (let step = 1; step <= STEPS; step++) {
      const rewardMean = 0.5 + 0.4 * Math.sin(step / 900) + 0.1 * Math.sin(step * 12.9898);
      lines.push(encodeEvent({ ...row, step, rewardMean, accuracy: rewardMean, entropyNats: 1 / (1 + step / 500) }));
    }
  }
  fs.writeFileSync(path.join(folder, "events.jsonl"), lines.join(""));
  const template = templateRollout();
  for (let file = 1; file <= FILES; file++) {
    const rows = Array.from({ length: ROLLOUTS_A_FILE }, (_, i): string => {
      const odd = i === 500;
      return encodeRollout({
        ...template,
        group: Math.floor(i / 8),
        sample: i % 8,
        verdict: odd ? "unreadable" : "right",
        dependency: { distance: odd ? 900 + file - 1 : 20, beyondWindow: odd },
      });
    });
    fs.writeFileSync(path.join(folder, rolloutStepFile("swa", file * 100)), rows.join(""));
  }
}

function templateRollout(): RolloutRecord {
  const write = [...runFixtureWrites({ sftSteps: 2, rlSteps: 5 })].find(({ file }) => file.includes("step-"));
  return JSON.parse(write?.text.split("\n")[0] ?? "") as RolloutRecord;
}
