// node scripts/mismatch.mjs RUN: the mismatch of a finished miniature run, as the tables and the figure of docs/results.md.
// The run's full-attention base reads every text; a second time the windowed side is read by the model after SFT.

import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { ROOT } from "./lib/repository.mjs";
import { setUp } from "./lib/setup.mjs";

const FIGURE = path.join(ROOT, "docs/figures/mismatch.svg");
const LINES = [
  { colour: "#1b5e8c", dash: "" },
  { colour: "#b3541e", dash: "7 3" },
  { colour: "#4a7a2c", dash: "2 3" },
];
const run = process.argv[2];
if (run === undefined) throw new Error("Expected a run folder: node scripts/mismatch.mjs runs/demo");
await setUp();

const window = JSON.parse(fs.readFileSync(path.join(run, "results.json"), "utf8")).window;
const adapted = analysed("--windowed-model", path.join(run, "checkpoints/swa/sft"));
// Last, so that its figures are the ones that stay in the run folder for the report.
const plain = analysed();
fs.mkdirSync(path.dirname(FIGURE), { recursive: true });
fs.writeFileSync(FIGURE, figure());
console.log(`${table()}\n\n${stepTable()}\n\n${FIGURE} is written.`);

function analysed(...more) {
  const base = path.join(run, "checkpoints/sa/base");
  const args = ["analyze", base, "--window", String(window), "--rollouts", run, "--json", ...more];
  const options = { stdio: ["ignore", "ignore", "inherit"] };
  const outcome = spawnSync(process.execPath, [path.join(ROOT, "dist/cli/main.js"), ...args], options);
  if (outcome.status !== 0) throw new Error(`swarr ${args.join(" ")} ended with ${outcome.status}`);
  return JSON.parse(fs.readFileSync(path.join(run, "analysis.json"), "utf8"));
}

function table() {
  const header = [
    "text",
    "look beyond W",
    "base reads both: gap",
    "of it beyond W",
    "adapted reader: gap",
    "of it beyond W",
    "right answers only",
  ];
  const rows = Object.entries(plain.texts).map(([name, text]) => {
    const other = adapted.texts[name];
    return [
      name,
      `${((100 * text.byReach.beyond.tokens) / text.tokens).toFixed(1)} %`,
      withError(text),
      text.byReach.beyond.ofMeanNats.toFixed(3),
      withError(other),
      other.byReach.beyond.ofMeanNats.toFixed(3),
      (other.byVerdict?.right.meanGapNats ?? other.meanGapNats).toFixed(3),
    ];
  });
  return markdown(header, rows);
}

function stepTable() {
  const steps = [...new Set(plain.bySteps.map(({ step }) => step))].sort((a, b) => a - b);
  const shareOf = (arm, step) => {
    const found = plain.bySteps.find((one) => one.arm === arm && one.step === step);
    return found === undefined ? "" : `${((100 * found.byReach.beyond.tokens) / found.tokens).toFixed(1)} %`;
  };
  const rows = ["swa", "sa"].map((arm) => [arm.toUpperCase(), ...steps.map((step) => shareOf(arm, step))]);
  return markdown(["look beyond W at RL step", ...steps.map(String)], rows);
}

function withError({ meanGapNats, standardError }) {
  return `${meanGapNats.toFixed(3)} ± ${standardError.toFixed(3)}`;
}

function markdown(header, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
}

/** Two panels over the distance bins: how often tokens look that far, and what the window costs them. */
function figure() {
  const bins = plain.texts["SFT data"].byDistance.filter(({ to }) => to <= 2 * window);
  const share = (text) => {
    const looking = text.tokens - text.byReach.nowhere.tokens;
    return bins.map((bin) => (text.byDistance.find(({ to }) => to === bin.to)?.tokens ?? 0) / looking);
  };
  const cost = (text) => bins.map((bin) => text.byDistance.find(({ to }) => to === bin.to)?.gapNats ?? null);
  const left = {
    title: "How far back tokens look (share of those that do)",
    top: 0.6,
    series: ["SFT data", "SWA after RL", "SA after RL"].map((name) => [name, share(plain.texts[name])]),
  };
  const right = {
    title: "What the window costs such a token of the SFT data (nats)",
    top: 4.5,
    series: [
      ["read by the SA base", cost(plain.texts["SFT data"])],
      ["read by the SWA model after SFT", cost(adapted.texts["SFT data"])],
    ],
  };
  const labels = bins.map(({ from, to }) => `${from}-${to}`);
  const beyond = bins.findIndex(({ from }) => from > window);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 960 330" font-family="sans-serif" font-size="12" role="img">`,
    `<title>Distances of look-ups in three texts, and the gap by distance under two readers; the window is ${window}</title>`,
    `<rect width="960" height="330" fill="#ffffff"/>`,
    panel(left, 0, labels, beyond),
    panel(right, 480, labels, beyond),
    `</svg>\n`,
  ].join("\n");
}

function panel({ title, top, series }, x0, labels, beyond) {
  const [width, height, baseline] = [400, 190, 270];
  const x = (i) => x0 + 55 + (width * (i + 0.5)) / labels.length;
  const y = (value) => baseline - (height * Math.min(value, top)) / top;
  const edge = x0 + 55 + (width * beyond) / labels.length;
  const ticks = [0, 1, 2, 3].map((i) => (i * top) / 3);
  return [
    `<text x="${x0 + 55}" y="20" font-weight="bold" fill="#222">${title}</text>`,
    ...ticks.map(
      (tick) =>
        `<path d="M${x0 + 55} ${y(tick)}h${width}" stroke="#ddd"/><text x="${x0 + 48}" y="${y(tick) + 4}" text-anchor="end" fill="#444">${tick.toFixed(1)}</text>`,
    ),
    `<path d="M${edge} ${baseline - height}V${baseline}" stroke="#222" stroke-dasharray="4 4"/>`,
    `<text x="${edge + 5}" y="${baseline - height + 12}" fill="#222">beyond W</text>`,
    ...labels.map(
      (label, i) => `<text x="${x(i)}" y="${baseline + 18}" text-anchor="middle" fill="#444">${label}</text>`,
    ),
    `<text x="${x0 + 55 + width / 2}" y="${baseline + 40}" text-anchor="middle" fill="#444">distance to the latest earlier occurrence, tokens</text>`,
    ...series.map(([name, values], n) => {
      const { colour, dash } = LINES[n];
      const points = values.flatMap((value, i) =>
        value === null ? [] : [`${x(i).toFixed(1)},${y(value).toFixed(1)}`],
      );
      const marks = points.map(
        (point) => `<circle cx="${point.split(",")[0]}" cy="${point.split(",")[1]}" r="3.5" fill="${colour}"/>`,
      );
      const key = `<path d="M${x0 + 60 + n * 125 * (series.length === 3 ? 1 : 1.3)} 45h22" stroke="${colour}" stroke-width="2.5" stroke-dasharray="${dash}"/>`;
      const word = `<text x="${x0 + 86 + n * 125 * (series.length === 3 ? 1 : 1.3)}" y="49" fill="#222">${name}</text>`;
      return `<polyline points="${points.join(" ")}" fill="none" stroke="${colour}" stroke-width="2.5" stroke-dasharray="${dash}"/>${marks.join("")}${key}${word}`;
    }),
  ].join("\n");
}
