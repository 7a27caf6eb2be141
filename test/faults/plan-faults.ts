// Faults in how a graph becomes kernel calls: what is computed together and when, whose memory is whose.

import type { Fault } from "./fault.ts";
import { inFile } from "./in-native.ts";

export const PLAN_FAULTS: readonly Fault[] = [
  ...inFile(
    "units.ts",
    "units.test.ts",
    [
      [
        "a column is read along and down the rows by one loop",
        " || readsColumnOtherwise(nodes)",
        "",
        "unitsOf > does not join a row product with what reads its column down the rows",
      ],
      [
        "two loops that need each other are merged",
        "if (!both.has(other) && dependsOnEither(other)) return;",
        "",
        "unitsOf > does not merge two loops that would need each other",
      ],
      [
        "a merge is told to nobody who needs one of the merged",
        "raise(second, Math.max(first.latest, second.latest));",
        "",
        "unitsOf > does not merge loops one of which needs the other by way of an earlier merge",
      ],
      [
        "a merged loop counts as its own reader",
        "if (current(other) === second) others.delete(other);",
        "",
        "unitsOf > sees that a loop of several nodes may be the end that needs the most",
      ],
      [
        "what nothing waits for is left to the end",
        "ready.set(draft, main.has(draft) ? order.length : after);",
        "ready.set(draft, order.length);",
        "unitsOf > computes what nothing waits for once it can be computed",
      ],
      [
        "a loop reads its own row sum",
        " || isReduction(plainly(input)))",
        ")",
        "unitsOf > never lets a loop read a row sum of its own, directly or through another node",
      ],
    ],
    "nothing",
  ),
  ...inFile(
    "plan.ts",
    "plan.test.ts",
    [
      [
        "a value dies before its last reader",
        "lastRead.set(wholeOf(node, parts).source, index);",
        "lastRead.set(wholeOf(node, parts).source, index - 1);",
        "planProgram, avx2 > never keeps two values that are alive together in the same memory, on random graphs",
      ],
      [
        "a result takes the place of what its kernel reads in a second way",
        "(each) => each === source).length === 1",
        "(each) => each === source).length >= 1",
        "planProgram, avx2 > takes over no memory that the same kernel reads in a second way",
      ],
      [
        "a result takes the place of what its kernel reads a part of",
        "wholeOf(sourceOf(each), parts).source);",
        "sourceOf(each));",
        "planProgram, avx2 > takes over no memory whose part the same kernel reads",
      ],
      [
        "an input that is read later is written over",
        "if (index < written) continue;",
        "if (index !== written) continue;",
        "planProgram, avx2 > says which inputs are read after an output is written",
      ],
    ],
    "nothing",
  ),
  ...inFile(
    "joined.ts",
    "plan.test.ts",
    [
      [
        "a part lies where the one before it does",
        "offset += sizeOf(input.shape);",
        "",
        "planProgram, avx2 > computes the parts of a concatenation where they belong, and copies those that lie elsewhere",
      ],
    ],
    "nothing",
  ),
  ...inFile("native-program.ts", "native-program.test.ts", [
    [
      "computed indices are not checked",
      "checkIndices(bounds.outputs, outputs);",
      "",
      "NativeProgram > refuses an index of its own that points nowhere, after the run",
    ],
  ]),
  ...inFile(
    "bounds.ts",
    "bounds.test.ts",
    [
      [
        "an index one too large passes",
        "id >= count",
        "id > count",
        "checkIndices > takes 0 and the last, and names the first that lies outside",
      ],
    ],
    "nothing",
  ),
  ...inFile(
    "absorb.ts",
    "absorb.test.ts",
    [
      [
        "a product that is read elsewhere is taken into a sum",
        "readers.get(product) === 1 &&",
        "",
        "absorbSums > leaves a product alone that something else reads: a node, an output, the sum itself, a view",
      ],
    ],
    "nothing",
  ),
];
