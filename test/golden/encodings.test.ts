// Every instruction of the native room's assembler against the bytes that GNU as makes of it (scripts/record-encodings.py).
// Long because it is one table: each instruction as text beside the call that emits it.

import type { VectorOp } from "../../src/native/vector-ops.ts";
import fs from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import {
  Assembler,
  at,
  COMPARE,
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
  type Label,
  type Memory,
  type VectorOptions,
} from "../../src/native/assembler.ts";

const FILE = path.resolve(import.meta.dirname, "encodings.json");
const { encodings } = JSON.parse(fs.readFileSync(FILE, "utf8")) as { readonly encodings: Record<string, string> };

/** One or more instructions as text, and the calls that emit them. */
type Line = readonly [text: string, emit: (to: Assembler) => void];

const GENERAL = "rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15".split(" ");
const name = (register: number): string => GENERAL[register]!;
const narrow = (register: number): string =>
  register < 8 ? name(register).replace("r", "e") : `${name(register)}d`;

function place({ base, index, scale, disp = 0 }: Memory): string {
  const steps = index === undefined ? "" : `+${name(index)}*${scale}`;
  return `[${name(base)}${steps}${disp === 0 ? "" : disp < 0 ? disp : `+${disp}`}]`;
}

function hexOf(emit: (to: Assembler) => void): string {
  const to = new Assembler();
  emit(to);
  const size = to.size;
  const code = to.code();
  // Without numbers behind the code, what follows the instructions is padding only.
  return Buffer.from(code.length - size < 4 ? code.subarray(0, size) : code).toString("hex");
}

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

/** How each op is called; an op without a row does not compile. The scalar moves and stores have lines of their own. */
const FORMS: Record<Exclude<VectorOp, "vmovss" | "vmovssStore" | "vmovupsStore">, Form> = {
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
  vpslld: { ...ONE, immediate: 23 },
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
        : `${place(second)}${broadcast ? `{1to${elements}}` : ""}`;
    const operands = [to, ...(sources === 2 ? [`${own}${first}`] : []), from, ...(immediate === undefined ? [] : [immediate])];
    const all = { ...options, ...(immediate === undefined ? {} : { immediate }) };
    // A shift by a constant names its op where others name the destination, which takes the place of the first source.
    const registers: [number, number] = op === "vpslld" ? [6, dst] : [dst, sources === 2 ? first : 0];
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
  [`{evex} vmovss xmm18, ${place(where)}`, (to) => to.vector("vmovss", 18, 0, where)],
  [`{evex} vmovss ${place(where)}, xmm18`, (to) => to.vector("vmovssStore", 18, 0, where)],
  [`vmovups ${place(where)}, zmm18`, (to) => to.vector("vmovupsStore", 18, 0, where)],
]);

const BASES = [RAX, RSP, RBP, R12, R13];
const displacements = BASES.flatMap((base): Line[] => [
  ...[0, 64, -8192, 8128, 8192, 68, 1000000].map((disp): Line => {
    const where = at(base, disp);
    return [`vaddps zmm1, zmm2, ${place(where)}`, (to) => to.vector("vaddps", 1, 2, where)];
  }),
  ...[0, 4, -512, 508, 512, 6].flatMap((disp): Line[] => {
    const where = at(base, disp);
    return [
      [`vaddps zmm1, zmm2, ${place(where)}{1to16}`, (to) => to.vector("vaddps", 1, 2, where, { broadcast: true })],
      [`vbroadcastss zmm1, ${place(where)}`, (to) => to.broadcast(1, where)],
    ];
  }),
  ...[RAX, RBP, R12, R13].flatMap((index): Line[] => {
    const [four, one] = [indexed(base, index, 4, 128), indexed(base, index, 1)];
    return [
      [`vaddps zmm1, zmm2, ${place(four)}`, (to) => to.vector("vaddps", 1, 2, four)],
      [`mov rcx, ${place(one)}`, (to) => to.load(RCX, one)],
    ];
  }),
  ...[0, 8, -128, 127, 128, -129, 1000000].map((disp): Line => {
    const where = at(base, disp);
    return [`mov rcx, ${place(where)}`, (to) => to.load(RCX, where)];
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
  ["vpxord zmm23, zmm23, zmm23", (to) => to.broadcastConstant(23, 0)],
  ["{evex} vmovss xmm2, [r8+4]", (to) => to.loadScalar(2, at(R8, 4))],
  ["{evex} vmovss [r8+4], xmm21", (to) => to.storeScalar(at(R8, 4), 21)],
  ["vpbroadcastd zmm24, eax", (to) => to.broadcastGeneral(24, RAX)],
  ["vpbroadcastd zmm3, r13d", (to) => to.broadcastGeneral(3, R13)],
  ["mov eax, 1065353216; vpbroadcastd zmm6, eax", (to) => to.broadcastConstant(6, 1)],
  ["movabs rax, 2147483648; vpbroadcastd zmm6, eax", (to) => to.broadcastConstant(6, -0)],
  ...Object.values(COMPARE).map((how): Line => [`vcmpps k2, zmm3, zmm20, ${how}`, (to) => to.compareVectors(2, 3, 20, how)]),
  ["vcmpps k7, zmm30, [rsi+64], 1", (to) => to.compareVectors(7, 30, at(RSI, 64), COMPARE.less)],
  ["kmovw k1, eax", (to) => to.setMask(1, RAX)],
  ["kmovw k7, edi", (to) => to.setMask(7, RDI)],
  ["mov eax, 8191; kmovw k5, eax", (to) => to.maskOf(5, 13)],
  ["kmovw eax, k1", (to) => to.readMask(RAX, 1)],
  ["kmovw edi, k7", (to) => to.readMask(RDI, 7)],
  ["bsf eax, eax", (to) => to.lowestBit(RAX)],
  ["bsf edi, edi", (to) => to.lowestBit(RDI)],
];

const pairs = [
  [RAX, RBX],
  [R9, RDI],
  [RSP, R15],
  [R8, R12],
] as const;
const generals: readonly Line[] = [
  ...pairs.flatMap(([left, right]): Line[] => [
    [`mov ${name(left)}, ${name(right)}`, (to) => to.move(left, right)],
    [`add ${name(left)}, ${name(right)}`, (to) => to.add(left, right)],
    [`sub ${name(left)}, ${name(right)}`, (to) => to.sub(left, right)],
    [`cmp ${name(left)}, ${name(right)}`, (to) => to.compare(left, right)],
  ]),
  ...GENERAL.flatMap((text, register): Line[] => [
    [`push ${text}`, (to) => to.push(register)],
    [`pop ${text}`, (to) => to.pop(register)],
  ]),
  ...[RDX, R10].flatMap((register): Line[] => [
    ...[at(RBX, 8), at(RSP, 16), at(R13), indexed(R12, R14, 8, -4096), indexed(RSI, RAX, 2)].flatMap(
      (where): Line[] => [
        [`mov ${name(register)}, ${place(where)}`, (to) => to.load(register, where)],
        [`mov ${place(where)}, ${name(register)}`, (to) => to.store(where, register)],
        [`lea ${name(register)}, ${place(where)}`, (to) => to.loadAddress(register, where)],
        [`movsxd ${name(register)}, dword ptr ${place(where)}`, (to) => to.loadInt32(register, where)],
        [`mov ${place(where)}, ${narrow(register)}`, (to) => to.storeInt32(where, register)],
      ],
    ),
    ...[1, 127, -128, 128, -129, 1000000].flatMap((value): Line[] => [
      [`add ${name(register)}, ${value}`, (to) => to.addConstant(register, value)],
      [`cmp ${name(register)}, ${value}`, (to) => to.compareConstant(register, value)],
    ]),
    ...[1000, -70000].map((value): Line => [
      `imul ${name(register)}, ${name(register)}, ${value}`,
      (to) => to.multiplyConstant(register, value),
    ]),
    ...[0, 2 ** 31 - 1].map((value): Line => [
      `mov ${narrow(register)}, ${value}`,
      (to) => to.moveConstant(register, value),
    ]),
    ...[2 ** 31, 2 ** 40, 2 ** 53 - 1, -5, -(2 ** 40)].map((value): Line => [
      `movabs ${name(register)}, ${value}`,
      (to) => to.moveConstant(register, value),
    ]),
  ]),
  ["ret", (to) => to.ret()],
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
  ],
  "places in memory, on every kind of base, with and without index, near and far": displacements,
  "the named vector calls": vectorCalls,
  "the general registers' instructions": generals,
  "jumps, calls and addresses, forward and backward, and numbers behind the code": programs,
};

describe("Assembler", () => {
  it.each(Object.entries(GROUPS))("writes the bytes GNU as writes: %s", (_, lines) => {
    const ours = Object.fromEntries(lines.map(([text, emit]) => [text, hexOf(emit)]));
    const recorded = Object.fromEntries(lines.map(([text]) => [text, encodings[text]]));
    expect(ours).toEqual(recorded);
  });

  it("leaves no recorded line out", () => {
    const compared = new Set(Object.values(GROUPS).flatMap((lines) => lines.map(([text]) => text)));
    expect(Object.keys(encodings).filter((text) => !compared.has(text))).toEqual([]);
  });
});
