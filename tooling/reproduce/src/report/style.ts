/** What drawings take in the dark theme in place of their ink, lesser ink and grid. */
export const darkInk = { ink: '#e6edf3', soft: '#9da7b3', grid: '#2b3138' } as const;

/** The report's style sheet: light and dark, from a phone to a wide screen, and on paper. */
export const style = `
:root { color-scheme: light dark; --paper: #fff; --card: #f6f8fa; --ink: #1f2328; --soft: #57606a; --line: #d0d7de;
  --good: #116329; --good-back: #dafbe1; --bad: #a40e26; --bad-back: #ffebe9; --open: #7d4e00; --open-back: #fff8c5; --link: #0550ae; --field: #6e7781; }
@media (prefers-color-scheme: dark) { :root { --paper: #0d1117; --card: #161b22; --ink: ${darkInk.ink}; --soft: ${darkInk.soft}; --line: #3d444d;
  --good: #7ee787; --good-back: #12351d; --bad: #ffa198; --bad-back: #49191c; --open: #f2cc60; --open-back: #3b2e08; --link: #79c0ff; --field: #8b949e; } }
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 72rem; background: var(--paper); color: var(--ink); font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .5rem; } h2 { font-size: 1.5rem; line-height: 1.25; margin: 3rem 0 .25rem; } h3 { font-size: 1.15rem; margin: 2.2rem 0 .4rem; } h4 { font-size: 1rem; margin: 0 0 .4rem; }
.package { border-top: 3px solid var(--line); margin-top: 3rem; } .package > h2 { margin-top: 1.2rem; }
p { margin: .4rem 0; max-width: 52rem; } a { color: var(--link); } .soft { color: var(--soft); } .small { font-size: .92rem; } .plain { font-weight: 400; }
:is(a, summary, input, select, button, [tabindex]):focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 4px; }
.skip { position: absolute; left: -100vw; } .skip:focus { left: 1rem; top: 1rem; background: var(--paper); padding: .5rem 1rem; }
.counts { display: flex; flex-wrap: wrap; gap: .5rem; padding: 0; margin: 1rem 0; list-style: none; }
.badge { display: inline-block; white-space: nowrap; padding: .1rem .6rem; border-radius: 1rem; font-size: .85rem; font-weight: 600; color: var(--soft); border: 1px solid var(--line); background: var(--card); }
.badge.good { color: var(--good); background: var(--good-back); border-color: transparent; }
.badge.bad { color: var(--bad); background: var(--bad-back); border-color: transparent; }
.badge.open { color: var(--open); background: var(--open-back); border-color: transparent; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; } caption { text-align: left; font-weight: 600; padding: .6rem 0 .2rem; }
th, td { text-align: left; vertical-align: top; padding: .45rem .6rem; border-bottom: 1px solid var(--line); } thead th { color: var(--soft); font-weight: 600; } tbody th { font-weight: 600; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
tfoot th, tfoot td { border-top: 2px solid var(--line); font-weight: 600; }
section.figure { border: 1px solid var(--line); border-radius: 8px; padding: 1rem; margin: 1rem 0; }
.sides { display: grid; grid-template-columns: minmax(0, 2fr) minmax(0, 3fr); gap: 1.25rem; align-items: start; } .sides > * { min-width: 0; }
blockquote { margin: 0; padding: .1rem 0 .1rem .9rem; border-left: 3px solid var(--line); }
.plot { overflow-x: auto; } .plot img { display: block; max-width: max(100%, 30rem); height: auto; }
ul.claims { list-style: none; padding: 0; margin: 1rem 0 0; } ul.claims > li { padding: .7rem 0; border-top: 1px solid var(--line); scroll-margin-top: 1rem; }
li:target { outline: 2px solid var(--link); outline-offset: 6px; border-radius: 2px; }
.anchor { padding: .15rem .5rem; }
ul.failed li { margin: .5rem 0; }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .2rem 1rem; margin: .5rem 0; font-size: .92rem; } dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
details { margin: .8rem 0; } summary { cursor: pointer; font-weight: 600; padding: .15rem 0; }
code, pre { font: .88em ui-monospace, monospace; overflow-wrap: anywhere; } pre { background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: .6rem .8rem; white-space: pre-wrap; margin: .5rem 0; }
.note { border-left: 3px solid var(--open); padding-left: .8rem; }
form.filter { display: flex; flex-wrap: wrap; gap: .8rem 1.5rem; align-items: end; border: 1px solid var(--line); border-radius: 8px; background: var(--card); padding: .8rem 1rem; margin: 1.5rem 0; }
.filter fieldset { border: 0; padding: 0; margin: 0; display: flex; flex-wrap: wrap; gap: .2rem 1rem; min-width: 0; } .filter legend { padding: 0; color: var(--soft); font-size: .92rem; }
.filter label { display: inline-flex; flex-direction: column; color: var(--soft); font-size: .92rem; } .filter fieldset label { flex-direction: row; align-items: center; gap: .4rem; color: var(--ink); min-height: 2rem; }
.filter :is(input[type='search'], select, button) { font: inherit; color: var(--ink); background: var(--paper); border: 1px solid var(--field); border-radius: 6px; padding: .35rem .6rem; min-height: 2.5rem; max-width: 100%; }
.filter input[type='checkbox'] { width: 1.15rem; height: 1.15rem; margin: 0; } .filter output { flex-basis: 100%; }
[hidden] { display: none !important; }
@media (max-width: 46rem) { body { padding-top: 1rem; } h1 { font-size: 1.6rem; } .sides { grid-template-columns: minmax(0, 1fr); } dl { grid-template-columns: minmax(0, 1fr); } dd { margin-bottom: .4rem; } section.figure { padding: .8rem; }
  .stacked thead { display: none; } .stacked :is(tr, td, th) { display: block; } .stacked tr { padding: .6rem 0; border-bottom: 1px solid var(--line); } .stacked :is(td, th) { border: 0; padding: .1rem 0; text-align: left; white-space: normal; }
  .stacked td[data-head]:empty { display: none; } .stacked td[data-head]::before { content: attr(data-head) ': '; color: var(--soft); font-weight: 400; } .stacked .counted { display: inline-block; margin-right: 1rem; } }
@media print { :root { color-scheme: light; } body { max-width: none; font-size: 10pt; padding: 0; } form.filter, .skip, .anchor { display: none; } .sides { grid-template-columns: minmax(0, 2fr) minmax(0, 3fr); }
  section.figure, tr, ul.claims > li { break-inside: avoid; } :is(h2, h3, h4) { break-after: avoid; } .plot img { max-width: 100%; } .scroll, .plot { overflow: visible; }
  details::details-content { content-visibility: visible; block-size: auto; } summary { list-style: none; } }
`;
