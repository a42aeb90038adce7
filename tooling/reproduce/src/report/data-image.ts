import { optimize } from 'svgo';
import { themeColours as c } from '../svg.ts';
import type { Html } from './html.ts';
import { html } from './html.ts';
import { darkInk } from './style.ts';

/**
 * One of our drawings as an image inside the page: tenths of a pixel are kept and what draws nothing is left out, so that
 * a page of a hundred stays light; it takes the dark theme's colours by itself.
 */
export function dataImage(svg: string, text: string): Html {
  const transparent = svg.replace(/<rect [^>]*fill="#ffffff"\/>/, '');
  const { data } = optimize(transparent, { floatPrecision: 1, plugins: ['preset-default'] });
  const size = /width="([\d.]+)" height="([\d.]+)"/.exec(svg);
  const address = `data:image/svg+xml,${encode(data.replace(/^<svg[^>]*>/, (open) => `${open}<style>${dark}</style>`))}`;
  return html`<div
    class="plot"
    tabindex="0"
    role="group"
    aria-label="Figure, scrolls sideways where it is wider than the page"
  >
    <img
      loading="lazy"
      decoding="async"
      width="${size?.[1]}"
      height="${size?.[2]}"
      alt="${text}"
      src="${address}"
    />
  </div>`;
}

const dark = `@media (prefers-color-scheme:dark){${[
  [c.ink, darkInk.ink],
  [c.soft, darkInk.soft],
  [c.grid, darkInk.grid],
]
  .flatMap(([from, to]) => ['fill', 'stroke'].map((name) => `[${name}="${from}"]{${name}:${to}}`))
  .join('')}}`;

/** What must not stand in the address of an image; the rest stays as it is, shorter than base64. */
function encode(svg: string): string {
  return svg
    .replace(/\s+/g, ' ')
    .replace(/[%#<>{}"]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}
