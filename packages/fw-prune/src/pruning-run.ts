import type { LayersModel } from '@tensorflow/tfjs-layers';
import { throwIfAborted, type Split } from '@ockham/core';
import { evaluate } from '@ockham/core/metrics';
import type { Random } from '@ockham/core/random';
import {
  loadOptimizer,
  restoreWeights,
  saveOptimizer,
  saveWeights,
  toOptimizer,
  train,
  type Loss,
  type Snapshot,
  type TrainOptions,
  type TrainResult,
} from '@ockham/core/training';
import { packRun, unpackRun, type RunParts } from './checkpoint.ts';
import { needsGradient } from './criteria.ts';
import { dropoutRates, type DropoutRates } from './dropout.ts';
import { gradientOf, withMomentum, type KernelGradient } from './gradient.ts';
import { Masks, masksOf } from './masks.ts';
import type { PruneOptions, PruneRecord } from './options.ts';
import { trainPruned } from './retraining.ts';
import { sparsityAt } from './schedule.ts';
import { chooseMasks, selectionOf, type Selection } from './selection.ts';
import type { Settings } from './settings.ts';

/** What retraining learns from: the training split and its loss, or those of a distillation. */
export interface Lesson {
  readonly data: Split;
  readonly loss: Loss;
}

/** The loop that Algorithms 2, 3 and 4 share. Prunes `model` in place. */
export class PruningRun {
  masks: Masks;
  readonly #model: LayersModel;
  readonly #data: { readonly train: Split; readonly test?: Split };
  readonly #lesson: Lesson;
  readonly #settings: Settings;
  readonly #options: PruneOptions;
  readonly #random: Random;
  readonly #selection: Selection;
  readonly #optimizer: ReturnType<typeof toOptimizer> | undefined;
  readonly #dropout: DropoutRates;
  #gradient: KernelGradient[] = [];
  #history: PruneRecord[] = [];

  constructor(
    model: LayersModel,
    data: { readonly train: Split; readonly test?: Split },
    lesson: Lesson,
    settings: Settings,
    options: PruneOptions,
    random: Random,
    startingBits: readonly Uint8Array[],
  ) {
    this.#model = model;
    this.#data = data;
    this.#lesson = lesson;
    this.#settings = settings;
    this.#options = options;
    this.#random = random;
    this.#selection = selectionOf(model, settings.exclude, settings.pattern);
    this.#optimizer = goesOn(settings) ? toOptimizer(settings.retrain.optimizer) : undefined;
    this.#dropout = dropoutRates(model);
    this.masks = new Masks(model, startingBits);
  }

  /** @param identity Of the run, for its checkpoint. */
  async run(identity: string): Promise<readonly PruneRecord[]> {
    const { iterations } = this.#settings;
    const { checkpoint, signal, onIteration } = this.#options;
    const save = (iteration: number) => async (parts: RunParts) => {
      const { masks } = this;
      const state = { iteration, masks, gradient: this.#gradient, history: this.#history };
      await checkpoint?.write(packRun(identity, this.#random, state, parts));
    };

    const earlier = await checkpoint?.read();
    let { iteration, training } = earlier
      ? await this.#resume(identity, earlier)
      : { iteration: 1, training: undefined };
    for (; iteration <= iterations; iteration++, training = undefined) {
      throwIfAborted(signal, `prune (iteration ${iteration} of ${iterations})`);
      if (!training) await this.#prune(iteration);
      const retrained = await this.#retrain(iteration, training, (snapshot) =>
        save(iteration)({ training: snapshot }),
      );
      const record = await this.#record(iteration, retrained);
      this.#history = [...this.#history, record];
      if (checkpoint && iteration < iterations) {
        const optimizer = this.#optimizer && (await saveOptimizer(this.#optimizer.optimizer));
        await save(iteration + 1)({ weights: await saveWeights(this.#model), optimizer });
      }
      await onIteration?.(record);
    }
    return this.#history;
  }

  /** Releases the optimizer; masks and model are the caller's. */
  dispose(): void {
    if (this.#optimizer?.own) this.#optimizer.optimizer.dispose();
  }

  async #resume(identity: string, snapshot: Snapshot) {
    const { state, parts } = unpackRun(this.#model, identity, snapshot);
    this.masks.dispose();
    this.masks = state.masks;
    this.#gradient = [...state.gradient];
    this.#history = [...state.history];
    if ('training' in parts) return { iteration: state.iteration, training: parts.training };
    restoreWeights(this.#model, parts.weights, 'prune');
    if (this.#optimizer && parts.optimizer) await loadOptimizer(this.#optimizer.optimizer, parts.optimizer);
    return { iteration: state.iteration, training: undefined };
  }

  /** Accumulates G and, where the schedule says so, prunes. */
  async #prune(iteration: number): Promise<void> {
    const settings = this.#settings;
    const sparsity = sparsityAt(iteration, settings);
    const carries = settings.momentum > 0 && settings.momentumForm === 'accumulated';
    // without momentum Alg. 3 resets a G that nothing has looked at
    if (needsGradient(settings.criterion) && (sparsity !== undefined || carries)) {
      const stream = this.#random.stream('subsample').stream(iteration);
      const { signal } = this.#options;
      const gradient = await gradientOf(
        this.#model,
        this.#data.train,
        this.#selection,
        settings,
        stream,
        signal,
      );
      this.#gradient = withMomentum(this.#gradient, gradient, settings);
    }
    if (sparsity === undefined) return;
    const former = this.masks.allBits();
    const stream = this.#random.stream('score').stream(iteration);
    const bits = await chooseMasks(this.#selection, settings, sparsity, this.#gradient, former, stream);
    this.masks.dispose();
    this.masks = new Masks(this.#model, bits);
    this.masks.apply();
  }

  async #retrain(
    iteration: number,
    resumeFrom: Snapshot | undefined,
    onSnapshot: (snapshot: Snapshot) => Promise<void>,
  ): Promise<TrainResult | undefined> {
    const { retrain, iterations, mask } = this.#settings;
    if (retrain.epochs === 0) return undefined;
    const { batchSize = 128, learningRate, epochs, dropout } = retrain;
    if (dropout === 'adjust') this.#dropout.adjust(this.#density());
    const { data, loss } = this.#lesson;
    const { progress, signal, checkpoint, snapshotEvery } = this.#options;
    const steps = Math.round(epochs * Math.ceil(data.size / batchSize));
    const optimizer = this.#optimizer?.optimizer ?? retrain.optimizer;
    const stage = `prune ${iteration}/${iterations}`;
    const options: TrainOptions = {
      epochs,
      batchSize,
      loss,
      seed: this.#random.stream('retrain').stream(iteration),
      ...(optimizer && { optimizer }),
      ...(typeof learningRate === 'number' && { learningRate }),
      ...(typeof learningRate === 'function' && {
        learningRate: (step) => learningRate((iteration - 1) * steps + step, iterations * steps),
      }),
      ...(progress && { progress: (event) => progress({ ...event, stage }) }),
      ...(signal && { signal }),
      ...(checkpoint && { onSnapshot }),
      ...(checkpoint && snapshotEvery !== undefined && { snapshotEvery }),
      ...(resumeFrom && { resumeFrom }),
    };
    return mask === 'hold'
      ? trainPruned(this.#model, data, this.masks, options)
      : train(this.#model, data, options);
  }

  /** Fraction of the prunable weights that the masks leave. */
  #density(): number {
    const { taking, size } = this.#selection;
    return taking.reduce((sum, i) => sum + this.masks.weights[i]!.kept, 0) / size;
  }

  async #record(iteration: number, retrained: TrainResult | undefined): Promise<PruneRecord> {
    const loss = retrained?.epochs.at(-1)?.loss;
    const { test } = this.#data;
    const tested =
      test && (await evaluate(this.#model, test, { loss: this.#settings.retrain.loss ?? 'crossEntropy' }));
    return {
      iteration,
      pruned: sparsityAt(iteration, this.#settings) !== undefined,
      sparsity: 1 - this.#density(),
      nonZeros: this.masks.kept,
      nonZerosAfterRetraining: await nonZerosOf(this.#model),
      ...(loss !== undefined && { loss }),
      ...(tested && Number.isFinite(tested.accuracy) && { accuracy: tested.accuracy }),
      ...(tested && { testLoss: tested.loss }),
    };
  }
}

/** Whether one optimizer serves all iterations. */
function goesOn({ retrain: { optimizer, optimizerState } }: Settings): boolean {
  return optimizerState === 'continued' || (typeof optimizer === 'object' && 'applyGradients' in optimizer);
}

async function nonZerosOf(model: LayersModel): Promise<number> {
  const masks = await masksOf(model);
  return masks.kept;
}
