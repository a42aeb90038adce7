import '@tensorflow/tfjs';
import { globSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { useBackend, type EngineName } from '@ockham/core/backend/node';
import { runBench, type Bench } from './bench.ts';
import { table } from './table.ts';

/**
 * `ockham-bench [--only <part of an id>] [--save]`: runs the benches of the package it is started in. Results go to
 * `bench/results/.raw`, or with `--save` to `bench/results`, which is committed.
 */
const { values } = parseArgs({
  options: { only: { type: 'string' }, save: { type: 'boolean', default: false } },
});
const { name: engine } = await useBackend((process.env.OCKHAM_ENGINE ?? 'auto') as EngineName);
const files = globSync('bench/*.bench.ts').sort();
let ran = 0;
for (const file of files) {
  const { default: definition } = (await import(pathToFileURL(resolve(file)).href)) as { default: Bench };
  if (values.only !== undefined && !definition.id.includes(values.only)) continue;
  const result = await runBench(definition, engine);
  const output = join(
    'bench/results',
    values.save ? '' : '.raw',
    `${basename(file, '.bench.ts')}-${engine}.json`,
  );
  await mkdir(dirname(output), { recursive: true });
  await writeFile(output, `${JSON.stringify(result, undefined, 2)}\n`);
  process.stdout.write(`${table(result)}  ${output}\n\n`);
  ran += 1;
}
if (ran === 0) {
  process.stderr.write(
    `ockham-bench: no bench/*.bench.ts here${values.only ? ` with ${values.only} in its id` : ''}.\n`,
  );
  process.exitCode = 1;
}
