// A real Chromium for the end-to-end suite: found on the machine, started fresh, watched for requests, errors and dialogs.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { createRequire } from "node:module";
import { chromium, type BrowserContext, type Page } from "playwright-core";

/** The machine's Chromium, or null: the suite then skips with a sentence. */
export function chromiumPath(): string | null {
  const named = process.env["SWARR_CHROMIUM"];
  const places = [
    ...(named === undefined || named === "" ? [] : [named]),
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
  ];
  return places.find((place) => fs.existsSync(place)) ?? null;
}

export interface WatchedBrowser {
  readonly context: BrowserContext;
  /** every address the pages asked for */
  readonly requests: readonly string[];
  /** console errors, uncaught errors, policy violations, dialogs */
  readonly troubles: readonly string[];
  open(url: string, view: Viewport): Promise<Page>;
  close(): Promise<void>;
}

export interface Viewport {
  readonly width: number;
  readonly height: number;
  readonly scheme: "light" | "dark";
}

export const WIDE: Viewport = { width: 1400, height: 900, scheme: "light" };
export const NARROW_DARK: Viewport = { width: 390, height: 844, scheme: "dark" };

export async function startBrowser(executablePath: string): Promise<WatchedBrowser> {
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), "swarr-chromium-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  const requests: string[] = [];
  const troubles: string[] = [];
  context.on("request", (request) => requests.push(request.url()));
  context.on("console", (message) => {
    if (message.type() === "error") troubles.push(`console: ${message.text()}`);
  });
  context.on("weberror", (error) => troubles.push(`uncaught: ${error.error().message}`));
  context.on("dialog", (dialog) => {
    troubles.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  return {
    context,
    requests,
    troubles,
    open: async (url, view) => {
      const page = await context.newPage();
      await page.setViewportSize({ width: view.width, height: view.height });
      await page.emulateMedia({ colorScheme: view.scheme });
      await page.goto(url);
      return page;
    },
    close: async () => {
      await context.close();
      fs.rmSync(profile, { recursive: true, force: true });
    },
  };
}

const axeSource = fs.readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What axe finds wrong with the page as it stands, one sentence a rule and place. */
export async function axeFindings(page: Page): Promise<readonly string[]> {
  await page.evaluate(axeSource);
  return page.evaluate(async () => {
    interface Finding {
      readonly id: string;
      readonly help: string;
      readonly nodes: readonly { readonly target: readonly string[]; readonly failureSummary?: string }[];
    }
    const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: readonly Finding[] }> } };
    const { violations } = await axe.run();
    return violations.flatMap(({ id, help, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id}: ${help}: ${target.join(" ")}: ${failureSummary ?? ""}`),
    );
  });
}

/** Keeps a picture where SWARR_SCREENSHOTS names a folder, for a person to look at. */
export async function keepPicture(page: Page, name: string): Promise<void> {
  const folder = process.env["SWARR_SCREENSHOTS"];
  if (folder === undefined || folder === "") return;
  fs.mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: path.join(folder, `${name}.png`), fullPage: true });
}
