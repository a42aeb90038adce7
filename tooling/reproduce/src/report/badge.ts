import type { Verdict } from '../claim.ts';
import type { Html } from './html.ts';
import { html } from './html.ts';
import type { Status } from './paper-rows.ts';

const looks: Readonly<Record<Verdict | Status, readonly [sign: string, look: 'good' | 'bad' | 'open' | '']>> =
  {
    reproduced: ['✓', 'good'],
    verified: ['✓', 'good'],
    partly: ['◐', 'open'],
    'not reproduced': ['✗', 'bad'],
    inconclusive: ['?', 'open'],
    undecided: ['?', 'open'],
    skipped: ['–', ''],
    'not run': ['–', ''],
    'not testable here': ['–', ''],
  };

/** A verdict or a status, told by its word and a sign, not by colour alone. */
export function badge(word: Verdict | Status, prefix = ''): Html {
  const [sign, look] = looks[word];
  return html`<span class="badge ${look}"><span aria-hidden="true">${sign} </span>${prefix}${word}</span>`;
}
