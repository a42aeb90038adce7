import {
  scalar,
  tensor,
  train as optimizers,
  type Optimizer,
  type Scalar,
  type Variable,
} from '@tensorflow/tfjs-core';
import { ArgumentError, DataError } from '../errors.ts';
import type { OptimizerSpec, Snapshot, TrainOptions } from './types.ts';

const DEFAULT_RATES = { sgd: 0.01, momentum: 0.01, adam: 0.001 } as const;

/** A tf optimizer from a spec; `own` says whether the caller of `train` keeps it. */
export function toOptimizer(given: TrainOptions['optimizer']): { optimizer: Optimizer; own: boolean } {
  if (given !== undefined && typeof given === 'object' && 'applyGradients' in given) {
    return { optimizer: given, own: false };
  }
  const spec: OptimizerSpec = typeof given === 'string' ? { name: given } : (given ?? { name: 'adam' });
  if (!(spec.name in DEFAULT_RATES)) {
    throw new ArgumentError(
      `train: the optimizer must be sgd, momentum, adam or a tf.Optimizer, got ${JSON.stringify(spec.name)}.`,
    );
  }
  const rate = spec.learningRate ?? DEFAULT_RATES[spec.name];
  if (!(rate > 0)) {
    throw new ArgumentError(
      `train: the learning rate must be positive, got ${rate}. The default of ${spec.name} is ${DEFAULT_RATES[spec.name]}.`,
    );
  }
  switch (spec.name) {
    case 'sgd':
      return { optimizer: optimizers.sgd(rate), own: true };
    case 'momentum':
      return { optimizer: momentum(rate, spec.momentum ?? 0.9), own: true };
    case 'adam':
      return { optimizer: optimizers.adam(rate), own: true };
  }
}

/** TensorFlow.js' own forgets the tensor that holds its rate. */
function momentum(rate: number, factor: number): Optimizer {
  const optimizer = optimizers.momentum(rate, factor);
  const dispose = optimizer.dispose.bind(optimizer);
  optimizer.dispose = () => {
    dispose();
    (optimizer as unknown as { c: Scalar }).c.dispose();
  };
  return optimizer;
}

/** Changes the rate of a tf optimizer between steps. */
export function setLearningRate(optimizer: Optimizer, rate: number): void {
  const adjustable = optimizer as unknown as { learningRate: number; setLearningRate?(rate: number): void };
  if (adjustable.setLearningRate) adjustable.setLearningRate(rate);
  else adjustable.learningRate = rate;
}

type BetaPowers = { accBeta1?: Variable; accBeta2?: Variable };

/**
 * Everything an optimizer needs to go on to the bit. tfjs' own `getWeights` loses Adam's running products of β:
 * it recomputes them as powers, which differ in the last bits, so they are kept here too.
 */
export async function saveOptimizer(optimizer: Optimizer): Promise<Snapshot> {
  const arrays: Record<string, Float32Array | Int32Array> = {};
  const shapes: Record<string, number[]> = {};
  for (const { name, tensor: value } of await optimizer.getWeights()) {
    arrays[name] = (await value.data()).slice() as Float32Array;
    shapes[name] = value.shape;
    if (name === 'iter') value.dispose(); // made by getWeights; the others are the optimizer's own
  }
  const { accBeta1, accBeta2 } = optimizer as unknown as BetaPowers;
  for (const [name, power] of [
    ['accBeta1', accBeta1],
    ['accBeta2', accBeta2],
  ] as const) {
    if (power) arrays[`#${name}`] = (await power.data()).slice() as Float32Array;
  }
  return { meta: { className: optimizer.getClassName(), order: Object.keys(shapes), shapes }, arrays };
}

/** @throws DataError `corrupt-file` where a snapshot lacks an array, or it is of another length. */
export function checkArray(who: string, { arrays }: Snapshot, name: string, length: number): void {
  const array = Object.hasOwn(arrays, name) ? arrays[name] : undefined;
  if (array?.length === length && !(array instanceof Uint8Array)) return;
  throw new DataError(
    'corrupt-file',
    `${who}: the checkpoint must have ${length} numbers as ${name}, got ${array?.length ?? 'none'}. Restore it from a copy, or remove it.`,
  );
}

/** Restores what {@link saveOptimizer} kept into an optimizer of the same class. */
export async function loadOptimizer(optimizer: Optimizer, snapshot: Snapshot): Promise<void> {
  const { className, order, shapes } = (snapshot.meta ?? {}) as {
    className: string;
    order: string[];
    shapes: Record<string, number[]>;
  };
  if (className !== optimizer.getClassName()) {
    throw new ArgumentError(
      `train: the checkpoint was written with the optimizer ${className}, got ${optimizer.getClassName()}. Use the same optimizer, or remove the checkpoint.`,
    );
  }
  for (const name of Array.isArray(order) ? order : ['order']) {
    const shape = shapes?.[name];
    checkArray(
      'train',
      snapshot,
      name,
      Array.isArray(shape) ? shape.reduce((product, d) => product * d, 1) : NaN,
    );
  }
  const weights = order.map((name) => {
    const values = snapshot.arrays[name] as Float32Array;
    return {
      name,
      tensor: tensor(values.slice(), shapes[name], values instanceof Int32Array ? 'int32' : 'float32'),
    };
  });
  await optimizer.setWeights(weights);
  const powers = optimizer as unknown as BetaPowers;
  for (const name of ['accBeta1', 'accBeta2'] as const) {
    const value = snapshot.arrays[`#${name}`];
    if (!value || !powers[name]) continue;
    const exact = scalar(value[0]!);
    powers[name].assign(exact);
    exact.dispose();
  }
  for (const { tensor: made } of weights) if (!made.isDisposed) made.dispose();
}
