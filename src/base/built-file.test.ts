// Where built neighbours are looked for.

import { describe, expect, it } from "vitest";
import { builtNeighbour } from "./built-file.ts";

describe("builtNeighbour", () => {
  it.each([
    ["file:///home/src/swarr/src/verify/pool.ts", "file:///home/src/swarr/dist/verify/worker.js"],
    ["file:///C:/swarr/dist/verify/pool.js", "file:///C:/swarr/dist/verify/worker.js"],
  ])("beside %s it is %s", (here, there) => {
    expect(builtNeighbour(here, "worker").href).toBe(there);
  });
});
