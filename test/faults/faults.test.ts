// Every planted fault breaks the test that is named for it: a test that no fault can break is not yet a test.

import { afterAll, describe, expect, it } from "vitest";
import { INSTRUCTION_SETS } from "../../src/native/instruction-set.ts";
import { canUse } from "../support/can-use.ts";
import type { Fault } from "./fault.ts";
import { GRADIENT_FAULTS } from "./gradient-faults.ts";
import { DATA_FAULTS } from "./data-faults.ts";
import { NATIVE_FAULTS } from "./native-faults.ts";
import { PLAN_FAULTS } from "./plan-faults.ts";
import { RULE_FAULTS } from "./rule-faults.ts";
import { applies, openPlantation, type Outcomes } from "./plant.ts";

const everyFault: readonly Fault[] = [
  ...RULE_FAULTS,
  ...DATA_FAULTS,
  ...GRADIENT_FAULTS,
  ...NATIVE_FAULTS,
  ...PLAN_FAULTS,
];
const testable = everyFault.filter(
  ({ needsNative: needs }) =>
    needs === undefined || INSTRUCTION_SETS.some((set) => (needs === "any" || needs === set.name) && canUse(set)),
);
const planted = process.env["SWARR_SUITE"] === "faults" ? testable : testable.filter((fault) => fault.quick);

const plantation = openPlantation();
const healthy = new Map<string, Outcomes>();
afterAll(() => {
  plantation.dispose();
});

describe("planted fault", () => {
  it.each(planted.map((fault) => [fault.name, fault] as const))("is noticed (%s)", (_, fault) => {
    const before = healthy.get(fault.testFile) ?? plantation.runHealthy(fault.testFile);
    healthy.set(fault.testFile, before);
    expect(before.get(fault.test), `"${fault.test}" in ${fault.testFile} of the healthy tree`).toBe("passed");
    expect(plantation.runFaulty(fault).get(fault.test), `"${fault.test}" with the fault planted`).toBe("failed");
  });
});

describe("the list of faults", () => {
  it("names a piece of a line that its file has exactly once", () => {
    const stale = everyFault
      .filter(({ file, find }) => !applies(file, find))
      .map(({ name, file }) => `${name} (${file})`);
    expect(stale).toEqual([]);
  });

  it("names each fault once", () => {
    const names = everyFault.map((fault) => `${fault.name}: ${fault.find} -> ${fault.replace}`);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  });
});
