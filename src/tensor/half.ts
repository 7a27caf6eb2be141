// Float16 and bfloat16 to float32 and back: round to nearest, ties to even, NaN stays NaN.

/** Sign, exponent and fraction of float32 are 1, 8 and 23 bits; of float16 1, 5 and 10; of bfloat16 1, 8 and 7. */
const FLOAT32_INFINITY = 0x7f800000;

/** Widens bfloat16 words; exact. */
export function widenBfloat16(source: Uint16Array, target: Float32Array): void {
  const bits = bitsOf(target);
  for (let i = 0; i < source.length; i++) bits[i] = source[i]! << 16;
}

/** Rounds float32 to bfloat16 words; a value beyond the range becomes infinite, for the caller to refuse. */
export function narrowToBfloat16(source: Float32Array, target: Uint16Array): void {
  const bits = bitsOf(source);
  for (let i = 0; i < source.length; i++) {
    const word = bits[i]!;
    // Adding 0x7fff plus the last kept bit carries exactly when the dropped half is above a tie, or at one with an odd kept bit.
    target[i] =
      (word & 0x7fffffff) > FLOAT32_INFINITY ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
}

/** Widens float16 words; exact. */
export function widenFloat16(source: Uint16Array, target: Float32Array): void {
  const bits = bitsOf(target);
  const table = float16Table();
  for (let i = 0; i < source.length; i++) bits[i] = table[source[i]!]!;
}

/** Rounds float32 to float16 words; a value beyond the range becomes infinite, for the caller to refuse. */
export function narrowToFloat16(source: Float32Array, target: Uint16Array): void {
  const bits = bitsOf(source);
  for (let i = 0; i < source.length; i++) target[i] = float16Bits(bits[i]!);
}

function float16Bits(word: number): number {
  const sign = (word >>> 16) & 0x8000;
  const magnitude = word & 0x7fffffff;
  if (magnitude > FLOAT32_INFINITY) return sign | 0x7e00;
  // 0x477ff000 is 65520, half way between the largest float16 (65504) and the next step.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  // Normal range from 2^-14: rebias the exponent by 112 and round the 13 dropped bits.
  if (magnitude >= 0x38800000) return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
  // At most 2^-25, half of the smallest subnormal: zero (the tie goes to the even neighbour, which is zero).
  if (magnitude <= 0x33000000) return sign;
  const shift = 126 - (magnitude >>> 23);
  const fraction = (magnitude & 0x7fffff) | 0x800000;
  const kept = fraction >>> shift;
  const dropped = fraction & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  return sign | (dropped > half || (dropped === half && (kept & 1) === 1) ? kept + 1 : kept);
}

let table: Uint32Array | undefined;

/** The float32 bits of all 65536 float16 words, made once: a look-up is several times faster than the arithmetic. */
function float16Table(): Uint32Array {
  table ??= Uint32Array.from({ length: 65536 }, (_, word) => {
    const sign = (word & 0x8000) << 16;
    const exponent = (word >>> 10) & 31;
    const fraction = word & 0x3ff;
    if (exponent === 31) return (sign | FLOAT32_INFINITY | (fraction << 13)) >>> 0;
    if (exponent > 0) return (sign | ((exponent + 112) << 23) | (fraction << 13)) >>> 0;
    if (fraction === 0) return sign >>> 0;
    // A subnormal: shift until the leading one stands where float32 implies it.
    const shift = Math.clz32(fraction) - 21;
    return (sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13)) >>> 0;
  });
  return table;
}

/** @returns the index of the first NaN or infinity, or -1 */
export function firstNotFinite(values: Float32Array): number {
  const bits = bitsOf(values);
  for (let i = 0; i < bits.length; i++) {
    if ((bits[i]! & FLOAT32_INFINITY) === FLOAT32_INFINITY) return i;
  }
  return -1;
}

/** @returns the index of the first NaN or infinity among float16 or bfloat16 words, or -1 */
export function firstNotFiniteWord(words: Uint16Array, type: "F16" | "BF16"): number {
  const infinity = type === "F16" ? 0x7c00 : 0x7f80;
  let i = words.byteOffset % 4 === 0 ? 2 * firstPairWith(words, infinity) : 0;
  while (i < words.length && (words[i]! & infinity) !== infinity) i++;
  return i < words.length ? i : -1;
}

/** Looks at two words at a time, which is twice as fast; @returns how many pairs stand before the first that has one */
function firstPairWith(words: Uint16Array, infinity: number): number {
  const pairs = new Int32Array(words.buffer, words.byteOffset, words.length >> 1);
  const high = infinity << 16;
  let i = 0;
  while (i < pairs.length && (pairs[i]! & infinity) !== infinity && (pairs[i]! & high) !== high) i++;
  return i;
}

function bitsOf(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}
