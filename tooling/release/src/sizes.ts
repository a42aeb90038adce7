import type { BundleSize } from './bundle.ts';

/** {@link BundleSize} of an entry point. */
export interface EntrySize extends BundleSize {
  readonly entry: string;
  /** What the README's example needs of it at its start, where it runs in a page. */
  readonly example?: number;
}

/** What an entry point may weigh at its start, gzip, TensorFlow.js and kernels aside: the promise of the project. */
const limit = 60_000;

/** The sizes in kB as text, one line for each entry point. */
export function sizeTable(sizes: readonly EntrySize[]): string {
  const kB = (bytes = 0): string => (bytes === 0 ? '–' : (bytes / 1000).toFixed(1)).padStart(8);
  const wide = Math.max(...sizes.map(({ entry }) => entry.length));
  return [
    `${'kB of gzip, all names imported'.padEnd(wide)}   start   later kernels example`,
    ...sizes.map(
      ({ entry, start, later, kernels, example }) =>
        `${entry.padEnd(wide)}${kB(start)}${kB(later)}${kB(kernels)}${kB(example)}`,
    ),
  ].join('\n');
}

/** The entry points above what they may weigh, in words. */
export function overLimit(sizes: readonly EntrySize[]): string[] {
  return sizes.flatMap(({ entry, start, example = 0 }) => [
    ...(start > limit ? [`${entry} must weigh at most ${kilo(limit)}, got ${kilo(start)}.`] : []),
    ...(example > limit
      ? [`${entry}: its README's example must weigh at most ${kilo(limit)}, got ${kilo(example)}.`]
      : []),
  ]);
}

const kilo = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`;
