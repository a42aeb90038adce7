import { throwIfAborted, type Split } from '@ockham/core';
import { shareOf, type Communicator } from '@ockham/core/comm';
import { toRandom } from '@ockham/core/random';
import { meanGradients, setLearningRate, toOptimizer, trainableVariables } from '@ockham/core/training';
import { tensor, type NamedTensorMap } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';

/** Options of {@link dataParallel}. */
export interface DataParallelOptions {
  readonly epochs: number;
  /** Examples of one step on all ranks together. */
  readonly batchSize: number;
  readonly learningRate: (step: number, total: number) => number;
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly progress: (done: number, total: number) => void;
}

/**
 * What LTE is measured against: every rank computes the gradient of its part of a batch, an allReduce takes the mean, and all ranks
 * take the same step of Adam. With one rank it is ordinary training.
 */
export async function dataParallel(
  comm: Communicator,
  model: LayersModel,
  data: Split,
  options: DataParallelOptions,
): Promise<void> {
  const { epochs, batchSize, learningRate, seed, signal, progress } = options;
  const random = toRandom(seed).stream('data-parallel');
  const perEpoch = Math.floor(data.size / batchSize);
  const total = Math.round(epochs * perEpoch);
  const { optimizer } = toOptimizer('adam');
  const variables = trainableVariables(model);
  const sum = new Float32Array(variables.reduce((length, { size }) => length + size, 0));
  let order: Int32Array = new Int32Array();
  for (let step = 0; step < total; step++) {
    throwIfAborted(signal, 'dataParallel');
    if (step % perEpoch === 0) order = random.stream(step).permutation(data.size);
    const begin = (step % perEpoch) * batchSize;
    const [from, to] = shareOf(batchSize, comm.rank, comm.size);
    const gradients = meanGradients(model, data, { indexes: order.slice(begin + from, begin + to) });
    let at = 0;
    for (const { name, size } of variables) {
      sum.set(await gradients[name]!.data(), at);
      gradients[name]!.dispose();
      at += size;
    }
    await comm.allReduce(sum, 'mean');
    at = 0;
    const means: NamedTensorMap = {};
    for (const { name, size, shape } of variables) {
      means[name] = tensor(sum.slice(at, (at += size)), shape);
    }
    setLearningRate(optimizer, learningRate(step, total));
    optimizer.applyGradients(means);
    for (const value of Object.values(means)) value.dispose();
    if (comm.rank === 0) progress(step + 1, total);
  }
  optimizer.dispose();
}
