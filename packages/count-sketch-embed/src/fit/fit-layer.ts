import { tensor } from '@tensorflow/tfjs-core';
import { Random } from '@ockham/core/random';
import {
  CountSketchEmbedding,
  MixedDimensionEmbedding,
  NanoEmbedding,
  QuotientRemainderEmbedding,
  RobeEmbedding,
  type CompressedEmbedding,
} from '../layers/index.ts';
import { distilTable } from './distil-table.ts';
import { fitCountSketch, type FitLimits } from './fit-count-sketch.ts';
import { fitProductQuantisation } from './fit-product-quantisation.ts';
import { Int8Embedding } from './int8-embedding.ts';
import { leastSquaresSketch } from './least-squares-sketch.ts';
import { principalRows } from './principal-rows.ts';
import { ProductQuantisedEmbedding } from './product-quantised-embedding.ts';
import { fitConcatenated, fitRobe } from './shared-numbers.ts';

/** Fills a layer so that its rows come near to `table` `[V, D]`: in closed form where there is one, else by distillation. */
export function fitLayer(
  layer: CompressedEmbedding,
  table: Float32Array,
  weights: Float64Array,
  limits: FitLimits,
): void {
  const random = new Random(layer.seed).stream('fit');
  if (layer instanceof Int8Embedding) layer.quantise(table);
  else if (layer instanceof ProductQuantisedEmbedding)
    fitProductQuantisation(layer, table, weights, random, limits);
  else if (layer instanceof CountSketchEmbedding) fitCountSketch(layer, table, weights, limits);
  else if (layer instanceof RobeEmbedding) setWeights(layer, { array: fitRobe(layer, table, weights) });
  else if (layer instanceof MixedDimensionEmbedding) fitMixed(layer, table, weights);
  else if (layer instanceof NanoEmbedding && layer.hidden === 0 && layer.inner <= layer.dimension) {
    const { rows, basis, centre } = principalRows(table, weights, layer.inner, true);
    setWeights(layer, { table: rows, kernel: basis, bias: centre });
  } else if (layer instanceof QuotientRemainderEmbedding && layer.combine !== 'multiply') {
    const [quotients, remainders] =
      layer.combine === 'add'
        ? fitSum(layer, table, weights, limits)
        : fitConcatenated(layer, table, weights);
    setWeights(layer, { quotients, remainders });
  } else if (layer.trainableWeights.length > 0) distilTable(layer, table, weights, random, limits);
}

/** Quotient and remainder are two hashes without signs, and half of what is stored for their mean is stored for their sum. */
function fitSum(
  { buckets, vocabulary, dimension }: QuotientRemainderEmbedding,
  table: Float32Array,
  weights: Float64Array,
  limits: FitLimits,
): [quotients: Float32Array, remainders: Float32Array] {
  const quotients = Math.ceil(vocabulary / buckets);
  const tokens = Int32Array.from({ length: vocabulary }, (_, x) => x);
  const rows = new Int32Array(2 * vocabulary);
  for (const x of tokens) rows.set([Math.floor(x / buckets), quotients + (x % buckets)], 2 * x);
  const S = leastSquaresSketch({
    ...{ table, dimension, weights, tokens, hashes: 2, height: quotients + buckets, ...limits },
    slots: { rows, signs: new Float32Array(rows.length).fill(1) },
  }).map((value) => value / 2);
  return [S.slice(0, quotients * dimension), S.slice(quotients * dimension)];
}

function fitMixed(layer: MixedDimensionEmbedding, table: Float32Array, weights: Float64Array): void {
  const D = layer.dimension;
  const values: Record<string, Float32Array> = {};
  let from = 0;
  for (const [b, { tokens, width }] of layer.blocks.entries()) {
    const part = table.subarray(from * D, (from + tokens) * D);
    if (width === D) values[`rows${b}`] = part;
    else {
      const { rows, basis } = principalRows(part, weights.subarray(from, from + tokens), width, false);
      values[`rows${b}`] = rows;
      values[`projection${b}`] = basis;
    }
    from += tokens;
  }
  setWeights(layer, values);
}

/** Sets weights by the name that the layer gave them. */
function setWeights(layer: CompressedEmbedding, values: Readonly<Record<string, Float32Array>>): void {
  for (const weight of layer.weights) {
    const value = values[weight.originalName.split('/').at(-1)!]!;
    const fresh = tensor(value, weight.shape as number[]);
    weight.write(fresh);
    fresh.dispose();
  }
}
