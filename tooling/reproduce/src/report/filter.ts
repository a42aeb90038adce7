import type { Verdict } from '../claim.ts';
import type { ShownPackage } from './collect.ts';
import type { Html } from './html.ts';
import { html, trusted } from './html.ts';

const verdicts: readonly Verdict[] = ['reproduced', 'not reproduced', 'inconclusive', 'skipped'];

/** Shows only the claims of some verdicts, one package, or some words. Without scripts it stays hidden and all is shown. */
export function filterForm(packages: readonly ShownPackage[]): Html {
  return html`<form class="filter" id="filter" role="search" aria-label="Filter the claims" hidden>
    <fieldset>
      <legend>Show claims that are</legend>
      ${verdicts.map(
        (verdict) =>
          html`<label><input type="checkbox" name="verdict" value="${verdict}" checked />${verdict}</label> `,
      )}
    </fieldset>
    <label
      >of
      <select name="package">
        <option value="">all packages</option>
        ${packages.map(({ opened: { name } }) => html`<option value="${name}">${name}</option>`)}
      </select></label
    >
    <label>with the words <input type="search" name="words" autocomplete="off" /></label>
    <button type="reset">Show all</button>
    <output aria-live="polite"></output>
  </form>`;
}

/** The filter's script, for the end of the page. */
export function filterScript(): Html {
  return html`<script>
    ${trusted(`(${startFilter.toString()})();`)};
  </script>`;
}

/** Runs in the page, as text: it must use nothing from outside itself. */
function startFilter(): void {
  const form = document.querySelector<HTMLFormElement>('#filter')!;
  const output = form.querySelector('output')!;
  const claims = [...document.querySelectorAll<HTMLElement>('li[data-verdict]')];
  const apply = () => {
    const wanted = new FormData(form);
    const verdicts = wanted.getAll('verdict');
    const from = wanted.get('package');
    const words = form.querySelector<HTMLInputElement>('[name=words]')!.value.toLowerCase().split(/\s+/);
    let shown = 0;
    for (const claim of claims) {
      const text = claim.textContent.toLowerCase();
      const visible =
        verdicts.includes(claim.dataset.verdict!) &&
        (from === '' || claim.closest<HTMLElement>('.package')!.dataset.package === from) &&
        words.every((word) => text.includes(word));
      claim.hidden = !visible;
      shown += Number(visible);
    }
    const all = shown === claims.length;
    for (const part of document.querySelectorAll<HTMLElement>(
      'section.figure, section.experiment, section.package',
    ))
      part.hidden = !all && part.querySelector('li[data-verdict]:not([hidden])') === null;
    for (const part of document.querySelectorAll<HTMLElement>('.printed')) part.hidden = !all;
    output.textContent = all
      ? `All ${claims.length} claims are shown.`
      : `${shown} of ${claims.length} claims are shown.`;
  };
  // a link to what is hidden shows it
  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target?.closest('[hidden]') || target === form) return;
    form.reset();
    apply();
    target.scrollIntoView();
  };
  // a count of the summary shows its claims
  for (const link of document.querySelectorAll<HTMLElement>('a[data-show]')) {
    link.addEventListener('click', () => {
      form.reset();
      for (const box of form.querySelectorAll<HTMLInputElement>('[name=verdict]'))
        box.checked = box.value === link.dataset.show;
      form.querySelector('select')!.value = link.dataset.of!;
      apply();
    });
  }
  form.addEventListener('input', apply);
  form.addEventListener('submit', (event) => event.preventDefault());
  form.querySelector('button')!.addEventListener('click', () => setTimeout(apply));
  addEventListener('hashchange', reveal);
  form.hidden = false;
  apply();
}
