/** Reads the published models and the images they are checked on from `OCKHAM_DATA`, without the data room. */
import * as tf from '@tensorflow/tfjs';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import type { Split } from '@ockham/core';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const named = process.env['OCKHAM_DATA'];

/** The data folder, where it is given and holds the published models. */
export const folder: string | undefined =
  named === undefined
    ? undefined
    : [resolve(named), resolve(root, named)].find((path) => existsSync(join(path, 'pretrained-small')));

const read = (...path: string[]) => readFile(join(folder!, ...path));

const MEAN = [0.485, 0.456, 0.406];
const DEVIATION = [0.229, 0.224, 0.225];

export const records = {
  npz: async (): Promise<Uint8Array> => read('pretrained-small', 'cifar10-resnet', 'resnet20-12fca82f.npz'),

  /** CIFAR-10 records, channels last, in [0, 1] or, as the published ResNets take them, normalised by channel. */
  async cifar(file: string, count: number, normalised: boolean): Promise<Split> {
    const bytes = gunzipSync(await read('cifar10', file));
    const x = new Float32Array(count * 3072);
    const y = new Int32Array(count);
    for (let i = 0; i < count; i++) {
      y[i] = bytes[i * 3073]!;
      for (let c = 0; c < 3; c++) {
        for (let p = 0; p < 1024; p++) {
          const value = bytes[i * 3073 + 1 + c * 1024 + p]! / 255;
          x[i * 3072 + p * 3 + c] = normalised ? (value - MEAN[c]!) / DEVIATION[c]! : value;
        }
      }
    }
    return { size: count, x: { values: x, shape: [32, 32, 3] }, y: { values: y, shape: [] } };
  },

  /** The test set of an IDX data set. */
  async idx(name: string): Promise<Split> {
    const images = gunzipSync(await read(name, 't10k-images-idx3-ubyte.gz')).subarray(16);
    const labels = gunzipSync(await read(name, 't10k-labels-idx1-ubyte.gz')).subarray(8);
    return {
      size: labels.length,
      x: { values: new Uint8Array(images), shape: [28, 28, 1], scale: 1 / 255 },
      y: { values: Int32Array.from(labels), shape: [] },
    };
  },
};

/** A TensorFlow.js model file of `pretrained-small`. */
export async function tfjsModel(name: string): Promise<tf.LayersModel> {
  const json = JSON.parse(String(await read('pretrained-small', name, 'model.json'))) as tf.io.ModelJSON;
  const weights = await read('pretrained-small', name, 'weights.bin');
  return tf.loadLayersModel(
    tf.io.fromMemory({
      modelTopology: json.modelTopology,
      weightSpecs: json.weightsManifest.flatMap((group) => group.weights),
      weightData: new Uint8Array(weights).buffer,
    }),
  );
}
