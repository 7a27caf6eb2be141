// The dashboard in a real browser: every view on a finished and on a growing run, hostile text, accessibility, no outside request.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeRollout, readRollouts } from "../../src/run/rollouts.ts";
import {
  NARROW_DARK,
  WIDE,
  axeFindings,
  chromiumPath,
  keepPicture,
  startBrowser,
  type WatchedBrowser,
} from "../support/browser.ts";
import { startDashboardProcess, type DashboardProcess } from "../support/dashboard-process.ts";
import { applyWrite, runFixtureWrites, writeRunFixture } from "../support/run-fixture.ts";

const executable = chromiumPath();
if (executable === null) process.stderr.write("No Chromium found (SWARR_CHROMIUM): the browser suite is skipped.\n");

/** HTML, a script, an event handler, a terminal escape, NUL, a right-to-left override, and CSS. */
const HOSTILE =
  '</pre><script>globalThis.hacked = 1</script><img src="x" onerror="globalThis.hacked = 2"><style>*{display:none}</style>\u001b[31m\u0000\u202e{{7*7}}';
const HOSTILE_NAME = "<img src=x onerror=alert(1)>";

describe.skipIf(executable === null)("the dashboard", () => {
  let folder: string;
  let browser: WatchedBrowser;
  let dashboard: DashboardProcess;

  beforeAll(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "swarr-e2e-"));
    writeRunFixture(path.join(folder, "finished"), { sftSteps: 60, rlSteps: 30, rolloutEvery: 5, groupSize: 8 });
    writeRunFixture(path.join(folder, "other"), { sftSteps: 60, rlSteps: 30, learningRate: 5e-4, seed: 2 });
    writeHostileRun(path.join(folder, HOSTILE_NAME));
    browser = await startBrowser(executable ?? "");
    dashboard = await startDashboardProcess(folder);
  });
  afterAll(async () => {
    await browser.close();
    expect(await dashboard.stop()).toBe(0);
    fs.rmSync(folder, { recursive: true, force: true });
  });

  const openView = async (run: string, view: string, viewport = WIDE): Promise<Page> =>
    browser.open(`${dashboard.url}#/run/${encodeURIComponent(run)}/${view}`, viewport);

  it("lists the runs with their state and leads to each", async () => {
    const page = await browser.open(dashboard.url, WIDE);
    await page.getByRole("heading", { name: "Runs" }).waitFor();
    const row = page.getByRole("row").filter({ has: page.getByRole("link", { name: "finished" }) });
    expect(await row.innerText()).toMatch(/finished[\s\S]*92\.5 %[\s\S]*89 %/);
    await keepPicture(page, "runs-wide-light");
    await page.getByRole("link", { name: "finished" }).click();
    await page.getByRole("heading", { name: "finished" }).waitFor();
    expect(page.url()).toContain("#/run/finished/overview");
    await page.close();
  });

  it("compares the arms stage by stage with intervals", async () => {
    const page = await openView("finished", "overview");
    await page.getByRole("heading", { name: "Accuracy at temperature 1" }).waitFor();
    const row = page.getByRole("row", { name: /^RL/ }).first();
    expect(await row.innerText()).toMatch(/98\.8 \[97\.4, 99\.4\]\s+92\.5 \[89\.9, 94\.5\]/);
    await keepPicture(page, "overview-wide-light");
    await page.close();
  });

  it("draws the curves with a sentence each, switches stages, overlays another run, zooms all charts and back", async () => {
    const page = await openView("finished", "curves");
    await page.locator(".metric canvas").first().waitFor();
    const names = await page.locator(".metric h2").allInnerTexts();
    expect(names).toEqual(expect.arrayContaining(["Reward", "Loss", "Entropy", "Dependencies beyond the window"]));
    expect(await page.locator(".metric .explain").count()).toBe(names.length);
    await keepPicture(page, "curves-wide-light");

    await page.getByText("Other runs").click();
    await page.getByLabel("other", { exact: true }).check();
    await page.locator(".metric").first().getByText("other SWA").waitFor();
    await page.getByText("Other runs").click();
    await keepPicture(page, "curves-overlay-light");

    await nextFrame(page);
    const before = await canvasPictures(page);
    const box = await page.locator(".metric .u-over").first().boundingBox();
    await page.mouse.move(box!.x + box!.width * 0.2, box!.y + 50);
    await page.mouse.down();
    await page.mouse.move(box!.x + box!.width * 0.5, box!.y + 60, { steps: 5 });
    await page.mouse.up();
    const showAll = page.getByRole("button", { name: "Show all steps" });
    await expect.poll(() => showAll.isEnabled()).toBe(true);
    // The charts are drawn a frame after the button changes.
    const changed = async (): Promise<number> =>
      (await canvasPictures(page)).filter((picture, i) => picture !== before[i]).length;
    await expect.poll(changed).toBe(before.length);
    await keepPicture(page, "curves-zoomed-light");
    await showAll.click();
    await expect.poll(() => showAll.isDisabled()).toBe(true);
    await expect.poll(changed).toBe(0);

    await page.getByLabel("Stage").selectOption("sft");
    await expect.poll(() => page.locator(".metric h2").allInnerTexts()).not.toContain("Reward");
    await page.getByLabel("Stage").selectOption("all");
    await expect
      .poll(() => page.locator(".metric h2").allInnerTexts())
      .toEqual(expect.arrayContaining(["Loss", "Gradient norm"]));
    await expect.poll(() => page.locator(".metric").first().locator(".legend").innerText()).toContain("other SWA");
    await keepPicture(page, "curves-all-stages-light");
    await page.close();
  });

  it("zooms and scrolls a chart from the keyboard", async () => {
    const page = await openView("finished", "curves");
    const plot = page.locator(".metric .plot").first();
    await plot.waitFor();
    await plot.focus();
    const showAll = page.getByRole("button", { name: "Show all steps" });
    await page.keyboard.press("+");
    await expect.poll(() => showAll.isEnabled()).toBe(true);
    await page.keyboard.press("0");
    await expect.poll(() => showAll.isDisabled()).toBe(true);
    await page.close();
  });

  it("browses rollouts: filter, group side by side, a token's log-prob, its look-up and what its window shows", async () => {
    const page = await openView("finished", "rollouts");
    await page.getByRole("heading", { name: "Step 30, group 0" }).waitFor();
    expect(await page.getByRole("group", { name: "Rollouts of the group" }).getByRole("button").count()).toBe(8);
    await page.getByRole("combobox", { name: /^From/ }).selectOption("step-000005");
    await page.getByLabel("Look-ups").selectOption("1");
    await page.getByLabel("Order").selectOption("-distance");
    const file = path.join(folder, "finished/rollouts/swa/step-000005.jsonl");
    const farthest = Math.max(...readRollouts(file).map((record) => record.dependency?.distance ?? 0));
    const first = page
      .getByRole("region", { name: /^Rollouts/ })
      .getByRole("row")
      .nth(1);
    await expect.poll(() => first.innerText()).toContain(`${farthest}↶`);

    await page.locator(".token.far").last().hover();
    await expect
      .poll(() => page.locator(".token-line").innerText())
      .toMatch(/log-prob -?\d.*looks \d+ back, beyond the window of 36/);
    const seen = await page.locator(".token:not(.unseen-token)").count();
    expect(seen).toBe(36);
    expect(await page.locator(".token.source.unseen-token").count()).toBe(1);
    await keepPicture(page, "rollouts-wide-light");
    await page.close();
  });

  it("moves through rollouts and tokens with the arrow keys", async () => {
    const page = await openView("finished", "rollouts");
    const list = page.getByRole("region", { name: /^Rollouts/ });
    await list.locator("tr.current").waitFor();
    await list.focus();
    for (let i = 0; i < 8; i++) await page.keyboard.press("ArrowDown");
    await page.getByRole("heading", { name: "Step 30, group 1" }).waitFor();
    await page.getByRole("group", { name: /^Tokens/ }).focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    await expect.poll(() => page.locator(".token.chosen").count()).toBe(1);
    await page.close();
  });

  it("shows the mismatch by text and by distance", async () => {
    const page = await openView("finished", "mismatch");
    await page.getByText("0.430 ± 0.010").waitFor();
    await page.getByText("With one full layer, counted from 0: 1 leaves a gap of 0.120").waitFor();
    expect(await page.getByRole("region", { name: "Attention beyond the window" }).getByRole("cell").count()).toBe(8);
    expect(await page.getByRole("region", { name: "Gap by dependency distance" }).getByRole("row").count()).toBe(6);
    await keepPicture(page, "mismatch-wide-light");
    await page.close();
  });

  it("names the keys in which two recipes differ", async () => {
    const page = await openView("finished", "recipe");
    await page.getByLabel("Other run").selectOption("other");
    const region = page.getByRole("region", { name: "Differences" });
    await region.waitFor();
    expect(await region.getByRole("rowheader").allInnerTexts()).toEqual(["seed", "rl.groupSize", "rl.lr"]);
    await keepPicture(page, "recipe-wide-light");
    await page.close();
  });

  it("follows a growing run by itself: progress, curves, end", async () => {
    const growing = path.join(folder, "growing");
    const writes = [...runFixtureWrites({ sftSteps: 20, rlSteps: 20, start: new Date().toISOString() })];
    const firstRl = writes.findIndex((write) => write.text.includes('"type":"rl-step"'));
    for (const write of writes.slice(0, firstRl + 5)) applyWrite(growing, write);
    const page = await openView("growing", "overview");
    await page.getByText("running").first().waitFor();
    const rlCount = page.locator(".stage-bar").filter({ hasText: "SA RL" }).locator(".stage-count");
    expect(await rlCount.innerText()).toMatch(/^[45]\/20/);
    await keepPicture(page, "live-overview-light");
    await page.getByRole("link", { name: "Curves" }).click();
    await page.locator(".metric canvas").first().waitFor();
    const reward = page.locator(".metric").first().locator(".legend b").first();
    const earlier = await reward.innerText();
    for (const write of writes.slice(firstRl + 5, firstRl + 12)) applyWrite(growing, write);
    await expect.poll(() => reward.innerText(), { timeout: 10_000 }).not.toBe(earlier);
    for (const write of writes.slice(firstRl + 12)) applyWrite(growing, write);
    await page.locator(".run-head").getByText("finished").waitFor();
    await page.close();
  });

  it("shows hostile text as text, everywhere", async () => {
    const before = browser.troubles.length;
    const page = await openView(HOSTILE_NAME, "rollouts");
    const raw = page.locator(".raw");
    await raw.locator("summary").click();
    const shown = await raw.locator("pre").innerText();
    expect(shown).toContain("<script>globalThis.hacked = 1</script>");
    expect(shown).toContain("[U+001B][31m[U+0000][U+202E]");
    await page.getByRole("button", { name: "1·0" }).click();
    await expect.poll(() => raw.locator("summary").innerText()).toContain("1,048,576 characters");
    await keepPicture(page, "hostile-wide-light");
    for (const view of ["overview", "curves", "mismatch", "recipe"]) {
      await page.goto(`${dashboard.url}#/run/${encodeURIComponent(HOSTILE_NAME)}/${view}`);
      await page.locator("h1", { hasText: HOSTILE_NAME }).waitFor();
    }
    expect(await page.locator("main img, main script, main style").count()).toBe(0);
    expect(await page.evaluate(() => (globalThis as { hacked?: number }).hacked)).toBeUndefined();
    expect(browser.troubles.slice(before)).toEqual([]);
    await page.close();
  });

  it.each(["", ...["overview", "curves", "rollouts", "mismatch", "recipe"].map((view) => `run/finished/${view}`)])(
    "passes axe in light and dark, wide and narrow, and never scrolls sideways: #/%s",
    async (at) => {
      for (const viewport of [WIDE, NARROW_DARK]) {
        const page = await browser.open(`${dashboard.url}#/${at}`, viewport);
        await page.locator("main h1").waitFor();
        await page.waitForTimeout(500);
        expect(await axeFindings(page)).toEqual([]);
        const overflow = await page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");
        expect(overflow).toBeLessThanOrEqual(0);
        const name = at === "" ? "runs" : (at.split("/").at(-1) ?? at);
        await keepPicture(page, `${name}-${viewport.width}-${viewport.scheme}`);
        await page.close();
      }
    },
  );

  it("takes the person's choice of colours over the system's and keeps it", async () => {
    const page = await browser.open(dashboard.url, WIDE);
    const ground = (): Promise<string> => page.evaluate<string>("getComputedStyle(document.body).backgroundColor");
    const light = await ground();
    await page.getByLabel("Colours").selectOption("dark");
    expect(await ground()).not.toBe(light);
    await page.reload();
    expect(await ground()).not.toBe(light);
    await page.getByLabel("Colours").selectOption("system");
    expect(await ground()).toBe(light);
    await page.close();
  });

  it("asked nobody but the loopback server, and nothing went wrong in the page", () => {
    expect(browser.requests.length).toBeGreaterThan(50);
    const foreign = browser.requests.filter((url) => !url.startsWith(dashboard.url) && !url.startsWith("data:,"));
    expect(foreign).toEqual([]);
    expect(browser.troubles).toEqual([]);
  });
});

function writeHostileRun(folder: string): void {
  writeRunFixture(folder, { sftSteps: 4, rlSteps: 4, rolloutEvery: 4, groups: 2, groupSize: 2 });
  const file = path.join(folder, "rollouts/swa/step-000004.jsonl");
  const [record] = readRollouts(file);
  const base = { ...record!, arcs: null, prompt: HOSTILE, promptTokens: [HOSTILE], gold: HOSTILE };
  const hostile = { ...base, response: HOSTILE, tokens: [HOSTILE], logProbs: [-1], answer: HOSTILE };
  const long = "y".repeat(1 << 20);
  const huge = { ...base, group: 1, response: long, tokens: [long], logProbs: [-1] };
  fs.writeFileSync(file, encodeRollout(hostile) + encodeRollout(huge));
  fs.appendFileSync(path.join(folder, "recipe.yaml"), `note: ${JSON.stringify(HOSTILE)}\n`);
  applyWrite(folder, {
    file: "events.jsonl",
    text: `${JSON.stringify({ type: "notice", time: new Date().toISOString(), arm: null, stage: null, step: null, level: "warning", message: HOSTILE })}\n`,
  });
}

/** Once what was asked for is drawn. */
async function nextFrame(page: Page): Promise<void> {
  await page.evaluate("new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))");
}

/** What each chart shows, as data addresses. */
async function canvasPictures(page: Page): Promise<readonly string[]> {
  return page
    .locator(".metric canvas")
    .evaluateAll((all) => all.map((canvas) => (canvas as unknown as { toDataURL(): string }).toDataURL()));
}
