import { layers, sequential } from '@tensorflow/tfjs';
import type { Split } from '@ockham/core';
import { bert, gpt } from '@ockham/core/models';
import { Random } from '@ockham/core/random';
import type { LayersModel } from '@tensorflow/tfjs-layers';

/** A BERT of two classes that takes milliseconds. */
export function tinyBert(seed = 7, sizes: { layers?: number; dropout?: number } = {}): LayersModel {
  const { layers: depth = 2, dropout = 0 } = sizes;
  return bert({
    layers: depth,
    hidden: 8,
    heads: 2,
    vocabulary: 20,
    positions: 6,
    length: 6,
    output: 'logits',
    dropout,
    attentionDropout: dropout,
    seed,
  });
}

/** A GPT of characters that takes milliseconds. */
export function tinyGpt(seed = 7, depth = 2): LayersModel {
  return gpt({ layers: depth, hidden: 8, heads: 2, vocabulary: 12, positions: 5, dropout: 0, seed });
}

/** Two dense layers, `first` and `second`, and probabilities. */
export function tinyMlp(seed = 7, activation: 'relu' | 'tanh' = 'relu'): LayersModel {
  const layer = (units: number, kind: 'relu' | 'tanh' | 'softmax', name: string) =>
    layers.dense({ units, activation: kind, name, kernelInitializer: initial(seed), ...(name === 'first' && { inputShape: [4] }) }); // prettier-ignore
  return sequential({ layers: [layer(6, activation, 'first'), layer(3, 'softmax', 'second')] });
}

function initial(seed: number) {
  return { className: 'GlorotNormal', config: { seed } } as unknown as 'glorotNormal';
}

/** Texts of tokens 1 … 19 whose class is whether token 3 is among them. */
export function tokenTexts(size: number, seed = 1): Split {
  const random = new Random(seed);
  const values = new Int32Array(size * 6);
  const labels = new Int32Array(size);
  for (let i = 0; i < size; i++) {
    labels[i] = random.integer(2);
    for (let j = 0; j < 6; j++) values[i * 6 + j] = 4 + random.integer(15);
    if (labels[i] === 1) values[i * 6 + random.integer(6)] = 3;
  }
  return { size, x: { values, shape: [6] }, y: { values: labels, shape: [] } };
}

/** Points of three clusters in four dimensions. */
export function points(size: number, seed = 1): Split {
  const random = new Random(seed);
  const labels = Int32Array.from({ length: size }, () => random.integer(3));
  const values = new Float32Array(size * 4);
  for (let i = 0; i < size; i++)
    for (let j = 0; j < 4; j++) values[i * 4 + j] = random.normal() + (j === labels[i] ? 3 : 0);
  return { size, x: { values, shape: [4] }, y: { values: labels, shape: [] } };
}
