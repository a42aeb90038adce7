import { isDeepStrictEqual } from 'node:util';

/** What a package.json says of the place where the package is made. */
export interface RepositoryFields {
  readonly homepage: string;
  readonly bugs: string;
  readonly repository: { readonly type: 'git'; readonly url: string; readonly directory: string };
}

/**
 * The fields for the package in `packages/<folder>` of a repository. npm compares `repository.url` with where a workflow ran
 * before it accepts provenance.
 *
 * @param address For example `https://github.com/owner/name`.
 */
export function repositoryFields(address: string, folder: string): RepositoryFields {
  const directory = `packages/${folder}`;
  return {
    homepage: `${address}/tree/main/${directory}#readme`,
    bugs: `${address}/issues`,
    repository: { type: 'git', url: `git+${address}.git`, directory },
  };
}

/** What is missing or wrong of {@link repositoryFields} in a package.json, in words. */
export function repositoryProblems(
  manifest: { readonly name: string } & Partial<Record<string, unknown>>,
  address: string,
  folder: string,
): string[] {
  return Object.entries(repositoryFields(address, folder))
    .filter(([field, value]) => !isDeepStrictEqual(manifest[field], value))
    .map(
      ([field, value]) =>
        `${manifest.name}: ${field} must be ${JSON.stringify(value)}, got ${JSON.stringify(manifest[field])}.`,
    );
}
