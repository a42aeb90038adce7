import type { ClaimResult } from '../evaluate.ts';
import type { ResultFigure } from '../result.ts';
import type { ReproducingPackage } from '../workspace.ts';
import { anchorOf, claimAnchors } from './anchors.ts';
import { badge } from './badge.ts';
import type { ShownExperiment, ShownResult } from './collect.ts';
import { allClaims, counted, formatDuration, reproduceCommand } from './collect.ts';
import { dataImage } from './data-image.ts';
import type { Html } from './html.ts';
import { html } from './html.ts';
import { provenanceDetails } from './provenance.ts';
import { verdictCounts } from './verdict-line.ts';

/** An experiment: its main result open with figures, the verdicts of the other scales folded below. */
export function experimentSection(
  opened: ReproducingPackage,
  { id, results: [main, ...others] }: ShownExperiment,
): Html {
  const { result, drawings, notes } = main;
  const { skipped, figures, differences } = result;
  return html`<section class="experiment" id="${anchorOf(id)}" aria-labelledby="${anchorOf(id)}-title">
    <h3 id="${anchorOf(id)}-title">${result.paper}</h3>
    <p class="soft">
      ${scaleLabel(main)}
      ${result.sample && html`<span class="badge open">embedded sample, not the full data</span>`}
    </p>
    ${skipped !== undefined && html`<p class="note">Skipped: ${skipped}</p>`}
    ${notes.map((note) => html`<p class="note">${note}</p>`)}
    ${figures.map((figure) => figureSection(figure, drawings, anchorOf(`${id}#${figure.figure}`)))}
    ${
      differences.length > 0 &&
      html`<details>
        <summary>Differences from the paper (${differences.length})</summary>
        <ol>
          ${differences.map((text) => html`<li>${text}</li>`)}
        </ol>
      </details>`
    }
    ${provenanceDetails(result, reproduceCommand(opened, result))}
    ${others.map((other) => otherScale(opened, other))}
  </section> `;
}

function figureSection(figure: ResultFigure, drawings: ReadonlyMap<string, string>, id: string): Html {
  const svg = figure.svg && drawings.get(figure.svg);
  const anchors = claimAnchors(
    id,
    figure.claims.map(({ text }) => text),
  );
  const said = figure.paperClaim !== figure.title; // where a figure has no words of its own, its claims have
  return html`<section class="figure" id="${id}" aria-labelledby="${id}-title">
    <div class="${said ? 'sides' : ''}">
      ${
        said &&
        html`<div>
          <h4>The paper</h4>
          <blockquote>${figure.paperClaim}</blockquote>
        </div>`
      }
      <div>
        <h4 id="${id}-title">Ours: ${figure.title}</h4>
        ${svg ? dataImage(svg, `${figure.title}. ${spoken(figure.claims)}`) : html`<p class="soft">No figure: there are no rows.</p>`}
      </div>
    </div>
    ${
      figure.claims.length > 0 &&
      html`<ul class="claims">
        ${figure.claims.map((claim, i) => claimItem(claim, anchors[i]!))}
      </ul>`
    }
  </section> `;
}

function claimItem({ text, verdict, ours, paper, why }: ClaimResult, anchor: string): Html {
  return html`<li id="${anchor}" data-verdict="${verdict}">
    ${badge(verdict)} <strong>${text}</strong>
    <a class="anchor" href="#${anchor}" aria-label="Link to this claim: ${text}">#</a>
    ${
      verdict !== 'skipped' &&
      html`<dl>
        <dt>Ours</dt>
        <dd>${ours}</dd>
        <dt>Paper</dt>
        <dd>${paper}</dd>
        ${
          why &&
          html`<dt>Why</dt>
            <dd>${why}</dd>`
        }
      </dl>`
    }
  </li>`;
}

/** The verdicts of a smaller scale, without drawings: they have the same form as those above. */
function otherScale(opened: ReproducingPackage, other: ShownResult): Html {
  const { result, notes } = other;
  return html`<details>
    <summary>${scaleLabel(other)}; ${verdictCounts(allClaims(result))}</summary>
    ${result.skipped !== undefined && html`<p class="note">Skipped: ${result.skipped}</p>`}
    ${notes.map((note) => html`<p class="note">${note}</p>`)}
    <ul class="claims">
      ${allClaims(result).map(
        ({ text, verdict, ours }) => html`<li>${badge(verdict)} ${text}: ${ours}</li> `,
      )}
    </ul>
    ${provenanceDetails(result, reproduceCommand(opened, result))}
  </details> `;
}

/** What a figure shows, for those who do not see it. */
function spoken(claims: readonly ClaimResult[]): string {
  return claims.map(({ text, verdict }) => `${text}: ${verdict}.`).join(' ');
}

function scaleLabel({ result: { scale, provenance, skipped, sample } }: ShownResult): string {
  const { seeds, seconds } = provenance;
  const what = `Scale ${scale}${sample ? ' on the embedded sample' : ''}`;
  if (skipped !== undefined) return `${what}, skipped`;
  return `${what}: ${counted(seeds.length, 'seed')}, ${formatDuration(seconds.total)}`;
}
