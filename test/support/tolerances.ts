// Every tolerance of the suite, with the worst value seen beside it.

import type { Tolerance } from "./expect-close.ts";

export const tolerances = {
  /** closed forms in float64 */
  closedForm64: { absolute: 1e-12, relative: 1e-12 },
  /** finite differences in float64 at h = 1e-5: worst seen 4e-9 over the op table; a lost term gives 1e-2 and more */
  gradient64: { absolute: 2e-8, relative: 2e-7 },
  /** one op in float32 against float64: worst seen 2e-6 relative */
  engine32: { absolute: 4e-6, relative: 8e-6 },
  /** a product as seven of halves in float32 against float64: worst seen 8.5e-6 of 1 + |c|; a lost term gives 1e-2 and more */
  seven32: { absolute: 3e-5, relative: 3e-5 },
  /** a small random graph in float32 against float64: worst seen 7.1e-6 of 1 + |y| over 2000 seeds; a wrong element gives 1e-2 and more */
  program32: { absolute: 3e-5, relative: 3e-5 },
  /** a whole model's gradients in float32 against float64: worst seen 6.4e-5 of 1 + |g| over 20 seeds; a lost term gives 1e-2 and more */
  gradient32: { absolute: 2.5e-4, relative: 2.5e-4 },
  /** a whole model's log-probs in float32 against float64: worst seen 2e-6 */
  logProb32: { absolute: 1e-5, relative: 1e-5 },
  /** log-probs of tiny checkpoints against transformers in float32: worst seen 1.2e-5; a window off by one gives 1 and more */
  reference32: { absolute: 5e-5, relative: 0 },
  /** rotary frequencies against transformers in float32: the last bit or two */
  rope32: { absolute: 0, relative: 5e-7 },
  /** weights after one step whose move is the gradient: worst seen 3e-7; a lost token gives 1e-2 */
  step32: { absolute: 2e-6, relative: 2e-6 },
} as const satisfies Record<string, Tolerance>;
