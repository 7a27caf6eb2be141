// The report's style sheet: one column, light and dark, print; colours chosen to stay apart for colour-blind readers.

export const REPORT_STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fcfcfa; --ink: #1c2126; --quiet: #5b646d; --rule: #dfe2e0; --panel: #f4f5f2;
  --sa: #a3470f; --swa: #1d5f9e; --control: #6a5a9c; --beyond: #b3261e; --good: #2d6a3e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171a; --ink: #e6e8e9; --quiet: #9ba4ac; --rule: #2d3338; --panel: #1b1f23;
    --sa: #eb9a5f; --swa: #76b3ea; --control: #b3a5e3; --beyond: #ff8b7e; --good: #83c795;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, "Segoe UI", sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 2.5rem 1.25rem 5rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .3rem; letter-spacing: -.01em; }
h2 { font-size: 1.15rem; margin: 3rem 0 .6rem; padding-top: 1rem; border-top: 1px solid var(--rule); }
h3 { font-size: 1rem; margin: 1.6rem 0 .4rem; }
p, ul { max-width: 44rem; }
.quiet, figcaption, caption { color: var(--quiet); }
figcaption, caption, .small { font-size: .875rem; }
caption { text-align: left; padding: 0 0 .4rem; caption-side: top; }
a { color: var(--swa); }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: 0 1.5rem; margin: 1.8rem 0 0; padding: 0; }
.figures div { border-top: 2px solid var(--ink); padding: .6rem 0 1rem; }
.figures dt { color: var(--quiet); font-size: .875rem; }
.figures dd { margin: 0; font-size: 1.9rem; line-height: 1.2; font-variant-numeric: tabular-nums; letter-spacing: -.02em; }
.figures dd small { font-size: .875rem; color: var(--quiet); letter-spacing: 0; display: block; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .6rem 0 1rem; }
th, td { padding: .3rem 0 .3rem 1.4rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--rule); }
th { font-weight: 600; } thead th { color: var(--quiet); font-weight: 500; font-size: .875rem; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
td.text { text-align: left; }
td .interval { color: var(--quiet); font-size: .875rem; }
figure { margin: 1rem 0; min-width: 0; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(24rem, 100%), 1fr)); gap: 0 2rem; }
.three { grid-template-columns: repeat(auto-fit, minmax(min(17rem, 100%), 1fr)); }
svg.chart { overflow: visible; width: 100%; height: auto; display: block; max-width: 40rem; }
svg text { font: 11px system-ui, sans-serif; fill: var(--quiet); }
@media (min-width: 56rem) { .three svg text { font-size: 17px; } }
svg .value { fill: currentColor; font-weight: 600; paint-order: stroke; stroke: var(--paper); stroke-width: 3px; }
svg .grid { stroke: var(--rule); stroke-width: 1; }
svg .line { fill: none; stroke: currentColor; stroke-width: 2; stroke-linejoin: round; }
svg .line.thin { stroke-width: 1.2; opacity: .55; }
svg .whisker { stroke: currentColor; stroke-width: 1.5; }
svg .mark { fill: currentColor; stroke: var(--paper); stroke-width: 1; }
svg .mark.hollow { fill: var(--paper); stroke: currentColor; stroke-width: 1.8; }
.sa { color: var(--sa); } .swa { color: var(--swa); } .control { color: var(--control); }
svg .line.sa { stroke-dasharray: 6 4; } svg .line.control { stroke-dasharray: 2 3; }
svg .bar { stroke: currentColor; stroke-width: .75; } svg .bar.within { fill-opacity: .45; }
svg .hatch-ground { fill: var(--paper); } svg .hatch-line { stroke: currentColor; stroke-width: 2.4; }
svg .window-edge { stroke: var(--ink); stroke-width: 1.2; stroke-dasharray: 3 3; fill: none; }
svg .window-label { fill: var(--ink); font-weight: 600; }
.key { display: flex; flex-wrap: wrap; gap: .2rem 1.4rem; margin: .2rem 0 0; padding: 0; list-style: none; font-size: .875rem; color: var(--quiet); }
.key svg { width: 30px; height: 12px; vertical-align: -1px; margin-right: .4rem; }
.trace { border-left: 3px solid var(--rule); padding: .1rem 0 .1rem 1rem; margin: 1rem 0; }
.trace.right { border-color: var(--good); } .trace.other { border-color: var(--beyond); }
.trace p { margin: .15rem 0; }
pre, code { font: 13px/1.6 ui-monospace, "Cascadia Mono", Menlo, Consolas, monospace; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--panel); padding: .8rem 1rem; margin: .4rem 0; border-radius: 4px; }
.trace pre { background: none; padding: 0; margin: 0; }
mark { background: none; color: var(--beyond); font-weight: 700; text-decoration: underline dotted; text-underline-offset: 3px; }
svg.arcs { width: 100%; max-width: 45rem; height: auto; display: block; }
svg .arc { fill: none; stroke: var(--quiet); stroke-width: 1; opacity: .75; }
svg .arc.beyond { stroke: var(--beyond); stroke-width: 1.6; stroke-dasharray: 4 2; opacity: 1; }
svg .prompt-rule { stroke: var(--ink); stroke-width: 3; } svg .response-rule { stroke: var(--rule); stroke-width: 3; }
details { margin: .6rem 0; } summary { cursor: pointer; }
:focus-visible { outline: 2px solid var(--swa); outline-offset: 2px; }
@media (max-width: 40rem) {
  main { padding: 1.5rem 1rem 4rem; }
  td .interval { display: block; } th, td { padding-left: .8rem; } thead th { white-space: normal; }
}
@media print { main { max-width: none; padding: 0; } h2 { break-after: avoid; } figure, .trace, table { break-inside: avoid; } }
`;
