// The one matcher for numbers: absolute and relative parts, and a failure that shows the worst element.

import { expect } from "vitest";

export interface Tolerance {
  readonly absolute: number;
  readonly relative: number;
}

/** Every element within `absolute + relative·|expected|`. */
export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: Tolerance,
  label = "",
): void {
  expect(actual.length, `${label} length`).toBe(expected.length);
  let worst = -1;
  let excess = 0;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(actual[i]! - expected[i]!);
    const allowed = tolerance.absolute + tolerance.relative * Math.abs(expected[i]!);
    if (!(difference <= allowed) && !(difference / allowed <= excess)) {
      worst = i;
      excess = difference / allowed;
    }
  }
  if (worst < 0) return;
  const [a, e] = [actual[worst]!, expected[worst]!];
  const allowed = tolerance.absolute + tolerance.relative * Math.abs(e);
  expect.fail(
    `${label}[${worst}] of ${expected.length}: ${a}, expected ${e}; difference ${Math.abs(a - e)}, allowed ${allowed}`,
  );
}
