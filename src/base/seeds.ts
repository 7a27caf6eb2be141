// Named random streams: every draw of a run can be replayed from its name alone.

/** What a draw is for. The purpose keeps streams apart, so that adding draws in one place moves no other. */
export interface StreamName {
  /** The recipe's seed, any safe integer. */
  readonly root: number;
  readonly purpose: string;
  readonly step?: number;
  readonly item?: number;
}

/** A stream of uniform numbers; its state is four 32-bit words, so it can be saved and restored. */
export interface RandomStream {
  /** Next uniform in [0, 1), 32 random bits. */
  uniform(): number;
  /** Next integer in [0, limit); limit in 1 .. 2^32. */
  integer(limit: number): number;
  /** Next standard normal (Box-Muller, one of the pair). */
  normal(): number;
  /** The four words, for a snapshot. */
  state(): readonly [number, number, number, number];
}

/**
 * Opens the stream of that name: the name is hashed (FNV-1a over its text, then SplitMix32) into the state of a xoshiro128**.
 *
 * @source Blackman and Vigna, "Scrambled linear pseudorandom number generators" (xoshiro128**)
 */
export function randomStream(name: StreamName): RandomStream {
  const text = `${name.root}/${name.purpose}/${name.step ?? "-"}/${name.item ?? "-"}`;
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash ^= text.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193);
  }
  const next = splitMix32(hash >>> 0);
  return streamFromState([next(), next(), next(), next() | 1]);
}

/** Reopens a stream where `state()` left it. */
export function streamFromState(state: readonly [number, number, number, number]): RandomStream {
  let [a, b, c, d] = state;
  const bits = (): number => {
    const scrambled = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = rotateLeft(d, 11);
    return scrambled;
  };
  const uniform = (): number => bits() / 4294967296;
  return {
    uniform,
    integer: (limit) => Math.floor(uniform() * limit),
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
    state: () => [a >>> 0, b >>> 0, c >>> 0, d >>> 0],
  };
}

/** Shuffles in place (Fisher-Yates) and returns the same array. */
export function shuffle<Item>(items: Item[], stream: RandomStream): Item[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = stream.integer(i + 1);
    [items[i], items[j]] = [items[j]!, items[i]!];
  }
  return items;
}

function rotateLeft(x: number, k: number): number {
  return (x << k) | (x >>> (32 - k));
}

function splitMix32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
}
