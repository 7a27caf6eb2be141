// The sizes programs are compiled for: few, so that sessions are shared; close, so that little is wasted.

/** The least of 1, 2, 3, 4, 6, 8, 12, 16, 24 … that is at least `size`. */
export function rungAbove(size: number): number {
  let power = 1;
  while (power < size) {
    if (power >= 2 && (power * 3) / 2 >= size) return (power * 3) / 2;
    power *= 2;
  }
  return power;
}
