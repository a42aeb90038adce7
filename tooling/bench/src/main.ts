import '@tensorflow/tfjs';
import { globSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { useBackend, type EngineName } from '@ockham/core/backend/node';
import { renderSvg } from '@ockham/reproduce';
import { runBench, type Bench } from './bench.ts';
import { figure } from './figure.ts';
import { benchReadme } from './readme.ts';
import { table } from './table.ts';

/**
 * `ockham-bench [--only <part of an id>] [--smoke] [--save]`: runs the benches of the package it is started in. Results
 * go to `bench/results/.raw`, or with `--save` to `bench/results`, which is committed. `--smoke` is for two rounds of small
 * sizes, `--readme` writes the saved results into the README, `--readme --check` fails where they differ.
 */
const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    save: { type: 'boolean', default: false },
    smoke: { type: 'boolean', default: false },
    readme: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
  },
});

await (values.readme ? writeReadme() : runAll());

async function runAll(): Promise<void> {
  const { smoke, save, only } = values;
  if (smoke && save) throw new Error('ockham-bench: --save wants real figures, got --smoke too. Take one.');
  let ran = 0;
  for (const file of globSync('bench/*.bench.ts').sort()) {
    const { default: exported } = (await import(pathToFileURL(resolve(file)).href)) as {
      default: Bench | Bench[];
    };
    for (const definition of [exported].flat()) {
      if (only !== undefined && !definition.id.includes(only)) continue;
      const engine = definition.ownEngines ? undefined : await engineOf(definition);
      const result = await runBench(definition, engine ?? 'each its own', { smoke });
      const name = [definition.id.split('/').at(-1)!, ...(engine ? [engine] : [])].join('-');
      const output = join('bench/results', save ? '' : '.raw', `${name}.json`);
      await mkdir(dirname(output), { recursive: true });
      await writeFile(output, `${JSON.stringify(result, undefined, 2)}\n`);
      if (Object.keys(result.timings).length > 0)
        await writeFile(output.replace(/json$/, 'svg'), await renderSvg(figure(result)));
      process.stdout.write(`${table(result)}  ${output}\n\n`);
      ran += 1;
    }
  }
  if (ran > 0) return;
  process.stderr.write(`ockham-bench: no bench/*.bench.ts here${only ? ` with ${only} in its id` : ''}.\n`);
  process.exitCode = 1;
}

async function engineOf({
  engine = (process.env.OCKHAM_ENGINE ?? 'auto') as EngineName,
}: Bench): Promise<string> {
  return (await useBackend(engine)).name;
}

async function writeReadme(): Promise<void> {
  const { path, present, wanted } = await benchReadme('.');
  if (present === wanted) {
    process.stdout.write(`${path}: up to date\n`);
  } else if (values.check) {
    process.stderr.write(`${path}: differs from bench/results. Run ockham-bench --readme.\n`);
    process.exitCode = 1;
  } else {
    await writeFile(path, wanted);
    process.stdout.write(`${path}: results written\n`);
  }
}
