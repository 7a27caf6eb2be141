// Every instruction of the native room's AVX-512 assembler against the bytes that GNU as makes of it (scripts/record-encodings.py).
// Long because it is one table: each instruction as text beside the call that emits it.

import {
  at,
  indexed,
  JUMP,
  literal,
  R10,
  R11,
  R12,
  R13,
  R14,
  R15,
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
  type Assembler,
  type Label,
  type Memory,
  type VectorOptions,
} from "../../src/native/assembler.ts";
import { Avx512Assembler, COMPARE } from "../../src/native/avx512.ts";
import type { Avx512Op } from "../../src/native/vector-ops.ts";
import { describeEncodings, GENERAL, nameOf, placeOf, type EncodingLine } from "../support/encodings.ts";

type Line = EncodingLine<Avx512Assembler>;

const narrow = (register: number): string =>
  register < 8 ? nameOf(register).replace("r", "e") : `${nameOf(register)}d`;

interface Form {
  readonly sources: 1 | 2;
  /** elements that a broadcast memory operand fills; 0 when it has none */
  readonly elements: number;
  readonly immediate?: number;
  /** works on the first lane only */
  readonly scalar?: true;
}
const ONE: Form = { sources: 1, elements: 16 };
const TWO: Form = { sources: 2, elements: 16 };

/** Ops that take other kinds of operands; they have lines of their own. */
type Special =
  | "vmovss"
  | "vmovssStore"
  | "vmovupsStore"
  | "vmovupsHalfStore"
  | "vbroadcastsd"
  | "vcvtps2pd"
  | "vcvtpd2ps";

/** How each op is called; an op without a row does not compile. The scalar moves and stores have lines of their own. */
const FORMS: Record<Exclude<Avx512Op, Special>, Form> = {
  vmovups: { sources: 1, elements: 0 },
  vbroadcastss: { sources: 1, elements: 0 },
  vaddps: TWO,
  vmulps: TWO,
  vsubps: TWO,
  vminps: TWO,
  vdivps: TWO,
  vmaxps: TWO,
  vsqrtps: ONE,
  vsqrtss: { sources: 2, elements: 0, scalar: true },
  vdivss: { sources: 2, elements: 0, scalar: true },
  vfmadd132ps: TWO,
  vfmadd213ps: TWO,
  vfmadd231ps: TWO,
  vfnmadd213ps: TWO,
  vfnmadd231ps: TWO,
  vpxord: TWO,
  vpandd: TWO,
  vpord: TWO,
  vpaddd: TWO,
  vpsubd: TWO,
  vpmulld: TWO,
  vpminsd: TWO,
  vblendmps: TWO,
  vpermps: TWO,
  vrndscaleps: { ...ONE, immediate: 8 },
  vrangeps: { ...TWO, immediate: 2 },
  vscalefps: TWO,
  vgetexpps: ONE,
  vgetmantps: { ...ONE, immediate: 4 },
  vcvttps2dq: ONE,
  vcvtdq2ps: ONE,
  vunpcklps: TWO,
  vunpckhps: TWO,
  vunpcklpd: { sources: 2, elements: 8 },
  vunpckhpd: { sources: 2, elements: 8 },
  vshuff32x4: { ...TWO, immediate: 0xdd },
  vpermilps: { ...ONE, immediate: 0xb1 },
  vpermw: { sources: 2, elements: 0 },
  vcvtne2ps2bf16: TWO,
  vdpbf16ps: TWO,
  vaddpd: { sources: 2, elements: 8 },
  vmulpd: { sources: 2, elements: 8 },
  vsubpd: { sources: 2, elements: 8 },
  vdivpd: { sources: 2, elements: 8 },
  vsqrtpd: { sources: 1, elements: 8 },
  vpslld: { ...ONE, immediate: 23 },
  vpsrld: { ...ONE, immediate: 16 },
};

const PLACES = [at(RBX, 64), indexed(R13, R12, 8, -256)];

function vectorLines(op: keyof typeof FORMS): Line[] {
  const { sources, elements, immediate, scalar = false } = FORMS[op];
  const own = scalar ? "xmm" : "zmm";
  const line = (dst: number, first: number, second: number | Memory, options: VectorOptions = {}): Line => {
    const { mask = 0, zero = false, broadcast = false } = options;
    const to = `${own}${dst}${mask > 0 ? `{k${mask}}` : ""}${zero ? "{z}" : ""}`;
    const from =
      typeof second === "number"
        ? `${op === "vbroadcastss" ? "xmm" : own}${second}`
        : `${placeOf(second)}${broadcast ? `{1to${elements}}` : ""}`;
    const operands = [to, ...(sources === 2 ? [`${own}${first}`] : []), from, ...(immediate === undefined ? [] : [immediate])];
    const all = { ...options, ...(immediate === undefined ? {} : { immediate }) };
    // A shift by a constant names its op where others name the destination, which takes the place of the first source.
    const shift = { vpslld: 6, vpsrld: 2 }[op as string];
    const registers: [number, number] = shift === undefined ? [dst, sources === 2 ? first : 0] : [shift, dst];
    return [`${scalar ? "{evex} " : ""}${op} ${operands.join(", ")}`, (to) => to.vector(op, ...registers, second, all)];
  };
  return [
    line(1, 2, 3),
    line(9, 10, 11),
    line(17, 25, 31),
    line(30, 7, 12),
    line(5, 6, 7, { mask: 1 }),
    line(29, 14, 22, { mask: 7, zero: true }),
    ...PLACES.map((where) => line(18, 26, where)),
    ...(elements === 0 ? [] : [line(3, 20, at(RCX, 64 / elements), { broadcast: true })]),
  ];
}

const moves = PLACES.flatMap((where): Line[] => [
  [`{evex} vmovss xmm18, ${placeOf(where)}`, (to) => to.vector("vmovss", 18, 0, where)],
  [`{evex} vmovss ${placeOf(where)}, xmm18`, (to) => to.vector("vmovssStore", 18, 0, where)],
  [`vmovups ${placeOf(where)}, zmm18`, (to) => to.vector("vmovupsStore", 18, 0, where)],
  [`vmovups ${placeOf(where)}, ymm18`, (to) => to.storeHalf(where, 18)],
  [`vbroadcastsd zmm18, ${placeOf(where)}`, (to) => to.vector("vbroadcastsd", 18, 0, where)],
  [`vcvtps2pd zmm18, ${placeOf(where)}`, (to) => to.vector("vcvtps2pd", 18, 0, where)],
]);

const conversions = [
  [1, 2],
  [9, 25],
  [30, 12],
].flatMap(([dst, source]): Line[] => [
  [`vbroadcastsd zmm${dst}, xmm${source}`, (to) => to.vector("vbroadcastsd", dst!, 0, source!)],
  [`vcvtps2pd zmm${dst}, ymm${source}`, (to) => to.vector("vcvtps2pd", dst!, 0, source!)],
  [`vcvtpd2ps ymm${dst}, zmm${source}`, (to) => to.vector("vcvtpd2ps", dst!, 0, source!)],
]);

const LAYOUT = [1, 0, 0, 0, 4194368, 4194368, 4194368, 4194368, 0, 0, 0, 0, 269488144, 269488144, 0, 0];
const TILE_PLACES = [
  indexed(RDI, RDX, 1),
  indexed(R11, R8, 1, 1024),
  indexed(RCX, R13, 1, -64),
  indexed(R15, RDX, 1, 1000000),
];
const tiles: readonly Line[] = [
  ...[at(RDI), at(R12, 64), at(RSP, -8)].map((where): Line => [
    `ldtilecfg ${placeOf(where)}`,
    (to) => to.configureTiles(where),
  ]),
  [
    `ldtilecfg [rip+1f]; .balign 64, 0x90; 1: .long ${LAYOUT.join(", ")}`,
    (to) => to.configureTiles({ base: 0, literal: LAYOUT }),
  ],
  ["tilerelease", (to) => to.releaseTiles()],
  ...[0, 7].map((tile): Line => [`tilezero tmm${tile}`, (to) => to.zeroTile(tile)]),
  ...TILE_PLACES.flatMap((where): Line[] => [
    ...[0, 5].map((tile): Line => [`tileloadd tmm${tile}, ${placeOf(where)}`, (to) => to.loadTile(tile, where)]),
    ...[3, 6].map((tile): Line => [`tilestored ${placeOf(where)}, tmm${tile}`, (to) => to.storeTile(where, tile)]),
  ]),
  ...[
    [0, 4, 6],
    [3, 5, 7],
    [7, 1, 2],
  ].map(([c, a, b]): Line => [`tdpbf16ps tmm${c}, tmm${a}, tmm${b}`, (to) => to.multiplyTiles(c!, a!, b!)]),
];

const BASES = [RAX, RSP, RBP, R12, R13];
const displacements = BASES.flatMap((base): Line[] => [
  ...[0, 64, -8192, 8128, 8192, 68, 1000000].map((disp): Line => {
    const where = at(base, disp);
    return [`vaddps zmm1, zmm2, ${placeOf(where)}`, (to) => to.vector("vaddps", 1, 2, where)];
  }),
  ...[0, 4, -512, 508, 512, 6].flatMap((disp): Line[] => {
    const where = at(base, disp);
    return [
      [`vaddps zmm1, zmm2, ${placeOf(where)}{1to16}`, (to) => to.vector("vaddps", 1, 2, where, { broadcast: true })],
      [`vbroadcastss zmm1, ${placeOf(where)}`, (to) => to.broadcast(1, where)],
    ];
  }),
  ...[RAX, RBP, R12, R13].flatMap((index): Line[] => {
    const [four, one] = [indexed(base, index, 4, 128), indexed(base, index, 1)];
    return [
      [`vaddps zmm1, zmm2, ${placeOf(four)}`, (to) => to.vector("vaddps", 1, 2, four)],
      [`mov rcx, ${placeOf(one)}`, (to) => to.load(RCX, one)],
    ];
  }),
  ...[0, 8, -128, 127, 128, -129, 1000000].map((disp): Line => {
    const where = at(base, disp);
    return [`mov rcx, ${placeOf(where)}`, (to) => to.load(RCX, where)];
  }),
]);

const vectorCalls: readonly Line[] = [
  ["vmovups zmm4, [rsi+64]", (to) => to.loadVector(4, at(RSI, 64))],
  ["vmovups zmm20{k2}{z}, [rsi+64]", (to) => to.loadVector(20, at(RSI, 64), 2)],
  ["vmovups [rdi+64], zmm20", (to) => to.storeVector(at(RDI, 64), 20)],
  ["vmovups [rdi]{k3}, zmm4", (to) => to.storeVector(at(RDI), 4, 3)],
  ["vmovups zmm4, zmm28", (to) => to.copyVector(4, 28)],
  ["vbroadcastss zmm19, [r9+8]", (to) => to.broadcast(19, at(R9, 8))],
  ["vbroadcastss zmm19, xmm27", (to) => to.broadcastLane(19, 27)],
  ["vpxord zmm23, zmm23, zmm23", (to) => to.zeroVector(23)],
  ["{evex} vmovss xmm2, [r8+4]", (to) => to.loadScalar(2, at(R8, 4))],
  ["{evex} vmovss [r8+4], xmm21", (to) => to.storeScalar(at(R8, 4), 21)],
  ...Object.values(COMPARE).map((how): Line => [`vcmpps k2, zmm3, zmm20, ${how}`, (to) => to.compareVectors(2, 3, 20, how)]),
  ["vcmpps k7, zmm30, [rsi+64], 1", (to) => to.compareVectors(7, 30, at(RSI, 64), COMPARE.less)],
  ["kmovw k1, eax", (to) => to.setMask(1, RAX)],
  ["kmovw k7, edi", (to) => to.setMask(7, RDI)],
  ["mov eax, 8191; kmovw k5, eax", (to) => to.maskOf(5, 13)],
  ["kmovw eax, k1", (to) => to.readMask(RAX, 1)],
  ["kmovw edi, k7", (to) => to.readMask(RDI, 7)],
  ["bsf eax, eax", (to) => to.lowestBit(RAX)],
  ["bsf edi, edi", (to) => to.lowestBit(RDI)],
  [
    "vcmpps k2, zmm30, zmm7, 30; vpxord zmm20, zmm20, zmm20; vblendmps zmm20{k2}, zmm20, [rip+1f]{1to16}; " +
      ".balign 4, 0x90; 1: .float 1",
    (to) => to.oneWhereGreater(20, 30, 7),
  ],
  ["vcmpps k2, zmm3, zmm30, 0; kmovw edx, k2", (to) => to.lanesWhereEqual(RDX, 3, 30)],
];

const pairs = [
  [RAX, RBX],
  [R9, RDI],
  [RSP, R15],
  [R8, R12],
] as const;
const GENERAL_PLACES = [at(RBX, 8), at(RSP, 16), at(R13), indexed(R12, R14, 8, -4096), indexed(RSI, RAX, 2)];
const generals: readonly Line[] = [
  ...pairs.flatMap(([left, right]): Line[] => [
    [`mov ${nameOf(left)}, ${nameOf(right)}`, (to) => to.move(left, right)],
    [`add ${nameOf(left)}, ${nameOf(right)}`, (to) => to.add(left, right)],
    [`sub ${nameOf(left)}, ${nameOf(right)}`, (to) => to.sub(left, right)],
    [`cmp ${nameOf(left)}, ${nameOf(right)}`, (to) => to.compare(left, right)],
  ]),
  ...GENERAL.flatMap((text, register): Line[] => [
    [`push ${text}`, (to) => to.push(register)],
    [`pop ${text}`, (to) => to.pop(register)],
  ]),
  ...[RDX, R10].flatMap((register): Line[] => [
    ...GENERAL_PLACES.flatMap(
      (where): Line[] => [
        [`mov ${nameOf(register)}, ${placeOf(where)}`, (to) => to.load(register, where)],
        [`mov ${placeOf(where)}, ${nameOf(register)}`, (to) => to.store(where, register)],
        [`lea ${nameOf(register)}, ${placeOf(where)}`, (to) => to.loadAddress(register, where)],
        [`movsxd ${nameOf(register)}, dword ptr ${placeOf(where)}`, (to) => to.loadInt32(register, where)],
        [`mov ${placeOf(where)}, ${narrow(register)}`, (to) => to.storeInt32(where, register)],
      ],
    ),
    ...[1, 127, -128, 128, -129, 1000000].flatMap((value): Line[] => [
      [`add ${nameOf(register)}, ${value}`, (to) => to.addConstant(register, value)],
      [`cmp ${nameOf(register)}, ${value}`, (to) => to.compareConstant(register, value)],
    ]),
    ...[1000, -70000].map((value): Line => [
      `imul ${nameOf(register)}, ${nameOf(register)}, ${value}`,
      (to) => to.multiplyConstant(register, value),
    ]),
    ...[0, 2 ** 31 - 1].map((value): Line => [
      `mov ${narrow(register)}, ${value}`,
      (to) => to.moveConstant(register, value),
    ]),
    ...[2 ** 31, 2 ** 40, 2 ** 53 - 1, -5, -(2 ** 40)].map((value): Line => [
      `movabs ${nameOf(register)}, ${value}`,
      (to) => to.moveConstant(register, value),
    ]),
  ]),
  ...GENERAL_PLACES.flatMap((where): Line[] => [
    [`prefetcht0 ${placeOf(where)}`, (to) => to.prefetch(where, 1)],
    [`prefetcht1 ${placeOf(where)}`, (to) => to.prefetch(where, 2)],
  ]),
  ["ret", (to) => to.ret()],
  ["vzeroupper", (to) => to.leaveVectors()],
];

const NOP = 0x90;
const CONDITIONS: Record<keyof typeof JUMP, string> = {
  less: "jl",
  notZero: "jne",
  zero: "je",
  greaterOrEqual: "jge",
  below: "jb",
  aboveOrEqual: "jae",
};

const leaps: readonly (readonly [string, (to: Assembler, label: Label) => void])[] = [
  ["jmp", (to, label) => to.jump(label)],
  ["call", (to, label) => to.call(label)],
  ...Object.entries(JUMP).map(
    ([condition, code]): (typeof leaps)[number] => [
      CONDITIONS[condition as keyof typeof JUMP],
      (to, label) => to.jumpIf(code, label),
    ],
  ),
];

const programs: readonly Line[] = [
  ...leaps.flatMap(([leap, emit]): Line[] => [
    [
      `nop; {disp32} ${leap} 1f; nop; 1: ret`,
      (to) => {
        const label = to.label();
        to.byte(NOP);
        emit(to, label);
        to.byte(NOP);
        to.bind(label);
        to.ret();
      },
    ],
    [
      `nop; 1: ret; {disp32} ${leap} 1b; nop`,
      (to) => {
        to.byte(NOP);
        const label = to.bound();
        to.ret();
        emit(to, label);
        to.byte(NOP);
      },
    ],
  ]),
  [
    "lea rdx, [rip+1f]; nop; 1: ret",
    (to) => {
      const label = to.label();
      to.addressOf(RDX, label);
      to.byte(NOP);
      to.bind(label);
      to.ret();
    },
  ],
  [
    "1: nop; lea r11, [rip+1b]; ret",
    (to) => {
      const label = to.bound();
      to.byte(NOP);
      to.addressOf(R11, label);
      to.ret();
    },
  ],
  [
    "vaddps zmm17, zmm2, [rip+1f]{1to16}; vrndscaleps zmm3, [rip+2f]{1to16}, 8; {evex} vmovss xmm3, [rip+1f]; " +
      "movsxd r9, dword ptr [rip+2f]; ret; .balign 4, 0x90; 1: .float 2.5; 2: .float -1",
    (to) => {
      to.vector("vaddps", 17, 2, literal(2.5), { broadcast: true });
      to.vector("vrndscaleps", 3, 0, literal(-1), { broadcast: true, immediate: 8 });
      to.loadScalar(3, literal(2.5));
      to.loadInt32(R9, literal(-1));
      to.ret();
    },
  ],
];

const GROUPS: Readonly<Record<string, readonly Line[]>> = {
  "every vector op, in low and high registers, masked, from memory and broadcast": [
    ...Object.keys(FORMS).flatMap((op) => vectorLines(op as keyof typeof FORMS)),
    ...moves,
    ...conversions,
  ],
  "the tile registers of AMX": tiles,
  "places in memory, on every kind of base, with and without index, near and far": displacements,
  "the named vector calls": vectorCalls,
  "the general registers' instructions": generals,
  "jumps, calls and addresses, forward and backward, and numbers behind the code": programs,
};

describeEncodings(
  { name: "Avx512Assembler", section: "encodings", newAssembler: () => new Avx512Assembler() },
  GROUPS,
);
