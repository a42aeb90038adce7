/**
 * Independent Subnet Training (Yuan et al. 2022), the method of masked features for a network: in each round the hidden
 * neurons of an MLP are dealt out to L workers; each trains its narrow network for some steps on its share of the data,
 * and the parts are put together again.
 *
 * Deviations: while a worker trains, kernels behind a hidden layer are L times as large, as in dropout, so that sums
 * keep their size without batch normalisation; the output's bias, the one part that all share, is averaged.
 */
import {
  ArgumentError,
  UnsupportedModelError,
  throwIfAborted,
  type Progress,
  type Split,
} from '@ockham/core';
import { shareOf } from '@ockham/core/comm';
import { Random, type Seed, toRandom } from '@ockham/core/random';
import { train, type TrainOptions } from '@ockham/core/training';
import { tensor } from '@tensorflow/tfjs-core';
import { layers, sequential, type LayersModel } from '@tensorflow/tfjs-layers';
import { partition, put, take } from './partition.ts';

/** Options of {@link trainSubnets}. */
export interface SubnetOptions {
  /** L. */
  readonly workers: number;
  /** Rounds, each with a new partition. */
  readonly rounds: number;
  /** T: steps of each worker in a round. Default 10. */
  readonly localSteps?: number;
  /** Default 32. */
  readonly batchSize?: number;
  /** As of `train`, made anew for each worker and round. Default SGD of 0.1. */
  readonly optimizer?: TrainOptions['optimizer'];
  /** Default 0. */
  readonly seed?: Seed;
  /** Told how far the work has come. Default: nobody is. */
  readonly progress?: Progress;
  /** Aborts the work, which then rejects with an `AbortedError`. */
  readonly signal?: AbortSignal;
}

/** What {@link trainSubnets} resolves to. */
export interface SubnetResult {
  /** Mean loss of the workers in each round, of their own networks. */
  readonly history: readonly number[];
  /** Parameters to and from workers, 4 bytes each, and a seed of 4 bytes for each worker and round. */
  readonly bytes: number;
  /** What training the whole network in data-parallel rounds of as many steps would have moved. */
  readonly wholeBytes: number;
}

interface DenseLayer {
  readonly units: number;
  readonly activation: string;
  readonly kernel: Float32Array;
  readonly bias: Float32Array;
  readonly inputs: number;
}

/**
 * Trains an MLP in place, by subnets.
 *
 * @param model A sequence of dense layers with bias, after an optional flatten; at least one of them hidden.
 * @param data Shared out to the workers by rows.
 * @throws UnsupportedModelError for other layers; ArgumentError where a hidden layer has fewer neurons than workers.
 */
export async function trainSubnets(
  model: LayersModel,
  data: Split,
  options: SubnetOptions,
): Promise<SubnetResult> {
  const { workers, rounds, localSteps = 10, batchSize = 32, seed = 0, progress, signal } = options;
  const { optimizer = { name: 'sgd', learningRate: 0.1 } } = options;
  for (const [name, value] of Object.entries({ workers, rounds, localSteps, batchSize })) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new ArgumentError(`trainSubnets: ${name} must be a whole number from 1, got ${value}.`);
    }
  }
  const dense = await denseLayers(model);
  const widths = dense.slice(0, -1).map(({ units }) => units);
  const narrow = widths.find((width) => width < workers);
  if (narrow !== undefined) {
    throw new ArgumentError(
      `trainSubnets: every hidden layer must have a neuron for each of ${workers} workers, got a layer of ${narrow}. Lower workers.`,
    );
  }
  if (data.size < workers)
    throw new ArgumentError(`trainSubnets: ${workers} workers need as many examples, got ${data.size}.`);
  const random = toRandom(seed).stream('subnets');
  const history: number[] = [];
  let bytes = 0;
  const whole = dense.reduce((sum, { kernel, bias }) => sum + kernel.length + bias.length, 0);
  for (let round = 0; round < rounds; round++) {
    const parts = partition(widths, workers, new Random(random.seed()));
    const outputBias = new Float32Array(dense.at(-1)!.units);
    const startBias = dense.at(-1)!.bias.slice();
    let loss = 0;
    for (const [worker, neurons] of parts.entries()) {
      throwIfAborted(signal, 'trainSubnets');
      const shard = shardOf(data, worker, workers);
      const subnet = build(model, dense, neurons, workers, startBias);
      try {
        let [sum, steps] = [0, 0];
        await train(subnet, shard, {
          epochs: localSteps / Math.ceil(shard.size / batchSize),
          batchSize,
          optimizer,
          seed: random.seed(),
          progress({ metrics }) {
            sum += metrics!.loss!;
            steps++;
          },
          ...(signal && { signal }),
        });
        loss += sum / steps;
        bytes += 4 + 2 * 4 * subnet.countParams();
        await collect(subnet, dense, neurons, workers, outputBias);
      } finally {
        subnet.dispose();
      }
    }
    dense.at(-1)!.bias.set(outputBias.map((value) => value / workers));
    history.push(loss / workers);
    progress?.({ stage: 'subnets', done: round + 1, total: rounds, metrics: { loss: loss / workers } });
  }
  store(model, dense);
  return { history, bytes, wholeBytes: rounds * workers * localSteps * 2 * 4 * whole };
}

async function denseLayers(model: LayersModel): Promise<DenseLayer[]> {
  const found: DenseLayer[] = [];
  for (const layer of model.layers) {
    const kind = layer.getClassName();
    if (kind === 'InputLayer' || (kind === 'Flatten' && found.length === 0)) continue;
    const weights = layer.getWeights();
    if (kind !== 'Dense' || weights.length !== 2) {
      throw new UnsupportedModelError(
        `trainSubnets: layers must be dense with a bias, after an optional flatten; got ${kind} ${layer.name}. Build the model with mlp(…).`,
      );
    }
    const [inputs, units] = weights[0]!.shape as [number, number];
    const kernel = Float32Array.from(await weights[0]!.data());
    const bias = Float32Array.from(await weights[1]!.data());
    found.push({ units, inputs, kernel, bias, activation: layer.getConfig().activation as string });
  }
  if (found.length < 2) {
    throw new UnsupportedModelError(
      `trainSubnets: the model must have a hidden layer, got ${found.length} dense layers.`,
    );
  }
  return found;
}

const all = (n: number): Int32Array => Int32Array.from({ length: n }, (_, i) => i);

function build(
  model: LayersModel,
  dense: readonly DenseLayer[],
  neurons: readonly Int32Array[],
  workers: number,
  outputBias: Float32Array,
): LayersModel {
  const subnet = sequential();
  const inputShape = (model.inputs[0]!.shape as number[]).slice(1);
  subnet.add(layers.reshape({ inputShape, targetShape: [dense[0]!.inputs] }));
  for (const [l, { activation }] of dense.entries()) {
    const units = neurons[l]?.length ?? dense[l]!.units;
    subnet.add(layers.dense({ units, activation: activation as 'relu' }));
  }
  dense.forEach(({ kernel, bias, inputs, units }, l) => {
    const rows = l === 0 ? all(inputs) : neurons[l - 1]!;
    const columns = neurons[l] ?? all(units);
    const values = take(kernel, units, rows, columns, l === 0 ? 1 : workers);
    const own = neurons[l] ? Float32Array.from(columns, (j) => bias[j]!) : outputBias;
    const made = [tensor(values, [rows.length, columns.length]), tensor(own, [columns.length])];
    subnet.layers[l + 1]!.setWeights(made);
    for (const weight of made) weight.dispose();
  });
  return subnet;
}

async function collect(
  subnet: LayersModel,
  dense: readonly DenseLayer[],
  neurons: readonly Int32Array[],
  workers: number,
  outputBias: Float32Array,
): Promise<void> {
  for (const [l, { kernel, bias, inputs, units }] of dense.entries()) {
    const [weights, offsets] = subnet.layers[l + 1]!.getWeights();
    const rows = l === 0 ? all(inputs) : neurons[l - 1]!;
    const columns = neurons[l] ?? all(units);
    put(Float32Array.from(await weights!.data()), kernel, units, rows, columns, l === 0 ? 1 : 1 / workers);
    const own = await offsets!.data();
    columns.forEach((j, p) => {
      if (neurons[l]) bias[j] = own[p]!;
      else outputBias[j]! += own[p]!;
    });
  }
}

function store(model: LayersModel, dense: readonly DenseLayer[]): void {
  const targets = model.layers.filter((layer) => layer.getClassName() === 'Dense');
  dense.forEach(({ kernel, bias, inputs, units }, l) => {
    const made = [tensor(kernel, [inputs, units]), tensor(bias, [units])];
    targets[l]!.setWeights(made);
    for (const weight of made) weight.dispose();
  });
}

function shardOf({ size, x, y }: Split, worker: number, workers: number): Split {
  const [begin, end] = shareOf(size, worker, workers);
  const part = (column: Split['x']): Split['x'] => {
    const each = column.shape.reduce((product, n) => product * n, 1);
    return { ...column, values: column.values.subarray(begin * each, end * each) };
  };
  return { size: end - begin, x: part(x), y: part(y) };
}
