// The comparison as a table: plain columns for a terminal, Markdown for docs/performance.md.

const HEAD = ["work", "peer", "swarr tokens/s", "peer tokens/s", "swarr / peer", "range", "same work"];

function rowOf(cell) {
  const { work, config, sequences, precision, peer, ours, theirs, ratio, ratioRange, leftOut } = cell;
  const what =
    work === "train" ? `train ${config}${precision === "bfloat16" ? ", bf16" : ""}` : `sample ${config} x ${sequences}`;
  if (leftOut !== undefined) return [what, peer, "", "", "left out", "", leftOut];
  const held = { true: "yes", false: "NO", null: "no: see peer" }[String(cell.sameWork)];
  const range = ratioRange.map((each) => each.toFixed(2)).join(" to ");
  return [
    what,
    peer,
    ours.tokensPerSecond.toFixed(0),
    theirs.tokensPerSecond.toFixed(0),
    ratio.toFixed(2),
    range,
    held,
  ];
}

function header({ versions, threads, rounds, machine, date }) {
  const named = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `${date}, ${machine.cpu}, ${threads} threads on both sides, medians of ${rounds} alternating rounds; ${named.join(", ")}.`;
}

export function plainTable(result) {
  const rows = [HEAD, ...result.cells.map(rowOf)];
  const widths = HEAD.map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  const lines = rows.map((row) =>
    row
      .map((text, i) => text.padEnd(widths[i]))
      .join("  ")
      .trimEnd(),
  );
  return [header(result), "", ...lines].join("\n");
}

export function markdownTable(result) {
  const line = (row) => `| ${row.join(" | ")} |`;
  return [header(result), "", line(HEAD), line(HEAD.map(() => "---")), ...result.cells.map(rowOf).map(line)].join("\n");
}
