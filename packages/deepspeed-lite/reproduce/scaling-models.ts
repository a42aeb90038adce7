import { bert, resnet, type BertPreset } from '@ockham/core/models';
import { countFlops } from '@ockham/core/metrics';
import { cutModel } from '@ockham/deepspeed-lite';
import type { LayersModel } from '@tensorflow/tfjs-layers';

/** Sizes of the models that are scaled. */
export interface ModelSizes {
  /** Of the residual network. */
  readonly depth: number;
  /** Of the encoder, and tokens of an example. */
  readonly preset: BertPreset;
  readonly vocabulary: number;
  readonly length: number;
}

/** The models that are scaled, by name. */
export const MODELS = {
  ResNet: ({ depth }: ModelSizes, seed: number): LayersModel => resnet({ depth, seed }),
  BERT: ({ preset, vocabulary, length }: ModelSizes, seed: number): LayersModel =>
    bert({ preset, vocabulary, length, positions: length, dropout: 0, attentionDropout: 0, seed }),
} as const;

/** One of {@link MODELS}. */
export type ModelName = keyof typeof MODELS;

/** A bucket of gradients on its way: what is computed until it is full, and its bytes. */
export interface Bucket {
  /** Floating-point operations of the backward pass for one example. */
  readonly flops: number;
  readonly bytes: number;
}

/** What an update of a model takes. */
export interface ModelCost {
  /** Of the forward pass for one example. */
  readonly forward: number;
  /** In the order of the backward pass. */
  readonly buckets: readonly Bucket[];
}

/** Counts operations, a backward pass as two forward ones, and cuts gradients into buckets as the engine does. */
export async function costOf(model: LayersModel, bucketSize = 2 ** 18): Promise<ModelCost> {
  const { layers } = await countFlops(model);
  const counted = new Map(layers.map(({ name, flops }) => [name, flops]));
  const { blocks } = cutModel(model);
  const buckets: Bucket[] = [];
  let [flops, elements, forward] = [0, 0, 0];
  for (const [i, { calls, variables }] of [...blocks.entries()].reverse()) {
    const own = calls.reduce((sum, { layer }) => sum + (counted.get(layer.name) ?? 0), 0);
    forward += own;
    flops += 2 * own;
    elements += variables.reduce((sum, { size }) => sum + size, 0);
    if (elements < bucketSize && i > 0) continue;
    buckets.push({ flops, bytes: 4 * elements });
    [flops, elements] = [0, 0];
  }
  return { forward, buckets };
}
