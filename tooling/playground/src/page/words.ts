/** `93.4 %` of a fraction. */
export function percent(fraction: number, digits = 1): string {
  return `${(100 * fraction).toFixed(digits)} %`;
}

/** `12.3 kB`, thousands as in a file manager. */
export function bytes(count: number): string {
  if (count < 1000) return `${count} B`;
  return count < 1e6 ? `${(count / 1000).toFixed(1)} kB` : `${(count / 1e6).toFixed(2)} MB`;
}

/** `12,345`. */
export function whole(count: number): string {
  return count.toLocaleString('en-GB');
}

/** In the place of a time where the page is not isolated: its clock has steps of 0.1 ms. */
export const COARSE_CLOCK = 'not measured: the server does not isolate this page';
