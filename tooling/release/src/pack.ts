import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { inTurns } from './in-turns.ts';
import { pnpm, sh } from './shell.ts';

/** What the checks of a release read of a package.json. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
  readonly engines?: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

/** A published package as its tarball. */
export interface Packed {
  readonly manifest: Manifest;
  /** Path of the folder that was packed. */
  readonly source: string;
  /** Path of the tarball. */
  readonly tarball: string;
}

/** Path of the workspace. */
export const workspace = resolve(import.meta.dirname, '../../..');

/** Every package that is published, and the path of its folder. */
export function published(): { readonly folder: string; readonly manifest: Manifest }[] {
  return readdirSync(join(workspace, 'packages')).map((name) => {
    const folder = join(workspace, 'packages', name);
    return { folder, manifest: JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest };
  });
}

/** Packs every published package into `into`, as `pnpm publish` would. They must be built, kernels included. */
export async function packAll(into: string): Promise<Packed[]> {
  return inTurns(published(), async ({ folder, manifest }) => {
    const tarball = join(into, `${manifest.name.replace('@', '').replace('/', '-')}.tgz`);
    await sh(folder, [pnpm, 'pack', '--config.ignore-scripts=true', '--out', tarball], process.env);
    return { manifest, source: folder, tarball };
  });
}
