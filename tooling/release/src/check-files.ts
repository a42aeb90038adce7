import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Project } from './install.ts';
import type { Manifest } from './pack.ts';

const allowed = /^(dist|src)\/|^(package\.json|README\.md|CHANGELOG\.md|LICENSE)$/;
const unwanted =
  /\.test\.|\.bench\.|\.experiment\.|\.browser\.|tsbuildinfo|(^|\/)(test|bench|reproduce|assembly|\.[^/]+)\//;
const required = ['README.md', 'LICENSE', 'package.json'];

/**
 * What is wrong with the files of a package as it was installed, in words: files that no user needs, files that are missing,
 * source maps that point nowhere, fields of package.json that only mean something in this workspace.
 */
export function checkFiles({ folder, packed }: Project): string[] {
  const { name } = packed.manifest;
  const home = join(folder, 'node_modules', name);
  const files = globSync('**/*', { cwd: home, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(home.length + 1)
        .replaceAll('\\', '/'),
    )
    .filter((file) => !file.startsWith('node_modules/'));
  const manifest = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as Manifest;
  return [
    ...required.filter((file) => !files.includes(file)).map((file) => `${file} is missing`),
    ...files
      .filter((file) => !allowed.test(file) || unwanted.test(file))
      .map((file) => `${file} is of no use to a user`),
    ...files.filter((file) => /\.(js|d\.ts)$/.test(file)).flatMap((file) => checkMap(home, file)),
    ...checkManifest(manifest),
  ].map((problem) => `${name}: ${problem}.`);
}

/** @returns what is wrong with the source map of a file. */
function checkMap(home: string, file: string): string[] {
  const url = /\/\/# sourceMappingURL=(\S+)\s*$/.exec(readFileSync(join(home, file), 'utf8'))?.[1];
  if (url === undefined) return [];
  const path = resolve(home, dirname(file), url);
  if (!existsSync(path)) return [`the source map of ${file} is missing`];
  const {
    sources,
    sourceRoot = '',
    sourcesContent,
  } = JSON.parse(readFileSync(path, 'utf8')) as {
    sources: string[];
    sourceRoot?: string;
    sourcesContent?: unknown[];
  };
  return sources
    .filter(
      (source, i) => sourcesContent?.[i] == null && !existsSync(resolve(dirname(path), sourceRoot, source)),
    )
    .map((source) => `the source map of ${file} points to ${source}, which is not there`);
}

function checkManifest(manifest: Manifest): string[] {
  const { license, type, engines, sideEffects, description, keywords, version } = manifest;
  const ranges = ['dependencies', 'optionalDependencies', 'peerDependencies'].flatMap((field) =>
    Object.entries((manifest[field] ?? {}) as Record<string, string>),
  );
  const right: [boolean, string][] = [
    [license === 'Apache-2.0', `license must be Apache-2.0, got ${String(license)}`],
    [type === 'module', `type must be module, got ${String(type)}`],
    [engines?.node === '>=20.19', `engines.node must be >=20.19, got ${String(engines?.node)}`],
    [sideEffects === false || Array.isArray(sideEffects), 'sideEffects must say which files have them'],
    [typeof description === 'string' && description !== '', 'description is missing'],
    [Array.isArray(keywords) && keywords.length >= 4, 'keywords must be 4 or more'],
    ...ranges.map(([name, range]): [boolean, string] => [
      !/^(workspace|catalog|file|link):/.test(range),
      `${name} must have a range that the registry knows, got ${range}`,
    ]),
    ...ranges
      .filter(([name]) => name.startsWith('@ockham/'))
      .map(([name, range]): [boolean, string] => [
        name === '@ockham/core' && /^\^\d+\.\d+\.\d+$/.test(range),
        `of this workspace it may depend on @ockham/core alone, by ^, got ${name} ${range} at version ${version}`,
      ]),
  ];
  return right.filter(([holds]) => !holds).map(([, problem]) => problem);
}
