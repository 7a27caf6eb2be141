// The update as machine code beside the update as WebAssembly: the same bits, whatever the factors.

import { expect, it } from "vitest";
import { drawnArrays, placesInLines } from "../../test/support/adamw-arrays.ts";
import { describeInSets } from "../../test/support/native-kernel.ts";
import { randomStream } from "../base/seeds.ts";
import { adamwKernel, type AdamwArrays, type AdamwFactors } from "./adamw-kernel.ts";
import { nativeAdamw } from "./native-adamw.ts";

const LENGTHS = [1, 5, 16, 17, 1023];

function factors(seed: number): AdamwFactors {
  const random = randomStream({ root: seed, purpose: "adamw factors" });
  return {
    gradientScale: random.uniform(),
    beta1: random.uniform(),
    beta2: random.uniform(),
    epsilon: 1e-8 * random.uniform(),
    meanScale: 1e-3 * random.uniform(),
    rootScale: 1 + 10 * random.uniform(),
    keep: 1 - 1e-3 * random.uniform(),
  };
}

describeInSets("nativeAdamw", ({ name }) => {
  it("gives what WebAssembly gives, to the bit", async () => {
    const native = await nativeAdamw(name);
    const webAssembly = adamwKernel(null);
    for (const [seed, length] of LENGTHS.entries()) {
      const [ours, theirs] = [0, 1].map(() => drawnArrays(seed, placesInLines(length))) as [AdamwArrays, AdamwArrays];
      for (const step of [1, 2, 3]) {
        native!(ours, factors(100 * seed + step));
        webAssembly(theirs, factors(100 * seed + step));
      }
      expect(ours, `${length} numbers`).toEqual(theirs);
    }
  });

  it("is made once a thread", async () => {
    expect(await nativeAdamw(name)).toBe(await nativeAdamw(name));
  });
});

it("is left to WebAssembly where ONNX Runtime computes", async () => {
  expect(await nativeAdamw("onnxruntime")).toBeNull();
});
