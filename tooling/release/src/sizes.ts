import type { BundleSize } from './bundle.ts';

/** {@link BundleSize} of an entry point. */
export interface EntrySize extends BundleSize {
  readonly entry: string;
}

/** What an entry point may weigh at its start, gzip, TensorFlow.js and kernels aside: the promise of the project. */
const limit = 60_000;

/** The sizes in kB as text, one line for each entry point. */
export function sizeTable(sizes: readonly EntrySize[]): string {
  const kB = (bytes: number): string => (bytes === 0 ? '–' : (bytes / 1000).toFixed(1)).padStart(8);
  const wide = Math.max(...sizes.map(({ entry }) => entry.length));
  return [
    `${'kB of gzip, all names imported'.padEnd(wide)}   start   later kernels`,
    ...sizes.map(
      ({ entry, start, later, kernels }) => `${entry.padEnd(wide)}${kB(start)}${kB(later)}${kB(kernels)}`,
    ),
  ].join('\n');
}

/** The entry points above the limit, in words. */
export function overLimit(sizes: readonly EntrySize[]): string[] {
  return sizes
    .filter(({ start }) => start > limit)
    .map(
      ({ entry, start }) =>
        `${entry} must weigh at most ${limit / 1000} kB, got ${(start / 1000).toFixed(1)} kB.`,
    );
}
