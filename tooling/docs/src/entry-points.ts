import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What an application can import, and the source file behind it. */
export interface EntryPoint {
  /** As an import names it: `@ockham/core/backend`. */
  readonly name: string;
  readonly file: string;
}

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, unknown>>;
}

/** Every entry of every published package under `root`, read from the `exports` of the manifests: none can be left out. */
export function entryPoints(root: string): EntryPoint[] {
  return globSync('packages/*/package.json', { cwd: root })
    .sort()
    .flatMap((path) => {
      const manifest = JSON.parse(readFileSync(join(root, path), 'utf8')) as Manifest;
      if (manifest.private) return [];
      return Object.entries(manifest.exports ?? {}).flatMap(([entry, target]) => {
        const source = (target as Readonly<Record<string, string>>)['@ockham/source'];
        if (source === undefined) return [];
        return [{ name: manifest.name + entry.slice(1), file: join(root, dirname(path), source) }];
      });
    });
}
