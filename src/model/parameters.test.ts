// What a new model may be.

import { expect, it } from "vitest";
import { tinyConfig } from "../../test/support/tiny-model.ts";
import { initialWeights } from "./parameters.ts";

it("refuses to draw more parameters than a new model may have, before it draws any", () => {
  const config = tinyConfig({ width: 2 ** 16, headWidth: 2 ** 14, layerCount: 1024 });
  expect(() => initialWeights(config, 1)).toThrow(/would have \d+ parameters.*at most 2147483648.*BAD_CONFIG/);
});
