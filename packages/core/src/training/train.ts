import {
  dispose,
  tidy,
  variableGrads,
  type Optimizer,
  type Scalar,
  type Tensor,
} from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Split } from '../dataset.ts';
import { ArgumentError, NonFiniteError, UnsupportedModelError, throwIfAborted } from '../errors.ts';
import { toRandom, type Random } from '../random/random.ts';
import { batchOf } from './batches.ts';
import { checkFit } from './check-fit.ts';
import { flatLayers, trainableVariables, type Layer } from './layers.ts';
import { lossFunction, withRegularisation } from './losses.ts';
import { setLearningRate, toOptimizer } from './optimizer-state.ts';
import { restoreTraining, saveTraining, type Position } from './snapshot.ts';
import { unseededNoise } from './unseeded-noise.ts';
import type { EpochRecord, LossFunction, Snapshot, TrainOptions, TrainResult } from './types.ts';

/**
 * Trains a model in place: mini-batches in a seeded order, one optimizer step for each.
 *
 * The same seed on the same engine gives the same weights to the bit, dropout included, and a run that is
 * resumed from a snapshot ends with the weights of an uninterrupted one. No tensor is leaked. Noise
 * other than dropout layers (GaussianNoise, GaussianDropout, AlphaDropout, the dropout within recurrent layers and
 * wrappers) cannot be seeded in TensorFlow.js and is refused.
 *
 * @param model Changed in place. One input, one output.
 * @param data `x` as the model wants it, `y` as the loss wants it.
 * @returns The mean loss of every epoch and the number of steps.
 * @throws ArgumentError for options out of range, data that does not fit the model, labels out of range.
 * @throws NonFiniteError when the loss is no longer a number; the weights are those of that moment.
 * @throws AbortedError when the signal fires, after a last snapshot.
 *
 * @example
 * await train(model, data.train, { epochs: 3, optimizer: { name: 'adam', learningRate: 1e-3 }, seed: 7 });
 */
export async function train(model: LayersModel, data: Split, options: TrainOptions): Promise<TrainResult> {
  const { epochs, batchSize = 128, loss = 'crossEntropy', shuffle = true, progress, signal } = options;
  check(model, data, options, batchSize);
  const random = toRandom(options.seed ?? 0).stream('train');
  const lossOf = lossFunction(loss);
  const stepsPerEpoch = Math.ceil(data.size / batchSize);
  const total = Math.round(epochs * stepsPerEpoch);
  const identity = `${data.size} examples, batch ${batchSize}, ${total} steps, shuffle ${shuffle}, random ${random.getState().key.join('.')}`;
  const keep = options.onSnapshot ?? ((snapshot: Snapshot) => options.checkpoint?.write(snapshot));
  const keeps = options.onSnapshot !== undefined || options.checkpoint !== undefined;

  const { optimizer, own } = toOptimizer(options.optimizer);
  try {
    let position: Position = { step: 0, total, epochLoss: 0, epochs: [] };
    const earlier = options.resumeFrom ?? (await options.checkpoint?.read());
    if (earlier !== undefined) position = await restoreTraining(model, optimizer, earlier, identity);
    const save = async () => keep(await saveTraining(model, optimizer, position, identity));

    let order: Int32Array | undefined;
    while (position.step < total) {
      if (signal?.aborted) {
        if (keeps) await save();
        throwIfAborted(signal, `train (step ${position.step} of ${total})`);
      }
      const epoch = Math.floor(position.step / stepsPerEpoch);
      const index = position.step % stepsPerEpoch;
      if (order === undefined || index === 0) order = orderOf(data.size, shuffle, random, epoch);
      if (options.learningRate) setLearningRate(optimizer, options.learningRate(position.step, total));
      const indexes = order.subarray(index * batchSize, Math.min((index + 1) * batchSize, data.size));
      const value = await step(
        model,
        optimizer,
        data,
        indexes,
        lossOf,
        options,
        seedDropout(model, random, position.step),
      );
      if (!Number.isFinite(value)) {
        throw new NonFiniteError(
          `train: the loss became ${value} at step ${position.step + 1} of ${total}. Lower the learning rate, or check the inputs' range.`,
        );
      }
      position = { ...position, step: position.step + 1, epochLoss: position.epochLoss + value };
      const steps = index + 1;
      const epochEnds = steps === stepsPerEpoch || position.step === total;
      if (epochEnds) {
        const record: EpochRecord = { epoch: epoch + 1, loss: position.epochLoss / steps, steps };
        position = { ...position, epochLoss: 0, epochs: [...position.epochs, record] };
        await options.onEpoch?.(record);
      }
      progress?.({ stage: 'train', done: position.step, total, metrics: { loss: value } });
      const due = options.snapshotEvery !== undefined && position.step % options.snapshotEvery === 0;
      if (keeps && (epochEnds || due) && position.step < total) await save();
      if (position.step % 16 === 0) await new Promise((resolve) => setTimeout(resolve)); // lets the page, timers and signals breathe
    }
    if (options.checkpoint) await options.checkpoint.remove();
    return { epochs: position.epochs, steps: position.step };
  } finally {
    if (own) optimizer.dispose();
  }
}

function check(model: LayersModel, data: Split, options: TrainOptions, batchSize: number): void {
  const { epochs, loss = 'crossEntropy', snapshotEvery } = options;
  if (!(epochs >= 0) || !Number.isFinite(epochs)) {
    throw new ArgumentError(`train: epochs must be a number ≥ 0, got ${epochs}.`);
  }
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new ArgumentError(`train: batchSize must be an integer ≥ 1, got ${batchSize}.`);
  }
  if (snapshotEvery !== undefined && !(Number.isInteger(snapshotEvery) && snapshotEvery >= 1)) {
    throw new ArgumentError(`train: snapshotEvery must be an integer ≥ 1, got ${snapshotEvery}.`);
  }
  checkFit('train', model, data, { loss });
  if (trainableVariables(model).length === 0) {
    throw new ArgumentError(
      'train: the model has no trainable weights. Set `layer.trainable = true` where it should learn.',
    );
  }
  for (const layer of flatLayers(model)) {
    const noise = unseededNoise(layer);
    if (noise === undefined) continue;
    throw new UnsupportedModelError(
      `train: the layer ${layer.name} (${noise}) draws unseeded noise, so that a run could not be repeated. Use Dropout, as a layer of its own.`,
    );
  }
}

function orderOf(size: number, shuffle: boolean, random: Random, epoch: number): Int32Array {
  if (!shuffle) return Int32Array.from({ length: size }, (_, i) => i);
  return random.stream('order').stream(epoch).permutation(size);
}

/**
 * Gives every dropout layer, and every layer that says `seededNoise`, a seed of this step in its property `seed`; returns
 * what puts the layers' own seeds back.
 */
function seedDropout(model: LayersModel, random: Random, step: number): () => void {
  const isDropout = (layer: Layer) => /Dropout/.test(layer.getClassName()) || 'seededNoise' in layer;
  const dropouts = flatLayers(model).filter(isDropout) as unknown as { seed: number | undefined }[];
  const own = dropouts.map((layer) => layer.seed);
  // by position, since TensorFlow.js numbers automatic layer names anew for every model
  for (const [i, layer] of dropouts.entries())
    layer.seed = random.stream('dropout').stream(i).stream(step).seed();
  return () => dropouts.forEach((layer, i) => (layer.seed = own[i]));
}

async function step(
  model: LayersModel,
  optimizer: Optimizer,
  data: Split,
  indexes: Int32Array,
  lossOf: LossFunction,
  options: TrainOptions,
  restoreSeeds: () => void,
): Promise<number> {
  let value: Scalar;
  try {
    value = tidy(() => {
      const { x, y } = batchOf(data, indexes);
      const objective = () =>
        withRegularisation(lossOf(y, model.apply(x, { training: true }) as Tensor), model.calculateLosses());
      const { value: batchLoss, grads } = variableGrads(objective, trainableVariables(model));
      optimizer.applyGradients(options.constraint?.gradients?.(grads) ?? grads);
      options.constraint?.apply?.();
      return batchLoss;
    });
  } catch (error) {
    throw explainMissingGradients(error);
  } finally {
    restoreSeeds();
  }
  const [loss] = await value.data();
  dispose(value);
  return loss!;
}

/** tfjs-core alone has no gradients; say so instead of passing its message on. */
function explainMissingGradients(error: unknown): unknown {
  if (error instanceof Error && /Cannot compute gradient: gradient function not found/.test(error.message)) {
    return new ArgumentError(
      `train: this TensorFlow.js has no gradients (${error.message}). Import '@tensorflow/tfjs' once, before training: tfjs-core alone does not bring them.`,
      { cause: error },
    );
  }
  return error;
}
