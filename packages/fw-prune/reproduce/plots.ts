import { lineOverSeeds } from '@ockham/reproduce';
import type { PruningRow } from './prune-and-test.ts';

/** How the methods of `pruneAndTest` are called in figures. */
export const METHOD_NAMES: Readonly<Record<string, string>> = {
  dense: 'dense',
  'dense-longer': 'dense, same passes',
  simple: 'simple, same passes',
  'frank-wolfe-momentum': 'FW + momentum',
};

export function accuracyAgainstCompression(rows: readonly PruningRow[], title: string) {
  return lineOverSeeds(rows, {
    title: `${title}: test accuracy against compression`,
    x: { field: 'compression', title: 'kernel weights ÷ those left', scale: 'log' },
    y: { field: 'accuracy', title: 'test accuracy', format: '.1%' },
    series: 'method',
    names: METHOD_NAMES,
  });
}
