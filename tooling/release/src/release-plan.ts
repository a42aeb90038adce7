import { globSync } from 'node:fs';
import { published, workspace } from './pack.ts';

/**
 * Prints, for the release workflow, whether changesets wait (`pending`), and whether without any there are versions that the
 * registry does not have (`publish`).
 *
 * @throws Error where the registry does not answer.
 */
async function isPublished(name: string, version: string): Promise<boolean> {
  const response = await fetch(`https://registry.npmjs.org/${name.replace('/', '%2f')}/${version}`);
  if (response.ok) return true;
  if (response.status === 404) return false;
  throw new Error(
    `release-plan: the registry must say whether it has ${name} ${version}, got status ${response.status}.`,
  );
}

const pending = globSync('.changeset/*.md', { cwd: workspace }).some((file) => !file.endsWith('README.md'));
const versions = published().map(({ manifest }) => manifest);
const missing = pending
  ? []
  : (
      await Promise.all(
        versions.map(async (each) => ({ each, has: await isPublished(each.name, each.version) })),
      )
    )
      .filter(({ has }) => !has)
      .map(({ each }) => `${each.name} ${each.version}`);
process.stderr.write(pending ? 'Changesets wait.\n' : `To publish: ${missing.join(', ') || 'nothing'}\n`);
process.stdout.write(`pending=${pending}\npublish=${missing.length > 0}\n`);
