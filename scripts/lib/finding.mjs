// Whether a demo's results.json shows the finding, law by law, with the bars it is held to.

import fs from "node:fs";

/** Prints every law with its figure. @returns 0 when all hold, else 1 */
export function checkFinding(file) {
  const { arms, gapRecovered } = JSON.parse(fs.readFileSync(file, "utf8"));
  const { sa, swa } = arms;
  const laws = [
    ["SA after SFT, greedy, at least 0.97", sa.sft.greedy.accuracy, (x) => x >= 0.97],
    ["SWA after SFT, greedy, at most 0.70", swa.sft.greedy.accuracy, (x) => x <= 0.7],
    ["SWA after RL, greedy, at least 0.92", swa.rl.greedy.accuracy, (x) => x >= 0.92],
    ["its lead over more SFT at least 0.15", swa.rl.greedy.accuracy - swa.moreSft.greedy.accuracy, (x) => x >= 0.15],
    ["gap recovered at least 0.85", gapRecovered, (x) => x >= 0.85],
    ["SWA after RL at temperature 1 at least 0.88", swa.rl.sampled.accuracy, (x) => x >= 0.88],
  ];
  for (const [law, figure, holds] of laws)
    console.log(`${holds(figure) ? "holds " : "BROKEN"}  ${law}: ${figure.toFixed(3)}`);
  return laws.every(([, figure, holds]) => holds(figure)) ? 0 : 1;
}
