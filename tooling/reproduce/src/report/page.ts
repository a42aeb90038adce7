import type { Verdict } from '../claim.ts';
import type { ShownPackage } from './collect.ts';
import { allClaims, countVerdicts } from './collect.ts';
import { anchorOf, badge, experimentSection } from './experiment-section.ts';
import type { Html } from './html.ts';
import { html, trusted } from './html.ts';
import { style } from './style.ts';

/** The whole report: one page that needs nothing else. The same results give the same bytes. */
export function reportPage(packages: readonly ShownPackage[]): string {
  const withResults = packages.filter(({ experiments }) => experiments.length > 0);
  const claims = withResults.flatMap(({ experiments }) =>
    experiments.flatMap(({ results: [main] }) => allClaims(main.result)),
  );
  const counts = Object.entries(countVerdicts(claims)) as [Verdict, number][];
  return html`<!doctype html>
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
            What the papers claim, what we measured, and a verdict computed from the rows of each run. Each
            experiment shows its largest scale; smaller ones are folded below it.
          </p>
          <ul class="counts" aria-label="Claims by verdict">
            ${counts.map(([verdict, count]) => html`<li>${badge(verdict, `${count} `)}</li>`)}
          </ul>
        </header>
        <main id="results">
          ${claims.length === 0 ? html`<p class="note">There are no results yet. Run the root script reproduce.</p>` : summary(withResults)}
          ${packages.map(packageSection)}
        </main>
      </body>
    </html> `.html;
}

function summary(packages: readonly ShownPackage[]): Html {
  const rows = packages.flatMap(({ opened, experiments }) =>
    experiments.flatMap(({ id, results: [{ result }] }) =>
      result.figures.flatMap(({ figure, claims }) =>
        claims.map(
          ({ text, verdict, ours }) =>
            html`<tr>
              <td>${badge(verdict)}</td>
              <td><a href="#${anchorOf(id)}-0-${figure}">${text}</a></td>
              <td>${ours}</td>
              <td class="soft">${opened.name}, ${result.scale}${result.sample && ', embedded sample'}</td>
            </tr> `,
        ),
      ),
    ),
  );
  return html`<div class="scroll" tabindex="0" role="group" aria-label="All claims">
    <table class="summary">
      <thead>
        <tr>
          <th scope="col">Verdict</th>
          <th scope="col">Claim</th>
          <th scope="col">Ours</th>
          <th scope="col">Where</th>
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div> `;
}

function packageSection({ opened, experiments, missing }: ShownPackage): Html {
  return html`<section>
    <h2>${opened.name}</h2>
    <p class="soft">${opened.description}</p>
    ${experiments.map((experiment) => experimentSection(opened, experiment))}
    ${missing.length > 0 && html`<p class="note">Not run yet: ${missing.join(', ')}.</p>`}
  </section> `;
}
