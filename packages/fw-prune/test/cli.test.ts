import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { modelFiles, runCli, saveFolder } from '@ockham/core/cli/node';
import { mlp } from '@ockham/core/models';
import { Random } from '@ockham/core/random';
import { cliContract } from '@ockham/release/cli-contract';
import { memory } from '@tensorflow/tfjs-core';
import { cli } from '../src/cli/cli.node.ts';

async function make(folder: string): Promise<void> {
  const model = mlp({ inputShape: [4], units: [16], classes: 2, seed: 1 });
  await saveFolder(join(folder, 'model'), await modelFiles(model));
  model.dispose();
  const random = new Random(1);
  const rows = Array.from({ length: 60 }, () => {
    const x = Array.from({ length: 4 }, () => random.normal().toFixed(3));
    return [...x, Number(Number(x[0]) > 0)].join(',');
  });
  writeFileSync(join(folder, 'data.csv'), rows.join('\n'));
}

const data = ['--data', 'data.csv', '--hold-out', '20', '--engine', process.env.OCKHAM_ENGINE ?? 'auto'];

cliContract([
  {
    title: 'fw-prune',
    main: (argv, io) => runCli(cli, argv, io),
    bin: fileURLToPath(new URL('../src/bin.node.ts', import.meta.url)),
    version: cli.version,
    args: ['model', '--sparsity', '0.5', '--iterations', '2', ...data],
    long: ['model', '--sparsity', '0.5', '--epochs', '100000', ...data],
    make,
    files: ['model.json', 'model.sparse', 'weights.bin'],
    outOfRange: ['--epochs=-1'],
    seeded: true,
    tensors: () => memory().numTensors,
  },
]);
