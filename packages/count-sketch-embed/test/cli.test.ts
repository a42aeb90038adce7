import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { modelFiles, openModel, runCli, saveFolder } from '@ockham/core/cli/node';
import { cliContract } from '@ockham/release/cli-contract';
import { memory } from '@tensorflow/tfjs-core';
import { initializers, layers, sequential } from '@tensorflow/tfjs-layers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli } from '../src/cli/cli.node.ts';
import { loadTable } from '../src/index.node.ts';

async function save(folder: string, vocabulary: number): Promise<void> {
  const model = sequential();
  const embeddingsInitializer = initializers.randomNormal({ seed: 1 });
  const kernelInitializer = initializers.glorotUniform({ seed: 2 });
  model.add(
    layers.embedding({
      inputDim: vocabulary,
      outputDim: 8,
      inputLength: 6,
      name: 'words',
      embeddingsInitializer,
    }),
  );
  model.add(layers.globalAveragePooling1d({}));
  model.add(layers.dense({ units: 2, activation: 'softmax', kernelInitializer }));
  await saveFolder(folder, await modelFiles(model));
  model.dispose();
}

async function make(folder: string): Promise<void> {
  await save(join(folder, 'model'), 200);
  await save(join(folder, 'large'), 20_000);
  const rows = Array.from({ length: 30 }, (_, i) => [1, 2, 3, 4, i, 150, i % 2].join(','));
  writeFileSync(join(folder, 'data.csv'), `a,b,c,d,e,f,label\n${rows.join('\n')}`);
  writeFileSync(join(folder, 'counts.txt'), Array.from({ length: 200 }, (_, i) => 200 - i).join('\n'));
}

const data = ['--data', 'data.csv', '--hold-out', '10'];
const engine = ['--engine', process.env.OCKHAM_ENGINE ?? 'auto'];

cliContract([
  {
    title: 'count-sketch-embed',
    main: (argv, io) => runCli(cli, argv, io),
    bin: fileURLToPath(new URL('../src/bin.node.ts', import.meta.url)),
    version: cli.version,
    args: ['model', '--ratio', '4', ...data, ...engine],
    long: ['large', '--ratio', '4', '--iterations', '1000000', ...engine],
    make,
    files: ['model.json', 'tables/words.safetensors', 'weights.bin'],
    outOfRange: ['--iterations', '0'],
    seeded: true,
    tensors: () => memory().numTensors,
  },
]);

describe('count-sketch-embed', () => {
  let folder: string;
  const run = async (...argv: string[]) => {
    let [out, err] = ['', ''];
    const io = { out: (text: string) => (out += text), err: (text: string) => (err += text) };
    return { code: await runCli(cli, [...argv, ...engine], io), out, err };
  };
  const at = (name: string) => join(folder, name);
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ockham-embed-'));
    await make(folder);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('writes the same table into the model and beside it, heavy hitters exact', async () => {
    const counts = ['--frequencies', at('counts.txt'), '--heavy-hitters', '5'];
    const { code, err } = await run(
      at('model'),
      '--rows',
      '10',
      ...counts,
      '--out',
      at('small'),
      '--no-latency',
    );
    expect(code, err).toBe(0);
    const table = await loadTable(at('small/tables/words.safetensors'));
    const { model } = await openModel(at('small'));
    const { model: before } = await openModel(at('model'));
    const first = before
      .getLayer('words')
      .getWeights()[0]!
      .dataSync()
      .slice(0, 5 * 8);
    expect(table.rowsOf([0, 1, 2, 3, 4])).toEqual(first);
    const sketch = model.getLayer('words').getWeights()[0]!.dataSync();
    expect(sketch.length).toBe(10 * 4 * 8 + 5 * 8);
    for (const each of [table, model, before]) each.dispose();
  });

  it('says loudly that a model did not get smaller', async () => {
    const { code, err } = await run(
      at('model'),
      '--rows',
      '100',
      '--table',
      'words',
      '--out',
      at('big'),
      '--no-latency',
    );
    expect(code, err).toBe(0);
    expect(err).toMatch(/^WARNING: the model did not get smaller: [\d,]+ bytes were read, [\d,]+ written$/m);
  });

  it('refuses options of another form, and a size that nothing says', async () => {
    const other = await run(at('model'), '--method', 'int8', '--rows', '3', '--dry-run');
    expect(other).toMatchObject({ code: 2, err: expect.stringContaining('--rows does not belong to int8') });
    expect(await run(at('model'), '--dry-run')).toMatchObject({
      code: 2,
      err: expect.stringContaining('--ratio'),
    });
    const none = await run(at('model'), '--ratio', '1000', '--dry-run');
    expect(none).toMatchObject({ code: 2, err: expect.stringContaining('leaves nothing') });
  });
});
