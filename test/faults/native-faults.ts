// Faults in kernels: what is computed, where it is read and written.

import type { Fault } from "./fault.ts";
import { inFile } from "./in-native.ts";

export const NATIVE_FAULTS: readonly Fault[] = [
  ...inFile("pointwise.ts", "pointwise.test.ts", [
    [
      "a row sum takes in what lies beyond the row",
      "sources[0]!, { mask });",
      "sources[0]!);",
      "emitPointwise > adds up rows of any length, over one axis and several, beside values that are kept",
    ],
    [
      "outer axes stand still",
      "4 * (strides[i]! - passed)",
      "0",
      "emitPointwise > repeats operands over any axes: none, the last, the first, one in the middle, all",
    ],
  ]),
  ...inFile("live-registers.ts", "pointwise.test.ts", [
    [
      "values that lost their registers share a place",
      "4 * this.#to.lanes * this.#slots.size",
      "0",
      "emitPointwise > keeps more values than there are registers, of which each is used again when all are there",
    ],
    [
      "an array is read again after a result took its place",
      "if (slot !== undefined)",
      "if (slot !== undefined && load === undefined)",
      "emitPointwise > reads an array again at the end, after a result took its place and the registers went to others",
    ],
  ]),
  ...inFile(
    "avx2.ts",
    "assembler.test.ts",
    [
      [
        "lanes outside a mask are written over",
        'this.plain("vblendps", dst, dst, operand, 2 ** lanes - 1);',
        'this.plain("vblendps", dst, dst, operand, 255);',
        "Assembler, by running its code, avx2 > computes in the lanes of a mask alone, on operands of every kind: the others are kept, or zero",
      ],
      [
        "a store under a mask writes all lanes",
        'this.plain("vmaskmovpsStore", from, SPARE, to);',
        'this.plain("vmovupsStore", from, 0, to);',
        "Assembler, by running its code, avx2 > leaves lanes outside a mask: zero when loaded, untouched when stored",
      ],
    ],
    "avx2",
  ),
  ...inFile(
    "vector-math.ts",
    "vector-math.test.ts",
    [
      [
        "a power of two is one factor where it has to be two",
        "shiftRight(to, n, x, 1);",
        "shiftRight(to, n, x, 31);",
        "emitExp, avx2 > lies within 2 ulp of float64, results below the normal numbers included",
      ],
      [
        "numbers below the normal ones are taken for normal",
        "compare(LESS, SMALLEST_NORMAL);",
        "compare(LESS, 0);",
        "emitLog, avx2 > lies within 2 ulp of float64 for every kind of positive number",
      ],
    ],
    "avx2",
  ),
  ...inFile("gemm-tile.ts", "gemm.test.ts", [
    [
      "the last few steps of k are skipped",
      "for (let l = 0; l < depth % UNROLL; l++) step(l);",
      "",
      "emitGemm > 'A plain, B plain' > equals float64 on every edge of a tile, a panel and a turned square",
    ],
  ]),
  ...inFile("gemm-block.ts", "seven-products.test.ts", [
    [
      "every product multiplies the first one's sum of B",
      "emitPackB(to, shape, { width, depth, terms: b });",
      "emitPackB(to, shape, { width, depth, terms: products[0]!.b });",
      "emitGemm of seven products > 'A plain, B plain' > is exact on whole numbers, on every edge of a tile, a panel and a turned square",
    ],
  ]),
  ...inFile("gemm-pack.ts", "seven-products.test.ts", [
    [
      "a part that is taken away is added",
      'to.vector(minus ? "vsubps" : "vaddps", dst, dst, part, { mask });',
      'to.vector("vaddps", dst, dst, part, { mask });',
      "emitGemm of seven products > 'A plain, B plain' > is exact on whole numbers, on every edge of a tile, a panel and a turned square",
    ],
  ]),
  ...inFile("seven-products.ts", "native-program.test.ts", [
    [
      "a product that adds forgets what it adds to",
      'first ? (adds ? "added" : "zero")',
      'first ? "zero"',
      "NativeProgram > adds to the array of an input of the same shape, run after run",
    ],
  ]),
  ...inFile("seven-products.ts", "seven-products.test.ts", [
    [
      "a quarter of C starts again with each product that reaches it",
      "reached.add(term.disp);",
      "",
      "emitGemm of seven products > 'A plain, B plain' > is exact on whole numbers, on every edge of a tile, a panel and a turned square",
    ],
  ]),
  ...inFile(
    "seven-products.ts",
    "seven-products.test.ts",
    [
      [
        "products with a short side are halved too",
        "side >= tileOf(set).smallestHalved && ",
        "",
        "hasHalves > asks for sides that are even and at least 256 in 'avx2'",
      ],
    ],
    "nothing",
  ),
  ...inFile(
    "gemm-amx.ts",
    "gemm-amx.test.ts",
    [
      [
        "the smallest parts are multiplied by nothing",
        "    [2, 0],",
        "",
        "emitGemm by AMX > 'A plain, B plain' > is exact on whole numbers, on every edge of a tile and a panel",
      ],
      [
        "a tile at the edge starts from anything instead of what it adds to",
        'emitCopyRows(to, shape, corner, "from", start, edge);',
        "",
        "emitGemm by AMX > 'A plain, B plain, added to a matrix' > is exact on whole numbers, on every edge of a tile and a panel",
      ],
      [
        "every pass over k multiplies the panels of the first",
        "to.addConstant(RAX, panelBytes(shape, depth));",
        "",
        "emitGemm by AMX > 'A plain, B plain' > is exact on whole numbers over several chunks of rows, passes of k and blocks of columns",
      ],
      [
        "the second tile of columns is the first again",
        "to.multiplyTiles(1, a, b + 1);",
        "to.multiplyTiles(1, a, b);",
        "emitGemm by AMX > 'A plain, B plain' > is exact on whole numbers, on every edge of a tile and a panel",
      ],
    ],
    "amx",
  ),
  ...inFile(
    "amx-squares.ts",
    "gemm-amx.test.ts",
    [
      [
        "the second part takes the first along",
        'to.vector("vsubps", rest, rest, leading);',
        "",
        "emitGemm by AMX > 'A plain, B plain' > is exact on whole numbers, on every edge of a tile and a panel",
      ],
      [
        "the second numbers of pairs are left out",
        'to.vector("vpord", low, low, high);',
        "",
        "emitGemm by AMX > 'A plain, B turned' > is exact on whole numbers, on every edge of a tile and a panel",
      ],
      [
        "parts are cut off towards zero",
        'to.vector("vpaddd", leading, rest, HALF_BIT, { broadcast: true });',
        "to.copyVector(leading, rest);",
        "emitGemm by AMX > errs to neither side where every number is positive",
      ],
      [
        "a row's end reads on behind it",
        "if (first < HALF) to.maskOf(FIRST_HALF, first);",
        "to.maskOf(FIRST_HALF, HALF);",
        "emitGemm by AMX > 'A plain, B turned' > is exact on whole numbers, on every edge of a tile and a panel",
      ],
    ],
    "amx",
  ),
  ...inFile(
    "gemm-block.ts",
    "gemm.test.ts",
    [
      [
        "blocks forget the cache they are told of",
        "return secondCache ?? tileOf(set).secondCache;",
        "return tileOf(set).secondCache;",
        "blocksOf > gives a block of B half of the second cache, whose size the set knows or is told: 'avx512'",
      ],
    ],
    "nothing",
  ),
  ...inFile(
    "calls.ts",
    "plan.test.ts",
    [
      [
        "products that are to be plain are split",
        'if (products === "plain" || shape.m === 1) return shape;',
        "if (shape.m === 1) return shape;",
        "planProgram, linear maps > multiplies each in the way that is asked for and that the set has",
      ],
    ],
    "nothing",
  ),
  ...inFile("index-kernels.ts", "index-kernels.test.ts", [
    [
      "a rotation turns the other way",
      'inverse ? "vfmadd231ps" : "vfnmadd231ps", left',
      'inverse ? "vfnmadd231ps" : "vfmadd231ps", left',
      "emitRotate > turns both halves of every head by its position, apart and in place; inverse: false",
    ],
  ]),
  ...inFile("loop-call.ts", "units.test.ts", [
    [
      "the column of a row product stands still along the row",
      "asColumn ? [0, 1]",
      "asColumn ? [1, 0]",
      "a program of units > gives a column that is read along and down the rows the right strides in each",
    ],
    [
      "an operand that is stretched is read in other steps",
      ": broadcastStrides(array.shape, shape)",
      ": broadcastStrides(array.shape, shape).reverse()",
      "a program of units > gives the interpreter's numbers for random graphs of every op",
    ],
    [
      "a result takes the place of what its loop has yet to read",
      " && first(array) <= nodes.indexOf(result)",
      "",
      "a program of units > reads an array before a result of the same loop takes its place",
    ],
  ]),
  ...inFile("kernel-call.ts", "units.test.ts", [
    [
      "kernels of different infinities are one",
      "JSON.stringify(sizes, exact)",
      "JSON.stringify(sizes)",
      "a program of units > tells numbers apart that JSON does not: infinities and minus zero",
    ],
  ]),
  ...inFile("adamw.ts", "adamw.test.ts", [
    [
      "the squared gradient is averaged with the mean's weight",
      'to.vector("vmulpd", step, gradient, factor("rest2"));',
      'to.vector("vmulpd", step, gradient, factor("rest1"));',
      "AdamwCode > updates 1 numbers, and nothing behind them",
    ],
    [
      "what is left over after whole vectors is not updated",
      "Math.ceil(length / this.#elements)",
      "Math.floor(length / this.#elements)",
      "AdamwCode > updates 9 numbers, and nothing behind them",
    ],
  ]),
];
