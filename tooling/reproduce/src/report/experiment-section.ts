import type { Verdict } from '../claim.ts';
import type { ClaimResult } from '../evaluate.ts';
import type { EngineUsed, ResultFigure } from '../result.ts';
import type { ReproducingPackage } from '../workspace.ts';
import type { ShownExperiment, ShownResult } from './collect.ts';
import { formatDuration, reproduceCommand } from './collect.ts';
import type { Html } from './html.ts';
import { html } from './html.ts';
import { inlineSvg } from './inline-svg.ts';

const signs: Readonly<Record<Verdict, string>> = {
  reproduced: '✓',
  'not reproduced': '✗',
  inconclusive: '?',
  skipped: '–',
};

/** A verdict, told by its word and a sign, not by colour alone. */
export function badge(verdict: Verdict, prefix = ''): Html {
  return html`<span class="badge ${verdict.replace(' ', '-')}"
    ><span aria-hidden="true">${signs[verdict]} </span>${prefix}${verdict}</span
  >`;
}

/** Where an experiment's section begins in the page. */
export function anchorOf(id: string): string {
  return id.replace('/', '-');
}

/** An experiment: its main result open, the other scales folded below. */
export function experimentSection(
  opened: ReproducingPackage,
  { id, results: [main, ...others] }: ShownExperiment,
): Html {
  return html`<section id="${anchorOf(id)}" aria-labelledby="${anchorOf(id)}-title">
    <h3 id="${anchorOf(id)}-title">${main.result.paper}</h3>
    ${resultBody(opened, main, 0)}
    ${others.map(
      (other, i) =>
        html`<details>
          <summary>${scaleLabel(other)}</summary>
          ${resultBody(opened, other, i + 1)}
        </details> `,
    )}
  </section> `;
}

function resultBody(opened: ReproducingPackage, shown: ShownResult, index: number): Html {
  const { result, drawings, notes } = shown;
  const { skipped, figures, differences, experiment } = result;
  return html`<p class="soft">
      ${scaleLabel(shown)}
      ${result.sample && html`<span class="badge sample">embedded sample, not the full data</span>`}
    </p>
    ${skipped !== undefined && html`<p class="note">Skipped: ${skipped}</p>`}
    ${notes.map((note) => html`<p class="note">${note}</p>`)}
    ${figures.map((figure) => figureSection(figure, drawings, `${anchorOf(experiment)}-${index}-${figure.figure}`))}
    ${
      differences.length > 0 &&
      html`<details>
        <summary>Differences from the paper (${differences.length})</summary>
        <ol>
          ${differences.map((text) => html`<li>${text}</li>`)}
        </ol>
      </details>`
    }
    ${provenanceDetails(shown)}
    <p>To reproduce:</p>
    <pre tabindex="0"><code>${reproduceCommand(opened, result)}</code></pre> `;
}

function figureSection(figure: ResultFigure, drawings: ReadonlyMap<string, string>, id: string): Html {
  const svg = figure.svg && drawings.get(figure.svg);
  return html`<section class="figure" id="${id}">
    <div class="sides">
      <div>
        <h4>The paper</h4>
        <blockquote>${figure.paperClaim}</blockquote>
      </div>
      <div>
        <h4>Ours: ${figure.title}</h4>
        ${svg ? inlineSvg(svg, id, `${figure.title}. ${spoken(figure.claims)}`) : html`<p class="soft">No figure: there are no rows.</p>`}
      </div>
    </div>
    <ul class="claims">
      ${figure.claims.map(claimItem)}
    </ul>
  </section> `;
}

function claimItem({ text, verdict, ours, paper, why }: ClaimResult): Html {
  return html`<li>
    ${badge(verdict)} <strong>${text}</strong>
    <dl>
      <dt>Ours</dt>
      <dd>${ours}</dd>
      <dt>Paper</dt>
      <dd>${paper}</dd>
      ${
        why &&
        html`<dt>Why</dt>
          <dd>${why}</dd>`
      }
    </dl>
  </li>`;
}

/** What a figure shows, for those who do not see it. */
function spoken(claims: readonly ClaimResult[]): string {
  return claims.map(({ text, ours, verdict }) => `${text}: ${ours}, ${verdict}.`).join(' ');
}

function scaleLabel({ result: { scale, provenance, skipped, sample } }: ShownResult): string {
  const { seeds, seconds } = provenance;
  const what = `Scale ${scale}${sample ? ' on the embedded sample' : ''}`;
  if (skipped !== undefined) return `${what}, skipped`;
  return `${what}: ${seeds.length} seed${seeds.length === 1 ? '' : 's'}, ${formatDuration(seconds.total)}`;
}

function engineLine({ name, version, threads, reason }: EngineUsed): string {
  const facts = [
    version ? `${name} ${version}` : name,
    ...(threads ? [`${threads} thread${threads === 1 ? '' : 's'}`] : []),
  ];
  return `${facts.join(', ')}: ${reason}`;
}

function provenanceDetails({ result: { provenance, config } }: ShownResult): Html {
  const { seeds, commit, dirty, sources, engine, datasets, machine, seconds, finished } = provenance;
  const times = seeds.map((seed) => `${seed}: ${formatDuration(seconds.bySeed[seed] ?? 0)}`).join(', ');
  return html`<details>
    <summary>Provenance and configuration</summary>
    <dl>
      <dt>Seeds</dt>
      <dd>${times || 'none'}</dd>
      <dt>Engine</dt>
      <dd>${engineLine(engine)}</dd>
      <dt>Machine</dt>
      <dd>${machine.cpu}, ${machine.cores} cores, ${machine.platform}, Node ${machine.node}</dd>
      <dt>Commit</dt>
      <dd>
        ${commit ? html`<code>${commit}</code>${dirty && ' with changes'}` : 'not in a repository'}; sources
        <code>${sources}</code>
      </dd>
      <dt>Finished</dt>
      <dd>${finished}</dd>
      ${Object.entries(datasets).map(
        ([name, { source, checksums, note }]) =>
          html`<dt>${name}</dt>
            <dd>
              from
              ${source}${note && `; ${note}`}${Object.entries(checksums).map(
                ([file, sum]) => html`<br /><code>${file} ${sum}</code>`,
              )}
            </dd> `,
      )}
    </dl>
    <div class="scroll" tabindex="0" role="group" aria-label="Configuration">
      <table>
        <thead>
          <tr>
            <th scope="col">Setting</th>
            <th scope="col">Value</th>
            <th scope="col">Why</th>
          </tr>
        </thead>
        <tbody>
          ${Object.entries(config).map(
            ([key, { value, why }]) =>
              html`<tr>
                <td>${key}</td>
                <td><code>${JSON.stringify(value)}</code></td>
                <td>${why}</td>
              </tr> `,
          )}
        </tbody>
      </table>
    </div>
  </details>`;
}
