// The report in a real browser: readable for everybody, on any screen, and asking for nothing.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeReport } from "../../src/report/report.ts";
import {
  NARROW_DARK,
  WIDE,
  axeFindings,
  chromiumPath,
  keepPicture,
  startBrowser,
  type WatchedBrowser,
} from "../support/browser.ts";
import { writeRunFixture } from "../support/run-fixture.ts";

const executable = chromiumPath();

describe.skipIf(executable === null)("report.html", () => {
  let folder: string;
  let browser: WatchedBrowser;

  beforeAll(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "swarr-report-e2e-"));
    writeRunFixture(folder, { sftSteps: 40, rlSteps: 30 });
    browser = await startBrowser(executable ?? "");
  });
  afterAll(async () => {
    await browser.close();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  it.each([WIDE, NARROW_DARK])(
    "passes axe, never scrolls sideways and loads one file: $width $scheme",
    async (viewport) => {
      const url = pathToFileURL(writeReport(folder).html).href;
      const before = browser.requests.length;
      const page = await browser.open(url, viewport);
      await page.getByText("Recipe, every default written out").click();
      expect(await axeFindings(page)).toEqual([]);
      expect(await page.evaluate<number>("document.documentElement.scrollWidth - innerWidth")).toBeLessThanOrEqual(0);
      expect(await page.locator("svg.chart").count()).toBe(14);
      expect(browser.requests.slice(before).filter((asked) => !asked.startsWith("data:,"))).toEqual([url]);
      expect(browser.troubles).toEqual([]);
      await keepPicture(page, `report-${viewport.width}-${viewport.scheme}`);
      await page.close();
    },
  );
});
