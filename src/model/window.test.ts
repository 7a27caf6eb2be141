import { describe, expect, it } from "vitest";
import { everyNthLayer, slidingWindow, visible, windowMask, windowPlan, withWindow } from "./window.ts";
import { tinyConfig } from "../../test/support/tiny-model.ts";

describe("windowMask", () => {
  it("shows each query itself and the two before it when the window is 3", () => {
    expect([...windowMask(5, 3)]).toEqual([
      ...[1, 0, 0, 0, 0],
      ...[1, 1, 0, 0, 0],
      ...[1, 1, 1, 0, 0],
      ...[0, 1, 1, 1, 0],
      ...[0, 0, 1, 1, 1],
    ]);
  });

  it("keeps the first two positions in sight with two sink tokens, never a later key", () => {
    expect([...windowMask(5, 2, 2)]).toEqual([
      ...[1, 0, 0, 0, 0],
      ...[1, 1, 0, 0, 0],
      ...[1, 1, 1, 0, 0],
      ...[1, 1, 1, 1, 0],
      ...[1, 1, 0, 1, 1],
    ]);
  });

  it("agrees with `visible` for every query, key, window and number of sinks", () => {
    for (const window of [null, 1, 2, 5, 7, 100]) {
      for (const sinks of [0, 1, 3, 9]) {
        const mask = windowMask(7, window, sinks);
        for (let query = 0; query < 7; query++) {
          for (let key = 0; key < 7; key++) {
            const label = `window ${window}, sinks ${sinks}, query ${query}, key ${key}`;
            expect(mask[query * 7 + key] === 1, label).toBe(visible(query, key, window, sinks));
          }
        }
      }
    }
  });

  it("is full attention as soon as the window reaches the length", () => {
    expect(windowMask(6, 6)).toEqual(windowMask(6, null));
    expect(windowMask(6, 5)).not.toEqual(windowMask(6, null));
  });

  it.each([0, -1, 2.5, NaN, 2 ** 31])("refuses the window %s", (window) => {
    expect(() => windowMask(4, window)).toThrow(/BAD_WINDOW/);
  });
});

describe("windowPlan", () => {
  it("slides every layer but those named", () => {
    expect(windowPlan({ layerCount: 4, window: 9, fullAttentionLayers: [0, 2] })).toEqual([null, 9, null, 9]);
  });

  it.each([[[4]], [[-1]], [[1.5]], [[1, 1]]])("refuses the full layers %j of a model of four", (layers) => {
    expect(() => windowPlan({ layerCount: 4, window: 9, fullAttentionLayers: layers })).toThrow(/BAD_WINDOW/);
  });
});

describe("everyNthLayer", () => {
  it("names the last of every n", () => {
    expect(everyNthLayer(7, 3)).toEqual([2, 5]);
    expect(() => everyNthLayer(7, 1)).toThrow(/BAD_WINDOW/);
  });
});

describe("withWindow", () => {
  it("replaces the window of every layer, also of those that were full", () => {
    const config = tinyConfig({ windows: [null, 5] });
    expect(withWindow(config, 3).windows).toEqual([3, 3]);
    expect(withWindow(config, 3, [1]).windows).toEqual([3, null]);
    expect(withWindow(config, null).windows).toEqual([null, null]);
  });
});

describe("slidingWindow", () => {
  it("is the one width of the sliding layers, and refuses two widths", () => {
    expect(slidingWindow([null, 4, 4])).toBe(4);
    expect(slidingWindow([null, null])).toBeNull();
    expect(() => slidingWindow([3, 4])).toThrow(/different windows \(3, 4\).*BAD_WINDOW/);
  });
});
