import { basename } from 'node:path';
import type { Verdict } from '../claim.ts';
import type { ClaimResult } from '../evaluate.ts';
import { anchorOf, claimAnchors } from './anchors.ts';
import { badge } from './badge.ts';
import type { ShownPackage } from './collect.ts';
import { countVerdicts } from './collect.ts';
import { experimentSection } from './experiment-section.ts';
import { filterForm, filterScript } from './filter.ts';
import type { Html } from './html.ts';
import { html, trusted } from './html.ts';
import type { PackageRows, PaperRow } from './paper-rows.ts';
import { rowsOf, statusCounts } from './paper-rows.ts';
import { style } from './style.ts';
import { packageClaims } from './verdict-line.ts';

const verdicts = ['reproduced', 'not reproduced', 'inconclusive', 'skipped'] as const;

/** The whole report: one page that needs nothing else. The same results give the same bytes. */
export function reportPage(packages: readonly ShownPackage[]): string {
  const rows = rowsOf(packages, ({ results: [main] }) => main);
  const claims = packages.flatMap(claimsOf);
  const counts = Object.entries(countVerdicts(claims)) as [Verdict, number][];
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>Ockham: reproductions</title>
        <link rel="icon" href="data:," />
        <style>
          ${trusted(style)}
        </style>
      </head>
      <body>
        <a class="skip" href="#results">Skip to the results</a>
        <header>
          <h1>Ockham: reproductions</h1>
          <p>
            What the papers claim, what we measured, and a verdict computed from the rows of each run. A claim
            that does not hold says so, with the reason. Each experiment counts at its largest scale.
          </p>
          <ul class="counts" aria-label="All claims by verdict">
            ${counts.map(([verdict, count]) => html`<li>${badge(verdict, `${count} `)}</li>`)}
          </ul>
          ${claims.length === 0 ? html`<p class="note">There are no results yet. Run the root script reproduce.</p>` : [summary(packages, rows), failures(packages)]}
        </header>
        <main id="results">
          ${filterForm(packages)} ${packages.map((shown, i) => packageSection(shown, rows[i]!))}
        </main>
        ${filterScript()}
      </body>
    </html> `.html;
  return `${page.replace(/\n\s+/g, '\n').trim()}\n`;
}

function claimsOf(shown: ShownPackage): ClaimResult[] {
  return packageClaims(shown, ({ results: [main] }) => main);
}

function idOf({ opened }: ShownPackage): string {
  return `package-${basename(opened.folder)}`;
}

function summary(packages: readonly ShownPackage[], rows: readonly PackageRows[]): Html {
  const total = countVerdicts(packages.flatMap(claimsOf));
  return html`<table class="stacked" id="summary">
    <caption>
      In a minute
    </caption>
    <thead>
      <tr>
        <th scope="col">Paper</th>
        <th scope="col">Its figures and tables</th>
        <th scope="col" class="number">claims</th>
        ${verdicts.map((verdict) => html`<th scope="col" class="number">${verdict}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${packages.map((shown, i) => {
        const claims = claimsOf(shown);
        const counts = countVerdicts(claims);
        return html`<tr>
          <th scope="row">
            <a href="#${idOf(shown)}">${shown.opened.name}</a>
            <div class="soft small plain">${rows[i]!.papers.map(({ title }) => title).join('; ')}</div>
          </th>
          <td>${statusCounts(rows[i]!)}</td>
          ${numberCells(claims.length, counts, shown)}
        </tr> `;
      })}
    </tbody>
    <tfoot>
      <tr>
        <th scope="row" colspan="2">Together</th>
        ${numberCells(packages.flatMap(claimsOf).length, total)}
      </tr>
    </tfoot>
  </table> `;
}

/** Each count of a package leads to the package, and where scripts run to those claims alone. */
function numberCells(
  claims: number,
  counts: Readonly<Record<Verdict, number>>,
  shown?: ShownPackage,
): Html[] {
  return [
    html`<td class="number counted" data-head="claims">${claims}</td>`,
    ...verdicts.map((verdict) => {
      const count = counts[verdict];
      const link =
        shown &&
        count > 0 &&
        html`<a
          href="#${idOf(shown)}"
          data-show="${verdict}"
          data-of="${shown.opened.name}"
          aria-label="${count} ${verdict} of ${shown.opened.name}"
          >${count}</a
        >`;
      return html`<td class="number counted" data-head="${verdict}">${link || count}</td>`;
    }),
  ];
}

function failures(packages: readonly ShownPackage[]): Html | false {
  const items = packages.flatMap(({ opened, experiments }) =>
    experiments.flatMap(({ id, results: [{ result }] }) =>
      result.figures.flatMap(({ figure, claims }) => {
        const anchors = claimAnchors(
          anchorOf(`${id}#${figure}`),
          claims.map(({ text }) => text),
        );
        return claims.flatMap(({ verdict, text, ours, why }, i) =>
          verdict === 'not reproduced'
            ? [
                html`<li>
                  ${opened.name}: <a href="#${anchors[i]}">${text}</a>. Ours: ${ours}.
                  ${why && `Why: ${why}.`}
                </li> `,
              ]
            : [],
        );
      }),
    ),
  );
  return (
    items.length > 0 &&
    html`<details>
      <summary>What does not hold, and why (${items.length})</summary>
      <ul class="failed">
        ${items}
      </ul>
    </details>`
  );
}

function packageSection(shown: ShownPackage, { papers, beyond }: PackageRows): Html {
  const { opened, experiments, missing } = shown;
  return html`<section
    class="package"
    id="${idOf(shown)}"
    data-package="${opened.name}"
    aria-labelledby="${idOf(shown)}-title"
  >
    <h2 id="${idOf(shown)}-title">${opened.name}</h2>
    <p class="soft">${opened.description}</p>
    <p class="small"><a href="#summary">To the summary</a> · <a href="#results">To the filter</a></p>
    <div class="printed">
      ${papers.map(({ title, rows }) => paperTable(title, 'Figure or table', rows))}
      ${
        beyond.length > 0 &&
        html`<details>
          <summary>Beyond the paper’s figures and tables (${beyond.length})</summary>
          ${paperTable(undefined, 'Experiment', beyond)}
        </details>`
      }
      ${missing.length > 0 && html`<p class="note">Not run yet: ${missing.map(({ id }) => id).join(', ')}.</p>`}
    </div>
    ${experiments.map((experiment) => experimentSection(opened, experiment))}
  </section> `;
}

function paperTable(title: string | undefined, head: string, rows: readonly PaperRow[]): Html {
  return html`<table class="stacked">
    ${
      title !== undefined &&
      html`<caption>
        ${title}
      </caption>`
    }
    <thead>
      <tr>
        <th scope="col">${head}</th>
        <th scope="col">Shows</th>
        <th scope="col">Status</th>
        <th scope="col">Claims reproduced</th>
      </tr>
    </thead>
    <tbody>
      ${rows.map(paperRow)}
    </tbody>
  </table> `;
}

function paperRow({ label, shows, status, claims, references, remarks, commands, tests }: PaperRow): Html {
  const { reproduced, skipped } = countVerdicts(claims);
  const [first] = references;
  return html`<tr>
    <th scope="row">${first === undefined ? label : html`<a href="#${anchorOf(first)}">${label}</a>`}</th>
    <td>${shows}</td>
    <td>
      ${badge(status)} ${remarks.length > 0 && html`<div class="small">${remarks.join('; ')}</div>`}
      ${tests.length > 0 && html`<div class="soft small">${tests.join(', ')}</div>`}
      ${commands.map((command) => html`<div class="small"><code>${command}</code></div>`)}
    </td>
    <td data-head="claims reproduced">${claims.length > skipped && `${reproduced} of ${claims.length}`}</td>
  </tr> `;
}
