/**
 * A click model on hashed categorical features: vectors of the features, products of every two of them, a small network.
 *
 * Source: Naumov et al. 2019, "Deep learning recommendation model for personalization and recommendation systems", section 2.
 * Deviations: one table for all features, whose ids are distinct, and no dense features.
 */
import { ArgumentError } from '@ockham/core';
import { Random } from '@ockham/core/random';
import {
  gather,
  matMul,
  reshape,
  serialization,
  tensor1d,
  tidy,
  transpose,
  type Rank,
  type Tensor,
  type Tensor3D,
} from '@tensorflow/tfjs-core';
import {
  initializers,
  input,
  layers,
  model,
  type LayersModel,
  type SymbolicTensor,
} from '@tensorflow/tfjs-layers';
import type { EmbeddingLayer } from './embedding-layer.ts';

type Shape = (number | null)[];

/** Inner products of every two vectors of an example: `[batch, fields, D]` to `[batch, fields·(fields − 1)/2]`. */
export class PairwiseProducts extends layers.Layer {
  /** Names the class in saved models. @nocollapse */
  static className = 'PairwiseProducts';

  constructor(args: { readonly name?: string } = {}) {
    super({ ...args });
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const [batch, fields] = inputShape as [number | null, number];
    return [batch, (fields * (fields - 1)) / 2];
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = (Array.isArray(inputs) ? inputs[0]! : inputs) as Tensor3D;
    const [batch, fields] = x.shape;
    const pairs: number[] = [];
    for (let i = 0; i < fields; i++) for (let j = 0; j < i; j++) pairs.push(i * fields + j);
    return tidy(() => {
      const products = matMul(x, x, false, true); // [batch, fields, fields]
      const flat = transpose(reshape<Rank.R2>(products, [batch, fields * fields]));
      return transpose(gather(flat, tensor1d(pairs, 'int32')));
    });
  }
}

/** Options of {@link clickModel}. */
export interface ClickModelOptions {
  /** Categorical features of an example, ≥ 2. */
  readonly fields: number;
  /** Width of the hidden layer. Default 32. */
  readonly hidden?: number;
  /** Seeds the dense layers. Default 0. */
  readonly seed?: number;
}

/**
 * Ids `[fields]` to logits `[2]` of no click and click.
 *
 * @param table From ids to vectors; owned by the model from now on.
 */
export function clickModel(table: EmbeddingLayer, options: ClickModelOptions): LayersModel {
  const { fields, hidden = 32, seed = 0 } = options;
  for (const [name, value, least] of [
    ['fields', fields, 2],
    ['hidden', hidden, 1],
  ] as const) {
    if (Number.isInteger(value) && value >= least) continue;
    throw new ArgumentError(`clickModel: ${name} must be an integer ≥ ${least}, got ${value}.`);
  }
  const random = new Random(seed);
  const dense = (name: string, units: number, activation: 'relu' | 'linear') =>
    layers.dense({
      name,
      units,
      activation,
      kernelInitializer: initializers.glorotUniform({ seed: random.stream(name).seed() }),
    });
  const ids = input({ shape: [fields], dtype: 'int32', name: 'features' });
  const vectors = table.apply(ids) as SymbolicTensor; // [fields, D]
  const products = new PairwiseProducts({ name: 'products' }).apply(vectors) as SymbolicTensor;
  const flat = layers.flatten({ name: 'vectors' }).apply(vectors) as SymbolicTensor;
  const both = layers.concatenate({ name: 'concatenate' }).apply([flat, products]) as SymbolicTensor;
  const inner = dense('hidden', hidden, 'relu').apply(both) as SymbolicTensor;
  return model({
    name: 'click',
    inputs: ids,
    outputs: dense('logits', 2, 'linear').apply(inner) as SymbolicTensor,
  });
}

serialization.registerClass(PairwiseProducts);
