import type { Dataset } from '@ockham/core';
import { corpusDataset } from '@ockham/core/datasets';
import { gpt } from '@ockham/core/models';
import { lossFunction, type Loss } from '@ockham/core/training';
import type { Texts } from '@ockham/reproduce';
import type { LayersModel } from '@tensorflow/tfjs-layers';

/** Sizes of a GPT of characters. */
export interface CharacterSizes {
  readonly layers: number;
  readonly hidden: number;
  readonly heads: number;
  /** Characters of an example. */
  readonly length: number;
}

/** Of next characters at every position. */
export const LOSS: Loss = 'crossEntropyFromLogits';
export const lossOf = lossFunction(LOSS);

/** The plays of Shakespeare in windows of characters. */
export function shakespeare({ corpora }: Texts, length: number): Dataset {
  const corpus = corpora.find(({ name }) => name === 'tinyshakespeare')!;
  return corpusDataset(corpus, { unit: 'character', length });
}

/** Without dropout, which draws for every rank and so is no question of rounding. */
export function characterGpt({ classes }: Dataset, sizes: CharacterSizes, seed: number): LayersModel {
  const { length, ...rest } = sizes;
  return gpt({ ...rest, vocabulary: classes.length, positions: length, dropout: 0, seed });
}
