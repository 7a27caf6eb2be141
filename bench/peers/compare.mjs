// One cell: both sides opened on the same weights and tokens, held to the same work, then timed turn by turn.

const PAUSE_MS = 200;

/** Rounds before the timed ones; training has taken as many steps on both sides when the losses are compared again. */
const WARM_UP = 2;

/** Of the tokens decoded greedily while both sides agree, those at which they may part. */
const MOST_PARTINGS = 0.005;

/** @returns the cell with medians, ratios and checks; `leftOut` says why where a side could not do it */
export async function compareCell(cell, sides, { rounds, threads, file, onProgress }) {
  const { ours, theirs } = sides;
  const { id, work, config, peer, sequences, newTokens, settings, tolerance, precision } = cell;
  const named = { id, work, config, peer, ...(work === "sample" ? { sequences, newTokens } : {}) };
  try {
    onProgress(`${id}: opening both sides`);
    const about = await ours.ask("open", { work, config, sequences, newTokens, threads, file, precision });
    const aboutPeer = await theirs.ask("open", { ...about.peer, ...settings, sequences, newTokens, threads, file });
    const checks = { parameters: [about.parameters, aboutPeer.parameters] };
    await agree(checks, sides, work, { before: [about.loss, aboutPeer.loss] });
    const times = await turns(sides, rounds, (round) => onProgress(`${id}: round ${round} of ${rounds}`));
    const figures = (milliseconds) => ({
      milliseconds,
      tokensPerSecond: (1000 * about.tokens) / median(milliseconds),
      gflops: about.flops / median(milliseconds) / 1e6,
    });
    const pairs = times.ours.map((each, i) => times.theirs[i] / each);
    return {
      ...named,
      ...(about.precision === undefined ? {} : { precision: about.precision }),
      ours: { ...figures(times.ours), microbatchRows: about.microbatchRows },
      theirs: { ...figures(times.theirs), microbatchRows: aboutPeer.microbatchRows },
      ratio: median(times.theirs) / median(times.ours),
      ratioRange: [Math.min(...pairs), Math.max(...pairs)],
      checks,
      sameWork: sameWork(checks, tolerance),
    };
  } catch (thrown) {
    return { ...named, leftOut: thrown.message };
  } finally {
    for (const side of [ours, theirs]) await side.ask("close").catch(() => undefined);
  }
}

/** Warms both sides up and notes what must be equal: losses before and after the same steps, or greedy responses. */
async function agree(checks, { ours, theirs }, work, { before }) {
  for (let i = 0; i < WARM_UP; i++) for (const side of [ours, theirs]) await side.ask("round");
  if (work === "train") {
    checks.lossBefore = before;
    checks.lossAfterWarmUp = [await ours.ask("loss"), await theirs.ask("loss")];
    return;
  }
  const [mine, other] = [await ours.ask("greedy"), await theirs.ask("greedy")];
  // A near tie may be broken either way, after which a response goes its own way: what comes before is compared.
  const common = mine.ids.map((ids, row) => commonLength(ids, other.ids[row]));
  const tokens = common.reduce((sum, length) => sum + length, 0);
  const mean = ({ logProbs }) =>
    logProbs.reduce((sum, each, row) => each.slice(0, common[row]).reduce((part, one) => part + one, sum), 0) / tokens;
  checks.greedyMeanLogProb = [mean(mine), mean(other)];
  const parted = common.filter((length, row) => length < mine.ids[row].length).length;
  checks.greedyPartings = { parted, tokens };
}

function commonLength(ids, others) {
  const at = ids.findIndex((id, i) => id !== others[i]);
  return at === -1 ? ids.length : at;
}

function sameWork({ parameters, greedyPartings = { parted: 0, tokens: 1 }, ...pairs }, tolerance) {
  if (parameters[0] !== parameters[1]) return false;
  if (tolerance === null) return null;
  const { parted, tokens } = greedyPartings;
  return parted <= MOST_PARTINGS * tokens && Object.values(pairs).every(([a, b]) => Math.abs(a - b) <= tolerance);
}

/** A B A B …, with a pause before each turn in which the other side's threads stop spinning. */
async function turns({ ours, theirs }, rounds, onRound) {
  const times = { ours: [], theirs: [] };
  for (let round = 1; round <= rounds; round++) {
    onRound(round);
    for (const [name, side] of Object.entries({ ours, theirs })) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      times[name].push((await side.ask("round")).milliseconds);
    }
  }
  return times;
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
