// Members that compute on shared memory and members that compute on copies, through the same steps.

import { describe, expect, it } from "vitest";
import { tinyConfig, tinyWeights } from "../../test/support/tiny-model.ts";
import { parametersOf } from "../model/parameters.ts";
import { copyWeights, newNumbers, newSharedMemory, openSharedState } from "./shared-state.ts";
import { copiedWeights, sharedWeights } from "./trained.ts";

const config = tinyConfig();
const parameters = parametersOf(config);

describe.each(["shared", "copied"] as const)("weights that are %s", (kind) => {
  const shared = openSharedState(parameters, newSharedMemory(parameters, 2));
  copyWeights(shared.trained, tinyWeights(config));
  const members = [0, 1].map((index) =>
    kind === "shared" ? sharedWeights(shared, index) : copiedWeights(config, shared, index, newNumbers(parameters)),
  );

  it("are the trained ones after a renewal", () => {
    for (const member of members) {
      member.renew();
      expect(member.weights).toEqual(tinyWeights(config));
    }
    for (const data of shared.trained.values()) data.fill(3);
    for (const member of members) {
      member.renew();
      expect([...member.weights.values()].every((data) => data.every((x) => x === 3))).toBe(true);
    }
  });

  it("have their gradients with the others' once published, and none once forgotten", () => {
    for (const round of [1, 2]) {
      members.forEach((member, index) => {
        for (const sum of member.sums.values()) for (let i = 0; i < sum.length; i++) sum[i]! += round + index;
      });
      for (const member of members) member.publish();
      shared.gradients.forEach((gradients, index) => {
        for (const data of gradients.values()) expect(data.every((x) => x === round + index)).toBe(true);
      });
      for (const member of members) member.forget();
      for (const { sums } of members) {
        for (const data of sums.values()) expect(data.every((x) => x === 0)).toBe(true);
      }
    }
  });
});
