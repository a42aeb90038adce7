import { themeColours as c } from '../svg.ts';

/** The report's style sheet. Drawings are recoloured for the dark theme by the colours that they are drawn in. */
export const style = `
:root { color-scheme: light dark; --paper: #fff; --card: #f6f8fa; --ink: #1f2328; --soft: #57606a; --line: #d0d7de; --grid: #d8dee4;
  --good: #116329; --good-back: #dafbe1; --bad: #a40e26; --bad-back: #ffebe9; --open: #7d4e00; --open-back: #fff8c5; --link: #0550ae; }
@media (prefers-color-scheme: dark) { :root { --paper: #0d1117; --card: #161b22; --ink: #e6edf3; --soft: #9da7b3; --line: #3d444d; --grid: #2b3138;
  --good: #7ee787; --good-back: #12351d; --bad: #ffa198; --bad-back: #49191c; --open: #f2cc60; --open-back: #3b2e08; --link: #79c0ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 68rem; background: var(--paper); color: var(--ink); font: 1rem/1.55 system-ui, sans-serif; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .5rem; } h2 { font-size: 1.45rem; margin: 3rem 0 .25rem; } h3 { font-size: 1.15rem; margin: 2rem 0 .5rem; } h4 { font-size: 1rem; margin: 0 0 .4rem; }
p { margin: .4rem 0; } a { color: var(--link); } .soft { color: var(--soft); }
a:focus-visible, summary:focus-visible, [tabindex]:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 4px; }
.skip { position: absolute; left: -100vw; } .skip:focus { left: 1rem; top: 1rem; background: var(--paper); padding: .5rem 1rem; }
.counts { display: flex; flex-wrap: wrap; gap: .5rem; padding: 0; margin: 1rem 0; list-style: none; }
.badge { display: inline-block; white-space: nowrap; padding: .1rem .6rem; border-radius: 1rem; font-size: .85rem; font-weight: 600; color: var(--soft); border: 1px solid var(--line); background: var(--card); }
.badge.reproduced { color: var(--good); background: var(--good-back); border-color: transparent; }
.badge.not-reproduced { color: var(--bad); background: var(--bad-back); border-color: transparent; }
.badge.inconclusive, .badge.sample { color: var(--open); background: var(--open-back); border-color: transparent; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; } th, td { text-align: left; vertical-align: top; padding: .45rem .6rem; border-bottom: 1px solid var(--line); } th { color: var(--soft); font-weight: 600; }
td, dd { overflow-wrap: break-word; } .scroll table { min-width: 38rem; } .summary td:nth-child(2) { min-width: 14rem; } .summary td:last-child { min-width: 9rem; }
section.figure { border: 1px solid var(--line); border-radius: 8px; padding: 1rem; margin: 1rem 0; }
.sides { display: grid; grid-template-columns: minmax(0, 2fr) minmax(0, 3fr); gap: 1.25rem; align-items: start; } .sides > * { min-width: 0; }
blockquote { margin: 0; padding: .1rem 0 .1rem .9rem; border-left: 3px solid var(--line); }
.plot { overflow-x: auto; } .plot svg { display: block; max-width: max(100%, 34rem); height: auto; }
.plot svg [fill="${c.ink}"] { fill: var(--ink); } .plot svg [stroke="${c.ink}"] { stroke: var(--ink); }
.plot svg [fill="${c.soft}"] { fill: var(--soft); } .plot svg [stroke="${c.soft}"] { stroke: var(--soft); }
.plot svg [stroke="${c.grid}"] { stroke: var(--grid); } .plot svg > rect[fill="${c.paper}"] { fill: none; }
ul.claims { list-style: none; padding: 0; margin: 1rem 0 0; } ul.claims > li { padding: .7rem 0; border-top: 1px solid var(--line); }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .2rem 1rem; margin: .5rem 0; font-size: .92rem; } dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
details { margin: .8rem 0; } summary { cursor: pointer; font-weight: 600; }
code, pre { font: .88em ui-monospace, monospace; } pre { background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: .6rem .8rem; overflow-x: auto; margin: .5rem 0; }
.note { border-left: 3px solid var(--open); padding-left: .8rem; }
@media (max-width: 46rem) { .sides { grid-template-columns: minmax(0, 1fr); } dl { grid-template-columns: minmax(0, 1fr); } dd { margin-bottom: .4rem; } body { padding-top: 1rem; }
  .summary thead { display: none; } .summary tr { display: block; padding: .6rem 0; border-bottom: 1px solid var(--line); } .summary td { display: block; border: 0; padding: .1rem 0; } .scroll table.summary { min-width: 0; } }
@media print { details > * { display: block; } }
`;
