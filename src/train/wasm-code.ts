// WebAssembly bytes: as much of the format as one function over vectors of two float64 needs.

/** Bytes of code that leave one value, or none for a statement. */
export type Code = readonly number[];

/** A whole number in the variable-length encoding of the format. @param value  >= 0 */
function count(value: number): Code {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return [...bytes, rest];
    bytes.push((rest & 0x7f) | 0x80);
  }
}

const vectorOp = (code: number): Code => [0xfd, ...count(code)];

const of =
  (op: Code) =>
  (...operands: readonly Code[]): Code => [...operands.flat(), ...op];

/** An address is taken as a multiple of 16 bytes; code with another one runs, slower. */
const AT_ADDRESS: Code = [4, 0];

export const load = of([...vectorOp(0x00), ...AT_ADDRESS]);
export const store = of([...vectorOp(0x0b), ...AT_ADDRESS]);
/** One float64 in both places. */
export const both = of(vectorOp(0x14));
export const add = of(vectorOp(0xf0));
export const sub = of(vectorOp(0xf1));
export const mul = of(vectorOp(0xf2));
export const div = of(vectorOp(0xf3));
export const sqrt = of(vectorOp(0xef));
/** Of four float32. */
export const addFour = of(vectorOp(0xe4));
/** The sum of two float64 beside each other, as one number. */
export const sumOfBoth = (pair: Code): Code => [
  ...pair,
  ...vectorOp(0x21),
  0,
  ...pair,
  ...vectorOp(0x21),
  1,
  ADD_NUMBERS,
];
export const addNumbers = (a: Code, b: Code): Code => [...a, ...b, ADD_NUMBERS];
const ADD_NUMBERS = 0xa0;
/** Writes zeros. */
export const clear = (address: Code, bytes: Code): Code => [...address, 0x41, 0, ...bytes, 0xfc, ...count(11), 0];
/** The first two float32 of four, as float64. */
export const firstTwo = of(vectorOp(0x5f));
/** The last two. */
export const lastTwo = (four: Code): Code =>
  firstTwo([...four, ...four, ...shuffle([8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7])]);
/** Two pairs of float64 rounded to four float32. */
export const four = (low: Code, high: Code): Code => [
  ...rounded(low),
  ...rounded(high),
  ...shuffle([0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23]),
];
const rounded = of(vectorOp(0x5e));

/** Picks bytes from two vectors, the second one's counted from 16. */
function shuffle(bytes: readonly number[]): Code {
  return [...vectorOp(0x0d), ...bytes];
}

const TYPES = { i32: 0x7f, f64: 0x7c, v128: 0x7b } as const;

export interface Variable {
  readonly type: keyof typeof TYPES;
  readonly get: Code;
  set(value: Code): Code;
}

/** Parameters first, then locals, in the order in which they are asked for. */
export class Variables {
  readonly types: (keyof typeof TYPES)[] = [];

  next(type: keyof typeof TYPES): Variable {
    const index = count(this.types.push(type) - 1);
    return { type, get: [0x20, ...index], set: (value) => [...value, 0x21, ...index] };
  }
}

/** `address += bytes`. @param bytes  0 to 63 */
export function advance(address: Variable, bytes: number): Code {
  return address.set([...address.get, 0x41, bytes, 0x6a]);
}

/** Runs `body` again and again while `address` is below `end`, at least once. */
export function whileBelow(address: Variable, end: Variable, body: Code): Code {
  return [0x03, 0x40, ...body, ...address.get, ...end.get, 0x49, 0x0d, 0, 0x0b];
}

export interface ModuleKind {
  /** of the memory it imports as `outside.memory` */
  readonly shared: boolean;
  /** whether the body leaves a float64, which is the result */
  readonly returns?: boolean;
}

/** A module of one function `run`. */
export function moduleOf(
  variables: Variables,
  parameters: number,
  body: Code,
  { shared, returns = false }: ModuleKind,
): Uint8Array<ArrayBuffer> {
  const types = variables.types.map((type) => TYPES[type]);
  const locals = types.slice(parameters).map((type) => [1, type]);
  const code = [...vector(locals), ...body, 0x0b];
  const results = returns ? [[TYPES.f64]] : [];
  const limits = shared ? [3, ...count(0), ...count(MOST_PAGES)] : [0, ...count(0)];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [[0x60, ...vector(types.slice(0, parameters).map((type) => [type])), ...vector(results)]]),
    ...section(2, [[...text("outside"), ...text("memory"), 2, ...limits]]),
    ...section(3, [[0]]),
    ...section(7, [[...text("run"), 0, 0]]),
    ...section(10, [[...count(code.length), ...code]]),
  ]);
}

const PAGE_BYTES = 2 ** 16;
/** In an address space of 32 bits. */
const MOST_PAGES = 2 ** 16;

function section(id: number, items: readonly Code[]): Code {
  const content = vector(items);
  return [id, ...count(content.length), ...content];
}

function vector(items: readonly Code[]): Code {
  return [...count(items.length), ...items.flat()];
}

function text(value: string): Code {
  return vector([...new TextEncoder().encode(value)].map((byte) => [byte]));
}

/** Memory as the runtime gives it; shared by threads if its buffer is. */
export interface WasmMemory {
  readonly buffer: ArrayBuffer | SharedArrayBuffer;
}

/** Without a result where the module has none. */
type WasmFunction = (...values: readonly number[]) => number;

/** The part of the runtime's interface that is used here; its types come with those of browsers only. */
interface WasmRuntime {
  readonly Memory: new (size: { initial: number; maximum: number; shared: boolean }) => WasmMemory;
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (
    module: object,
    imports: { outside: { memory: WasmMemory } },
  ) => { readonly exports: Readonly<Record<string, WasmFunction>> };
}

const runtime = (globalThis as unknown as { readonly WebAssembly: WasmRuntime }).WebAssembly;

/** Memory of at least so many bytes, all zero. @param bytes  below 4 GiB */
export function newMemory(bytes: number, { shared }: { shared: boolean }): WasmMemory {
  const pages = Math.ceil(bytes / PAGE_BYTES);
  return new runtime.Memory({ initial: pages, maximum: pages, shared });
}

/** The function of a module made by `moduleOf`, over this memory. */
export function functionOf(module: Uint8Array<ArrayBuffer>, memory: WasmMemory): WasmFunction {
  return new runtime.Instance(new runtime.Module(module), { outside: { memory } }).exports["run"]!;
}
