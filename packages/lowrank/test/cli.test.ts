import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { modelFiles, openModel, runCli, saveFolder } from '@ockham/core/cli/node';
import { mlp } from '@ockham/core/models';
import { Random } from '@ockham/core/random';
import { train } from '@ockham/core/training';
import { cliContract } from '@ockham/release/cli-contract';
import { memory } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli } from '../src/cli/cli.node.ts';
import { applyLora } from '../src/index.ts';
import { saveAdapter } from '../src/index.node.ts';

const random = new Random(1);
const inputs = Float32Array.from({ length: 60 * 12 }, () => Number(random.normal().toFixed(3)));
const labels = Int32Array.from({ length: 60 }, (_, i) => Number(inputs[12 * i]! > 0));

async function make(folder: string): Promise<void> {
  const model = mlp({ inputShape: [12], units: [24], classes: 2, seed: 1 });
  await saveFolder(join(folder, 'model'), await modelFiles(model));
  const rows = Array.from(labels, (label, i) => [...inputs.subarray(12 * i, 12 * i + 12), label].join(','));
  writeFileSync(join(folder, 'data.csv'), rows.join('\n'));
  const adapted = applyLora(model, { rank: 2, seed: 1 });
  const data = { size: 60, x: { values: inputs, shape: [12] }, y: { values: labels, shape: [] } };
  await train(adapted, data, { epochs: 3, seed: 1 });
  await saveAdapter(adapted, join(folder, 'adapter.safetensors'));
  adapted.dispose();
  model.dispose();
}

const data = ['--data', 'data.csv', '--hold-out', '20'];
const engine = ['--engine', process.env.OCKHAM_ENGINE ?? 'auto'];
const shared = {
  main: (argv: readonly string[], io: Parameters<typeof runCli>[2]) => runCli(cli, argv, io),
  bin: fileURLToPath(new URL('../src/bin.node.ts', import.meta.url)),
  version: cli.version,
  make,
  files: ['model.json', 'weights.bin'],
  tensors: () => memory().numTensors,
};

cliContract([
  {
    ...shared,
    title: 'lowrank compress',
    args: ['compress', 'model', '--rank', '2', '--epochs', '1', ...data, ...engine],
    long: ['compress', 'model', '--rank', '2', '--epochs', '100000', ...data, ...engine],
    outOfRange: ['--energy', '1.5'],
    seeded: true,
  },
  {
    ...shared,
    title: 'lowrank merge',
    args: ['merge', 'model', '--adapter', 'adapter.safetensors', ...data, ...engine],
    outOfRange: ['--threads', '0'],
    seeded: false,
  },
]);

describe('lowrank merge', () => {
  let folder: string;
  const run = (argv: readonly string[]) => {
    let [out, err] = ['', ''];
    const io = { out: (text: string) => (out += text), err: (text: string) => (err += text) };
    return runCli(cli, argv, io).then((code) => ({ code, out, err }));
  };
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ockham-merge-'));
    await make(folder);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('writes a model that computes the base with the adapter’s product added', async () => {
    const out = join(folder, 'merged');
    const adapter = join(folder, 'adapter.safetensors');
    const { code, err } = await run([
      'merge',
      join(folder, 'model'),
      '--adapter',
      adapter,
      '--out',
      out,
      '--no-latency',
      ...engine,
    ]);
    expect(code, err).toBe(0);
    expect(err).not.toContain('did not get smaller');
    const { model: base } = await openModel(join(folder, 'model'));
    const { model: merged } = await openModel(out);
    const changed = base.getWeights().map((weight, i) => {
      const [before, after] = [weight.dataSync(), merged.getWeights()[i]!.dataSync()];
      return before.some((value, j) => value !== after[j]);
    });
    expect(changed).toEqual([true, false, true, false]); // kernels have an adapter, biases none
    base.dispose();
    merged.dispose();
  });

  it('asks for the adapter, and for another one where it does not fit', async () => {
    const model = join(folder, 'model');
    const none = await run(['merge', model, '--out', join(folder, 'a'), ...engine]);
    expect(none).toMatchObject({ code: 2, err: expect.stringContaining('--adapter') });
    writeFileSync(join(folder, 'broken.safetensors'), 'not at all');
    const broken = ['--adapter', join(folder, 'broken.safetensors'), ...engine];
    const failed = await run(['merge', model, ...broken, '--out', join(folder, 'a')]);
    expect(failed).toMatchObject({ code: 1, err: expect.stringContaining('[corrupt-file]') });
  });
});

describe('lowrank compress', () => {
  it('says so where it cannot know the loss without training', async () => {
    let err = '';
    const folder = mkdtempSync(join(tmpdir(), 'ockham-lowrank-'));
    await make(folder);
    const words = ['compress', join(folder, 'model'), '--rank', '2', '--data', join(folder, 'data.csv')];
    const loss = ['--loss', 'meanSquaredError', '--out', join(folder, 'thin'), ...engine];
    const code = await runCli(cli, [...words, ...loss], {
      out: () => undefined,
      err: (text) => (err += text),
    });
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining('meanSquaredError') });
    rmSync(folder, { recursive: true });
  });
});
