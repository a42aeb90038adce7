import type { Manifest } from './pack.ts';

/** What a package is imported by. */
export interface Entry {
  /** For example `@ockham/core/backend/node`. */
  readonly entry: string;
  /** Whether it needs Node: its last part is `node`. */
  readonly node: boolean;
}

/** The entry points of a package, its package.json aside. */
export function entriesOf({ name, exports }: Manifest): Entry[] {
  return Object.keys(exports)
    .filter((path) => !path.endsWith('.json'))
    .map((path) => ({ entry: `${name}${path.slice(1)}`, node: path.endsWith('/node') }));
}
