/**
 * A trained table as the teacher of any compressed form: Adam on the squared distance of the vectors of tokens that are
 * drawn by their weights, the learning rate falling to zero in a straight line. For forms without a solution in closed form.
 *
 * Source: Hinton, Vinyals and Dean 2015, for the idea of fitting outputs; Kingma and Ba 2014, for the steps.
 */
import {
  dispose,
  gather,
  mean,
  square,
  sub,
  tensor1d,
  tensor2d,
  tidy,
  train,
  variableGrads,
} from '@tensorflow/tfjs-core';
import type { Optimizer, Scalar, Tensor, Tensor2D, Variable } from '@tensorflow/tfjs-core';
import { NonFiniteError } from '@ockham/core';
import type { Random } from '@ockham/core/random';
import { variableOf } from '@ockham/core/training';
import type { CompressedEmbedding } from '../layers/index.ts';
import type { FitLimits } from './fit-count-sketch.ts';

/** Tokens of one step. */
const BATCH = 1024;
/** First step of Adam, in standard deviations of the table. */
const RATE = 0.1;

/** Trains the layer's trainable weights for `iterations` passes of V tokens; stops once the error is below `tolerance` of the table. */
export function distilTable(
  layer: CompressedEmbedding,
  table: Float32Array,
  weights: Float64Array,
  random: Random,
  { iterations, tolerance, round }: FitLimits,
): void {
  const { vocabulary: V, dimension: D } = layer;
  const batch = Math.min(BATCH, V);
  const steps = Math.ceil(V / batch);
  const deviation = Math.sqrt(table.reduce((sum, value) => sum + value ** 2, 0) / table.length) || 1;
  const draw = drawer(weights, random);
  const variables = layer.trainableWeights.map(variableOf);
  const optimizer = train.adam(RATE * deviation);
  const all = tensor2d(table, [V, D]);
  try {
    for (let pass = 0; pass < iterations; pass++) {
      let total = 0;
      for (let step = 0; step < steps; step++) {
        const part = (pass + step / steps) / iterations;
        (optimizer as unknown as { learningRate: number }).learningRate = RATE * deviation * (1 - part);
        total += oneStep(layer, all, Int32Array.from({ length: batch }, draw), variables, optimizer);
      }
      if (!Number.isFinite(total)) {
        throw new NonFiniteError(
          `fitTable: the loss of pass ${pass + 1} is ${total}. Scale the table down, or take another form.`,
        );
      }
      round(pass + 1, total / steps);
      if (total / steps <= tolerance * deviation ** 2) break;
    }
  } finally {
    dispose(all);
    optimizer.dispose();
  }
}

function oneStep(
  layer: CompressedEmbedding,
  all: Tensor2D,
  ids: Int32Array,
  variables: Variable[],
  optimizer: Pick<Optimizer, 'applyGradients'>,
): number {
  const value = tidy(() => {
    const tokens = tensor1d(ids, 'int32');
    const wanted = gather(all, tokens);
    const loss = () => mean<Scalar>(square(sub(layer.apply(tokens) as Tensor, wanted)));
    const { value, grads } = variableGrads(loss, variables);
    optimizer.applyGradients(grads);
    return value;
  });
  const [number] = value.dataSync();
  value.dispose();
  return number!;
}

/** Ids by weight: the inverse of the cumulative weights, by bisection. */
function drawer(weights: Float64Array, random: Random): () => number {
  const sums = new Float64Array(weights.length);
  let total = 0;
  weights.forEach((weight, x) => (sums[x] = total += weight));
  return () => {
    const at = random.uniform() * total;
    let [low, high] = [0, weights.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! > at) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}
