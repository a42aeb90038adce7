import type { Html } from './html.ts';
import { html, trusted } from './html.ts';

/** One of our drawings inside a page: a single image for a screen reader, with ids that no other drawing has. */
export function inlineSvg(svg: string, prefix: string, label: string): Html {
  const scoped = svg
    .replace(/^<\?xml[^>]*>\s*/, '')
    .replace(/\bid="([^"]+)"/g, `id="${prefix}-$1"`)
    .replace(/url\(#([^)]+)\)/g, `url(#${prefix}-$1)`)
    .replace(/ (?:role|aria-[a-z]+)="[^"]*"/g, '');
  const open = html`<svg role="img" aria-label="${label}"`.html;
  return html`<div
    class="plot"
    tabindex="0"
    role="group"
    aria-label="Figure, scrolls sideways where it is wider than the page"
  >
    ${trusted(scoped.replace(/<svg/, () => open))}
  </div>`;
}
