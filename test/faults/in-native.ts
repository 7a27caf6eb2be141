// Faults of the native room, a file at a time, and the set of instructions whose tests are to notice them.

import { instructionSets } from "../../src/native/features.ts";
import { AVX2 } from "../../src/native/instruction-set.ts";
import type { Fault } from "./fault.ts";

type Row = readonly [name: string, find: string, replace: string, test: string];

/** The set of instructions in which tests of all sets are to notice a fault: the best one here. */
const SET = (instructionSets().find(({ name }) => name !== "amx") ?? AVX2).name;

/** `needs` is the set that the test runs machine code in; with "any" its `describe` is named without one. */
export function inFile(
  file: string,
  testFile: string,
  rows: readonly Row[],
  needs: Fault["needsNative"] | "nothing" = "any",
): Fault[] {
  return rows.map(([name, find, replace, test]) => ({
    name,
    file: `src/native/${file}`,
    find,
    replace,
    testFile: `src/native/${testFile}`,
    test: needs === "any" ? test.replace(" > ", `, ${SET} > `) : test,
    ...(needs === "nothing" ? {} : { needsNative: needs }),
  }));
}
