import type { EngineUsed, Result } from '../result.ts';
import { formatDuration } from './collect.ts';
import type { Html } from './html.ts';
import { html } from './html.ts';

/** What a run used and how it is run again, folded. */
export function provenanceDetails({ provenance, config }: Result, command: string): Html {
  const { seeds, commit, dirty, sources, engine, datasets, machine, seconds, finished } = provenance;
  const times = seeds.map((seed) => `${seed}: ${formatDuration(seconds.bySeed[seed] ?? 0)}`).join(', ');
  return html`<details>
    <summary>Provenance, configuration and command</summary>
    <dl>
      <dt>Command</dt>
      <dd><code>${command}</code></dd>
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
    <table class="stacked">
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
              <th scope="row">${key}</th>
              <td><code>${JSON.stringify(value)}</code></td>
              <td>${why}</td>
            </tr> `,
        )}
      </tbody>
    </table>
  </details>`;
}

function engineLine({ name, version, threads, reason }: EngineUsed): string {
  const facts = [
    version ? `${name} ${version}` : name,
    ...(threads ? [`${threads} thread${threads === 1 ? '' : 's'}`] : []),
  ];
  return `${facts.join(', ')}: ${reason}`;
}
