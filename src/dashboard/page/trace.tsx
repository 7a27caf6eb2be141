// One trace: its look-ups as arcs, its tokens shaded by log-prob, and what the window still shows at the chosen token.

import { useMemo, useState } from "preact/hooks";
import { visibleControls } from "../../report/markup.ts";
import type { RolloutRecord } from "../../run/rollouts.ts";

const MOST_TOKENS = 3000;
const MOST_TOKEN_TEXT = 200;
const MOST_TEXT = 20_000;

/** Index of the step of shading: how improbable the token was when it was drawn. */
export function surprise(logProb: number): number {
  const limits = [Math.log(0.9), Math.log(0.5), Math.log(0.1), Math.log(0.01)];
  return limits.filter((limit) => logProb < limit).length;
}

export function Trace({ record, window }: { readonly record: RolloutRecord; readonly window: number | null }) {
  const [chosen, setChosen] = useState<number | null>(null);
  const prompt = record.promptTokens ?? [];
  const arcs = record.promptTokens === null ? [] : (record.arcs ?? []);
  const count = prompt.length + Math.min(record.tokens.length, MOST_TOKENS);
  const choose = (next: number): void => setChosen(Math.max(0, Math.min(count - 1, next)));
  const onKey = (event: KeyboardEvent): void => {
    const moves: Readonly<Record<string, number>> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -20, ArrowDown: 20 };
    const move = moves[event.key];
    if (move === undefined) return;
    event.preventDefault();
    choose((chosen ?? prompt.length) + move);
  };
  return (
    <div class="trace">
      {arcs.length > 0 && (
        <Arcs arcs={arcs} count={count} prompt={prompt.length} window={window} chosen={chosen} choose={choose} />
      )}
      <p class="token-line" role="status">
        <TokenFacts record={record} prompt={prompt} chosen={chosen} window={window} />
      </p>
      <div
        class="tokens"
        tabIndex={0}
        role="group"
        aria-label="Tokens; arrow keys move from one to the next"
        onKeyDown={onKey}
      >
        {record.promptTokens === null ? (
          <span class="prompt-text">{visibleControls(record.prompt.slice(0, MOST_TEXT))}</span>
        ) : (
          <Tokens texts={prompt} logProbs={null} first={0} {...{ chosen, choose, window, arcs }} />
        )}
        <Tokens
          texts={record.tokens.slice(0, MOST_TOKENS)}
          logProbs={record.logProbs}
          first={prompt.length}
          {...{ chosen, choose, window, arcs }}
        />
      </div>
      {record.tokens.length > MOST_TOKENS && (
        <p class="quiet small">
          The first {MOST_TOKENS} of {record.tokens.length} tokens are shown.
        </p>
      )}
      <RawText text={record.response} />
    </div>
  );
}

function Tokens(props: {
  readonly texts: readonly string[];
  readonly logProbs: readonly number[] | null;
  readonly first: number;
  readonly chosen: number | null;
  readonly choose: (index: number) => void;
  readonly window: number | null;
  readonly arcs: readonly (readonly [number, number])[];
}) {
  const { texts, logProbs, first, chosen, choose, window } = props;
  const sources = new Set(props.arcs.filter(([, to]) => to === chosen).map(([from]) => from));
  const far = useMemo(
    () => new Set(props.arcs.filter(([from, to]) => window !== null && to - from > window).map(([, to]) => to)),
    [props.arcs, window],
  );
  return (
    <>
      {texts.map((text, i) => {
        const index = first + i;
        // The window counts the chosen token itself: W tokens end at it.
        const seen = chosen === null || (index <= chosen && (window === null || chosen - index < window));
        const classes = [
          "token",
          logProbs === null ? "of-prompt" : `surprise-${surprise(logProbs[i] ?? 0)}`,
          seen ? "" : "unseen-token",
          index === chosen ? "chosen" : "",
          sources.has(index) ? "source" : "",
          far.has(index) ? "far" : "",
        ];
        return (
          <span
            key={index}
            class={classes.filter((name) => name !== "").join(" ")}
            onClick={() => choose(index)}
            onMouseEnter={() => choose(index)}
          >
            {shownToken(text)}
          </span>
        );
      })}
    </>
  );
}

function shownToken(text: string): string {
  const shown = visibleControls(
    text.length > MOST_TOKEN_TEXT ? `${text.slice(0, MOST_TOKEN_TEXT)}… (${text.length} characters)` : text,
  );
  return shown.replaceAll("\n", "⏎\n");
}

function TokenFacts(props: {
  readonly record: RolloutRecord;
  readonly prompt: readonly string[];
  readonly chosen: number | null;
  readonly window: number | null;
}) {
  const { record, prompt, chosen, window } = props;
  if (chosen === null)
    return <>Choose a token: what lies outside its window fades. Shading: darker is less probable.</>;
  const i = chosen - prompt.length;
  const text = JSON.stringify(visibleControls((i < 0 ? prompt[chosen] : record.tokens[i]) ?? "").slice(0, 60));
  const logProb = i < 0 ? null : (record.logProbs[i] ?? null);
  const back = (record.arcs ?? []).filter(([, to]) => to === chosen).map(([from]) => chosen - from);
  const distance = back[0];
  return (
    <>
      <b>{text}</b> position {chosen}
      {i < 0 && ", prompt"}
      {logProb !== null && `, log-prob ${logProb.toFixed(4)} (${(100 * Math.exp(logProb)).toFixed(1)} %)`}
      {distance !== undefined &&
        `, looks ${distance} back${window === null ? "" : distance > window ? `, beyond the window of ${window}` : `, inside the window of ${window}`}`}
    </>
  );
}

function Arcs(props: {
  readonly arcs: readonly (readonly [number, number])[];
  readonly count: number;
  readonly prompt: number;
  readonly window: number | null;
  readonly chosen: number | null;
  readonly choose: (index: number) => void;
}) {
  const { arcs, count, prompt, window, chosen, choose } = props;
  const width = 900;
  const pitch = width / Math.max(1, count);
  const longest = Math.max(1, ...arcs.map(([from, to]) => to - from));
  const height = Math.min(120, 16 + (pitch * longest) / 3);
  const base = height - 6;
  const far = window === null ? 0 : arcs.filter(([from, to]) => to - from > window).length;
  const label = `${arcs.length} look-ups${window === null ? "" : `, ${far} of them beyond the window of ${window}`}`;
  const follow = (event: MouseEvent): void => {
    const box = (event.currentTarget as SVGElement).getBoundingClientRect();
    choose(Math.floor(((event.clientX - box.left) / box.width) * count));
  };
  const band = chosen === null || window === null ? null : Math.max(0, chosen - window + 1);
  return (
    <svg
      class="arcs"
      viewBox={`0 0 ${width} ${height}`}
      role="img"
      aria-label={label}
      onMouseMove={follow}
      onClick={follow}
    >
      {band !== null && chosen !== null && (
        <rect class="window-band" x={band * pitch} y="0" width={(chosen - band + 1) * pitch} height={height} />
      )}
      <path class="prompt-rule" d={`M0 ${base + 2}H${prompt * pitch}`} />
      <path class="response-rule" d={`M${prompt * pitch} ${base + 2}H${width}`} />
      {arcs.map(([from, to], i) => {
        const rise = Math.min(base - 3, ((to - from) * pitch) / 3) * 1.33;
        const [x1, x2] = [(from + 0.5) * pitch, (to + 0.5) * pitch];
        const beyond = window !== null && to - from > window;
        const classes = `arc ${beyond ? "beyond" : "within"} ${to === chosen ? "chosen" : ""}`;
        return (
          <path key={i} class={classes} d={`M${x1} ${base}C${x1} ${base - rise} ${x2} ${base - rise} ${x2} ${base}`} />
        );
      })}
    </svg>
  );
}

/** The response as one text; a long one is cut until asked for. */
function RawText({ text }: { readonly text: string }) {
  const [all, setAll] = useState(false);
  const cut = !all && text.length > MOST_TEXT;
  return (
    <details class="raw">
      <summary>Plain text ({text.length.toLocaleString("en")} characters)</summary>
      <pre tabIndex={0}>{visibleControls(cut ? text.slice(0, MOST_TEXT) : text)}</pre>
      {cut && (
        <button type="button" onClick={() => setAll(true)}>
          Show all of it
        </button>
      )}
    </details>
  );
}
