// Every vector instruction of the native room's AVX2 assembler against the bytes that GNU as makes of it (scripts/record-encodings.py).

import {
  at,
  indexed,
  literal,
  R12,
  R13,
  R8,
  R9,
  RAX,
  RBP,
  RBX,
  RCX,
  RDI,
  RDX,
  RSI,
  RSP,
  type Memory,
  type VectorOptions,
} from "../../src/native/assembler.ts";
import { Avx2Assembler } from "../../src/native/avx2.ts";
import type { Avx2Op } from "../../src/native/vector-ops.ts";
import { describeEncodings, placeOf, type EncodingLine } from "../support/encodings.ts";

type Line = EncodingLine<Avx2Assembler>;

interface Form {
  readonly sources: 1 | 2;
  /** the instruction's name, where it has another one in VEX */
  readonly name?: string;
  /** the immediate, and how it reads where it does not stand for a number */
  readonly immediate?: number;
  readonly last?: string;
  /** works on the first lane only */
  readonly scalar?: true;
}
const ONE: Form = { sources: 1 };
const TWO: Form = { sources: 2 };
const SCALAR: Form = { sources: 2, scalar: true };

/** Ops that take other kinds of operands; they have lines of their own. */
type Special =
  | "vmovss"
  | "vmovssStore"
  | "vmovupsStore"
  | "vmovupsHalfStore"
  | "vbroadcastsd"
  | "vcvtps2pd"
  | "vcvtpd2ps"
  | "vmaskmovps"
  | "vmaskmovpsStore"
  | "vmovmskps"
  | "vpslld"
  | "vpsrad";

/** How each op is called; an op without a row does not compile. */
const FORMS: Record<Exclude<Avx2Op, Special>, Form> = {
  // Between registers as would store where that is shorter.
  vmovups: { ...ONE, name: "{load} vmovups" },
  vbroadcastss: ONE,
  vaddps: TWO,
  vmulps: TWO,
  vsubps: TWO,
  vminps: TWO,
  vdivps: TWO,
  vmaxps: TWO,
  vsqrtps: ONE,
  vsqrtss: SCALAR,
  vdivss: SCALAR,
  vfmadd132ps: TWO,
  vfmadd213ps: TWO,
  vfmadd231ps: TWO,
  vfnmadd213ps: TWO,
  vfnmadd231ps: TWO,
  vpxord: { ...TWO, name: "vpxor" },
  vpandd: { ...TWO, name: "vpand" },
  vpord: { ...TWO, name: "vpor" },
  vpaddd: TWO,
  vpsubd: TWO,
  vpmulld: TWO,
  vpminsd: TWO,
  vpermps: TWO,
  vrndscaleps: { ...ONE, name: "vroundps", immediate: 8 },
  vcvttps2dq: ONE,
  vcvtdq2ps: ONE,
  vcvtps2dq: ONE,
  vunpcklps: TWO,
  vunpckhps: TWO,
  vunpcklpd: TWO,
  vunpckhpd: TWO,
  vaddpd: TWO,
  vmulpd: TWO,
  vsubpd: TWO,
  vdivpd: TWO,
  vsqrtpd: ONE,
  vpermilps: { ...ONE, immediate: 177 },
  vblendps: { ...TWO, immediate: 90 },
  vblendvps: { ...TWO, immediate: 12 << 4, last: "ymm12" },
  vcmpps: { ...TWO, immediate: 30 },
  vperm2f128: { ...TWO, immediate: 49 },
};

/** Destination, first and second source; low registers, and high ones in each of these. */
const REGISTERS = [
  [1, 2, 3],
  [9, 2, 3],
  [1, 10, 3],
  [1, 2, 11],
  [15, 14, 13],
] as const;
const PLACES = [at(RBX, 64), indexed(R13, R12, 8, -256)];

function vectorLines(op: keyof typeof FORMS): Line[] {
  const { sources, name = op, immediate, last = immediate, scalar = false } = FORMS[op];
  const own = scalar ? "xmm" : "ymm";
  const line = (dst: number, first: number, second: number | Memory): Line => {
    const from = typeof second === "number" ? `${op === "vbroadcastss" ? "xmm" : own}${second}` : placeOf(second);
    const operands = [`${own}${dst}`, ...(sources === 2 ? [`${own}${first}`] : []), from, ...(last === undefined ? [] : [last])];
    const text = `${name} ${operands.join(", ")}`;
    return [text, (to) => to.plain(op, dst, sources === 2 ? first : 0, second, immediate)];
  };
  return [
    ...REGISTERS.map(([dst, first, second]) => line(dst, first, second)),
    ...PLACES.flatMap((where) => [line(1, 2, where), line(9, 10, where)]),
  ];
}

const special: readonly Line[] = [
  // A shift by a constant names its op where others name the destination, which takes the place of the first source.
  ...REGISTERS.flatMap(([dst, , second]): Line[] => [
    [`vpslld ymm${dst}, ymm${second}, 23`, (to) => to.plain("vpslld", 6, dst, second, 23)],
    [`vpsrad ymm${dst}, ymm${second}, 23`, (to) => to.plain("vpsrad", 4, dst, second, 23)],
    [`vbroadcastsd ymm${dst}, xmm${second}`, (to) => to.plain("vbroadcastsd", dst, 0, second)],
    [`vcvtps2pd ymm${dst}, xmm${second}`, (to) => to.plain("vcvtps2pd", dst, 0, second)],
    [`vcvtpd2ps xmm${dst}, ymm${second}`, (to) => to.plain("vcvtpd2ps", dst, 0, second)],
  ]),
  ...[3, 11].flatMap((from): Line[] => [
    [`vmovmskps eax, ymm${from}`, (to) => to.plain("vmovmskps", RAX, 0, from)],
    [`vmovmskps edi, ymm${from}`, (to) => to.plain("vmovmskps", RDI, 0, from)],
  ]),
  ...PLACES.flatMap((where) =>
    [
      [1, 2],
      [9, 10],
    ].flatMap(([register, mask]): Line[] => [
      [`vmovss xmm${register}, ${placeOf(where)}`, (to) => to.plain("vmovss", register!, 0, where)],
      [`vmovss ${placeOf(where)}, xmm${register}`, (to) => to.plain("vmovssStore", register!, 0, where)],
      [`vmovups ${placeOf(where)}, ymm${register}`, (to) => to.plain("vmovupsStore", register!, 0, where)],
      [`vmovups ${placeOf(where)}, xmm${register}`, (to) => to.plain("vmovupsHalfStore", register!, 0, where)],
      [`vbroadcastsd ymm${register}, ${placeOf(where)}`, (to) => to.plain("vbroadcastsd", register!, 0, where)],
      [`vcvtps2pd ymm${register}, ${placeOf(where)}`, (to) => to.plain("vcvtps2pd", register!, 0, where)],
      [`vmaskmovps ymm${register}, ymm${mask}, ${placeOf(where)}`, (to) => to.plain("vmaskmovps", register!, mask!, where)],
      [`vmaskmovps ${placeOf(where)}, ymm${mask}, ymm${register}`, (to) => to.plain("vmaskmovpsStore", register!, mask!, where)],
    ]),
  ),
];

const displacements = [RAX, RSP, RBP, R12, R13].flatMap((base): Line[] => [
  ...[0, 64, -128, 127, 128, -129, 1000000].flatMap((disp): Line[] => {
    const where = at(base, disp);
    return [
      [`vaddps ymm1, ymm2, ${placeOf(where)}`, (to) => to.vector("vaddps", 1, 2, where)],
      [`vbroadcastss ymm9, ${placeOf(where)}`, (to) => to.broadcast(9, where)],
    ];
  }),
  ...[RAX, RBP, R12, R13].flatMap((index): Line[] => {
    const [four, one] = [indexed(base, index, 4, 128), indexed(base, index, 1)];
    return [
      [`vaddps ymm1, ymm2, ${placeOf(four)}`, (to) => to.vector("vaddps", 1, 2, four)],
      [`vpmulld ymm9, ymm10, ${placeOf(one)}`, (to) => to.vector("vpmulld", 9, 10, one)],
    ];
  }),
]);

const vectorCalls: readonly Line[] = [
  ["vmovups ymm4, [rsi+64]", (to) => to.loadVector(4, at(RSI, 64))],
  ["vmovups [rdi+64], xmm12", (to) => to.storeHalf(at(RDI, 64), 12)],
  ["vmovups [rdi+64], ymm12", (to) => to.storeVector(at(RDI, 64), 12)],
  ["{load} vmovups ymm4, ymm12", (to) => to.copyVector(4, 12)],
  ["vbroadcastss ymm9, [r9+8]", (to) => to.broadcast(9, at(R9, 8))],
  ["vbroadcastss ymm9, xmm7", (to) => to.broadcastLane(9, 7)],
  ["vpxor ymm13, ymm13, ymm13", (to) => to.zeroVector(13)],
  ["vmovss xmm2, [r8+4]", (to) => to.loadScalar(2, at(R8, 4))],
  ["vmovss [r8+4], xmm11", (to) => to.storeScalar(at(R8, 4), 11)],
];

/** The directives that put eight numbers behind the code. */
const behind = (words: string): string => `.balign 32, 0x90; 1: ${words}`;
const first = (lanes: number): string =>
  behind(`.long ${Array.from({ length: 8 }, (_, lane) => (lane < lanes ? -1 : 0)).join(", ")}`);
const allLanes = (value: number): string => behind(`.float ${new Array<number>(8).fill(value).join(", ")}`);

/** A call of `vector` under a mask of so many lanes. */
function masked(lanes: number, ...[op, dst, from, second, options]: Parameters<Avx2Assembler["vector"]>): Line[1] {
  return (to) => {
    to.maskOf(3, lanes);
    to.vector(op, dst, from, second, { ...options, mask: 3 });
  };
}

const LOAD = "vmovups ymm15, [rip+1f]; vmaskmovps ymm15, ymm15, [rsi+64]";
const ZERO: VectorOptions = { zero: true };
const ALL: VectorOptions = { broadcast: true };
const masks: readonly Line[] = [
  [`vmovups ymm4, [rip+1f]; vmaskmovps ymm4, ymm4, [rsi+64]; ${first(5)}`, masked(5, "vmovups", 4, 0, at(RSI, 64), ZERO)],
  [
    `vmovups ymm15, [rip+1f]; vmaskmovps [rdi+64], ymm15, ymm4; ${first(3)}`,
    (to) => {
      to.maskOf(7, 3);
      to.storeVector(at(RDI, 64), 4, 7);
    },
  ],
  ["vblendps ymm4, ymm4, ymm9, 31", masked(5, "vmovups", 4, 0, 9)],
  [`vpand ymm9, ymm4, [rip+1f]; ${first(7)}`, masked(7, "vmovups", 9, 0, 4, ZERO)],
  [`${LOAD}; vblendps ymm4, ymm4, ymm15, 31; ${first(5)}`, masked(5, "vmovups", 4, 0, at(RSI, 64))],
  ["vaddps ymm15, ymm2, ymm3; vblendps ymm1, ymm1, ymm15, 1", masked(1, "vaddps", 1, 2, 3)],
  [`vaddps ymm15, ymm2, ymm3; vpand ymm1, ymm15, [rip+1f]; ${first(1)}`, masked(1, "vaddps", 1, 2, 3, ZERO)],
  [
    `${LOAD}; vmulps ymm15, ymm12, ymm15; vblendps ymm9, ymm9, ymm15, 127; ${first(7)}`,
    masked(7, "vmulps", 9, 12, at(RSI, 64)),
  ],
  [
    `${LOAD}; vroundps ymm15, ymm15, 8; vpand ymm9, ymm15, [rip+1f]; ${first(7)}`,
    masked(7, "vrndscaleps", 9, 0, at(RSI, 64), { ...ZERO, immediate: 8 }),
  ],
];

const broadcasts: readonly Line[] = [
  ["vbroadcastss ymm15, [rcx+4]; vaddps ymm3, ymm12, ymm15", (to) => to.vector("vaddps", 3, 12, at(RCX, 4), ALL)],
  [
    "vbroadcastss ymm15, [rcx+4]; vsubps ymm15, ymm12, ymm15; vblendps ymm3, ymm3, ymm15, 3",
    masked(2, "vsubps", 3, 12, at(RCX, 4), ALL),
  ],
  [`vaddps ymm3, ymm12, [rip+1f]; ${allLanes(2.5)}`, (to) => to.vector("vaddps", 3, 12, literal(2.5), ALL)],
  [
    `vaddps ymm15, ymm12, [rip+1f]; vblendps ymm3, ymm3, ymm15, 3; ${allLanes(-0.5)}`,
    masked(2, "vaddps", 3, 12, literal(-0.5), ALL),
  ],
];

const comparisons: readonly Line[] = [
  [
    `vcmpps ymm9, ymm2, ymm13, 30; vpand ymm9, ymm9, [rip+1f]; ${allLanes(1)}`,
    (to) => to.oneWhereGreater(9, 2, 13),
  ],
  ["vcmpps ymm15, ymm2, ymm13, 0; vmovmskps edx, ymm15", (to) => to.lanesWhereEqual(RDX, 2, 13)],
];

const literals: readonly Line[] = [
  [
    "vbroadcastss ymm1, [rip+2f]; vaddps ymm9, ymm2, [rip+1f]; vroundps ymm3, [rip+1f], 8; vmovss xmm3, [rip+3f]; " +
      `ret; ${allLanes(2.5)}; 2: .float -1; 3: .float 0.5`,
    (to) => {
      to.broadcast(1, literal(-1));
      to.vector("vaddps", 9, 2, literal(2.5), ALL);
      to.vector("vrndscaleps", 3, 0, literal(2.5), { ...ALL, immediate: 8 });
      to.loadScalar(3, literal(0.5));
      to.ret();
    },
  ],
];

describeEncodings(
  { name: "Avx2Assembler", section: "vex", newAssembler: () => new Avx2Assembler() },
  {
    "every vector op, in low and high registers, and from memory": [
      ...Object.keys(FORMS).flatMap((op) => vectorLines(op as keyof typeof FORMS)),
      ...special,
    ],
    "places in memory, on every kind of base, with and without index, near and far": displacements,
    "the named vector calls": vectorCalls,
    "masks, made of other instructions": masks,
    "one element for all lanes": broadcasts,
    "comparisons, made of other instructions": comparisons,
    "numbers behind the code, the wide ones first": literals,
  },
);
