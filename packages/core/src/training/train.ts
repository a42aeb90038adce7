import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Split } from '../dataset.ts';
import { ArgumentError, NonFiniteError, throwIfAborted } from '../errors.ts';
import { toRandom, type Random } from '../random/random.ts';
import { checkFit } from './check-fit.ts';
import { trainableVariables } from './layers.ts';
import { lossFunction } from './losses.ts';
import { setLearningRate, toOptimizer } from './optimizer-state.ts';
import { restoreTraining, saveTraining, type Position } from './snapshot.ts';
import { trainStep } from './train-step.ts';
import { refuseUnseededNoise } from './unseeded-noise.ts';
import type { EpochRecord, Snapshot, TrainOptions, TrainResult } from './types.ts';

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
  const { epochs, batchSize = 128, loss = 'crossEntropy', shuffle = true } = options;
  const { learningRate, progress, signal } = options;
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
      options.onStep?.(position.step, total);
      if (learningRate !== undefined) {
        const rate = typeof learningRate === 'number' ? learningRate : learningRate(position.step, total);
        setLearningRate(optimizer, rate);
      }
      const indexes = order.subarray(index * batchSize, Math.min((index + 1) * batchSize, data.size));
      const value = await trainStep(model, optimizer, data, indexes, {
        loss: lossOf,
        random,
        step: position.step,
        ...(options.constraint && { constraint: options.constraint }),
      });
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
  const { epochs, loss = 'crossEntropy', snapshotEvery, learningRate } = options;
  if (!(epochs >= 0) || !Number.isFinite(epochs)) {
    throw new ArgumentError(`train: epochs must be a number ≥ 0, got ${epochs}.`);
  }
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new ArgumentError(`train: batchSize must be an integer ≥ 1, got ${batchSize}.`);
  }
  if (snapshotEvery !== undefined && !(Number.isInteger(snapshotEvery) && snapshotEvery >= 1)) {
    throw new ArgumentError(`train: snapshotEvery must be an integer ≥ 1, got ${snapshotEvery}.`);
  }
  const isRate = typeof learningRate === 'number' && learningRate > 0 && learningRate < Infinity;
  if (learningRate !== undefined && typeof learningRate !== 'function' && !isRate) {
    throw new ArgumentError(
      `train: learningRate must be a number > 0 or a function of the step, got ${learningRate}.`,
    );
  }
  checkFit('train', model, data, { loss });
  if (trainableVariables(model).length === 0) {
    throw new ArgumentError(
      'train: the model has no trainable weights. Set `layer.trainable = true` where it should learn.',
    );
  }
  refuseUnseededNoise('train', model);
}

function orderOf(size: number, shuffle: boolean, random: Random, epoch: number): Int32Array {
  if (!shuffle) return Int32Array.from({ length: size }, (_, i) => i);
  return random.stream('order').stream(epoch).permutation(size);
}
