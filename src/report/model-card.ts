// The README.md that travels with an exported checkpoint: what it is, how its window counts, what it scored, who honours the window.

import type { RunResults } from "../run/results.ts";
import { MODE_NAMES, STAGE_NAMES, modesOf, resultRows, scoreText } from "./rows.ts";

/** What was found when a program loaded the checkpoint. */
export interface LoaderFinding {
  /** such as `transformers 5.2` */
  readonly loader: string;
  readonly verdict: "right-window" | "off-by-one" | "full-attention" | "other";
}

export interface ModelCardFacts {
  readonly name: string;
  readonly family: string;
  /** the model it was made from; null when it was made on the spot */
  readonly base: string | null;
  readonly license: string | null;
  /** tokens a query sees, itself counted */
  readonly window: number;
  readonly fullAttentionLayers: readonly number[];
  readonly layerCount: number;
  /** first positions that stay visible; no standard key states it */
  readonly sinkTokens: number;
  /** such as `rl` */
  readonly stage: string | null;
  readonly results: RunResults | null;
  readonly loaders: readonly LoaderFinding[];
  readonly swarrVersion: string;
}

/** Markdown with the metadata block that model hubs read. */
export function modelCard(facts: ModelCardFacts): string {
  const parts = [
    frontMatter(facts),
    `# ${facts.name}`,
    "",
    `A ${facts.family} model with sliding-window attention${facts.base === null ? "" : `, made from ${facts.base}`} by swarr ${facts.swarrVersion}${facts.stage === null ? "" : ` (after ${facts.stage})`}.`,
    "",
    "## The window",
    "",
    `- A query sees itself and the ${facts.window - 1} tokens before it: **W = ${facts.window}, the query counted**.`,
    `- ${layersSentence(facts)}`,
    ...(facts.sinkTokens === 0
      ? []
      : [
          `- The first ${facts.sinkTokens} positions stay visible to every query. **No standard key states this**: only swarr runs the model so.`,
        ]),
    "- Some programs drop the window's keys and run full attention without a word. Check yours: `npx swarr probe URL-OR-FOLDER` runs the certificate that came with this folder.",
    "",
    ...loadersTable(facts.loaders),
    ...scores(facts),
    "## Limits",
    "",
    "The windowed model answers less well than its full-attention twin, mostly on long problems, and its responses are longer. Accuracies hold for the data they were measured on.",
    "",
  ];
  return parts.join("\n");
}

function frontMatter({ base, license }: ModelCardFacts): string {
  const lines = [
    "---",
    ...(base === null ? [] : [`base_model: ${JSON.stringify(base)}`]),
    ...(license === null ? [] : [`license: ${JSON.stringify(license)}`]),
    "pipeline_tag: text-generation",
    "tags: [sliding-window-attention, swarr]",
    "---",
    "",
  ];
  return lines.join("\n");
}

function layersSentence({ fullAttentionLayers, layerCount }: ModelCardFacts): string {
  if (fullAttentionLayers.length === 0) return `All ${layerCount} layers slide.`;
  return `Of ${layerCount} layers, ${fullAttentionLayers.join(", ")} (from 0) keep full attention; the others slide.`;
}

const VERDICTS: Readonly<Record<LoaderFinding["verdict"], string>> = {
  "right-window": "honours the window",
  "off-by-one": "**off by one**",
  "full-attention": "**runs full attention**",
  other: "**runs something else**",
};

function loadersTable(loaders: readonly LoaderFinding[]): readonly string[] {
  if (loaders.length === 0) return ["No program other than swarr has been tried on this folder.", ""];
  const rows = loaders.map(({ loader, verdict }) => `| ${loader} | ${VERDICTS[verdict]} |`);
  return ["| Tried with | Result |", "|:--|:--|", ...rows, ""];
}

function scores({ results }: ModelCardFacts): readonly string[] {
  if (results === null) return [];
  return modesOf(results).flatMap((mode) => [
    `## Accuracy in % ${MODE_NAMES[mode]} [95% interval]`,
    "",
    "| Stage | Full attention | Sliding window |",
    "|:--|--:|--:|",
    ...resultRows(results, mode).map(
      (row) => `| ${STAGE_NAMES[row.stage]} | ${scoreText(row.sa)} | ${scoreText(row.swa)} |`,
    ),
    "",
  ]);
}
