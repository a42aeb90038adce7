import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { published } from './pack.ts';
import { repositoryFields, repositoryProblems } from './repository.ts';

/** `check-repository <address> [--write]`: holds, or writes, what provenance needs in each published package.json. */
const { values, positionals } = parseArgs({
  options: { write: { type: 'boolean' } },
  allowPositionals: true,
});
const [address] = positionals;
if (address === undefined || !/^https:\/\/\S+[^/]$/.test(address))
  throw new Error(
    `check-repository: needs the address of the repository, https://…, got ${String(address)}.`,
  );

const problems: string[] = [];
for (const { folder } of published()) {
  const file = join(folder, 'package.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as { name: string };
  if (values.write === true) {
    const fields = repositoryFields(address, basename(folder));
    writeFileSync(file, `${JSON.stringify({ ...manifest, ...fields }, null, 2)}\n`);
  } else problems.push(...repositoryProblems(manifest, address, basename(folder)));
}
if (problems.length > 0) {
  const remedy = `pnpm --filter @ockham/release check-repository ${address} --write`;
  process.stderr.write(
    `${problems.join('\n')}\nnpm refuses provenance otherwise. Write them with: ${remedy}\n`,
  );
  process.exitCode = 1;
}
