/** The published ResNet-20 for CIFAR-10, or one that is trained here where its file is not at hand. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { valuesPerExample, type Split } from '@ockham/core';
import { readNpz } from '@ockham/core/files';
import { loadWeights, pytorchResnet, resnet20 } from '@ockham/core/models';
import { trainOnce, type TrainingRun } from '@ockham/reproduce';
import type { LayersModel } from '@tensorflow/tfjs-layers';

const FILE = join('pretrained-small', 'cifar10-resnet', 'resnet20-12fca82f.npz');
const MEAN = [0.485, 0.456, 0.406];
const DEVIATION = [0.229, 0.224, 0.225];

/** Where the published weights are, under the folder of data sets, if they are. */
function published(): string | undefined {
  const named = process.env['OCKHAM_DATA'];
  if (named === undefined) return undefined;
  const root = fileURLToPath(new URL('../../..', import.meta.url));
  return [resolve(named, FILE), resolve(root, named, FILE)].find((path) => existsSync(path));
}

/** The network, and whose weights it has. */
export async function pretrainedResnet(
  run: TrainingRun,
  train: Split,
  epochs: number,
): Promise<{ model: LayersModel; weights: 'published' | 'trained here' }> {
  const model = resnet20({ seed: run.seed });
  const path = published();
  if (path !== undefined) {
    loadWeights(model, await readNpz(await readFile(path)), { naming: pytorchResnet });
    return { model, weights: 'published' };
  }
  const options = { epochs, batchSize: 64, optimizer: 'adam' } as const;
  return { model: await trainOnce(run, 'resnet20', model, train, options), weights: 'trained here' };
}

/** Images as the published network takes them: each channel less its mean, divided by its deviation. */
export function normalised(split: Split): Split {
  const { values, shape, scale = 1 } = split.x;
  const width = valuesPerExample(split.x);
  const x = new Float32Array(split.size * width);
  for (const i of x.keys()) x[i] = (values[i]! * scale - MEAN[i % 3]!) / DEVIATION[i % 3]!;
  return { ...split, x: { values: x, shape } };
}
