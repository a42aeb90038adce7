/**
 * Trains a model on many ranks that see other examples, have other parts of its layers, or other layers: data parallelism with the three
 * stages of ZeRO, tensor and pipeline parallelism.
 *
 * Source: Rajbhandari et al. 2020, "ZeRO: memory optimizations toward training trillion parameter models", sections 5 and 7; Shoeybi et
 * al. 2019, section 3, for tensor ranks; Narayanan et al. 2021, section 2, for the schedules and the three axes together.
 * Deviations: everything is computed in float32, so that states are 16 bytes for each parameter with Adam, 4 of them the parameters and
 * 4 the gradients, and no float32 copy beside; a rank's share is cut by length, not by layer.
 */
import { ArgumentError, throwIfAborted, type Progress, type Split } from '@ockham/core';
import { checkFit } from '@ockham/core/training';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { hasCheckpoint, type CheckpointStores } from '../checkpoint/checkpoint.ts';
import { loadRank, saveRank } from '../checkpoint/save-load.ts';
import { closeMesh } from '../mesh/rank-mesh.ts';
import { fillWhole } from '../mesh/whole-model.ts';
import { disposeModel } from '../tensor/split-model.ts';
import type { EnginePosition, RankState } from './rank-state.ts';
import type { EngineReport } from './report.ts';
import { makeUpdate } from './update.ts';

/** Options of {@link Engine.fit}. */
export interface FitOptions {
  /** Passes over the data, > 0; fractions allow less than one. */
  readonly epochs: number;
  /** Told how far the work has come. Default: nobody is. */
  readonly progress?: Progress;
  /** One rank's is enough: all stop after the same update. */
  readonly signal?: AbortSignal;
  /**
   * Saves after every so many updates, by default those of an epoch, and goes on from there where a checkpoint is found: a run that was
   * ended, on any number of ranks, is taken up by starting it again.
   */
  readonly checkpoint?: { readonly stores: CheckpointStores; readonly every?: number };
  /** Called after every update, on every rank. */
  readonly onUpdate?: (update: { readonly step: number; readonly loss: number }) => void | Promise<void>;
}

/** Trains one model as one of several ranks. Made by {@link initialize}; every method is collective. */
export class Engine {
  readonly #rank: RankState;

  constructor(rank: RankState) {
    this.#rank = rank;
  }

  /** Number of this rank. */
  get rank(): number {
    return this.#rank.parts.mesh.world.rank;
  }

  /** Where the run stands. */
  get position(): EnginePosition {
    return this.#rank.position;
  }

  /**
   * Trains on a split: in epochs, in a seeded order, one update for each global batch; what is left over of an epoch is not used.
   *
   * @param data The same on every rank.
   * @returns The mean loss of every update made here, before it.
   * @throws NonFiniteError naming the layer and the rank, AbortedError on all ranks.
   */
  async fit(
    data: Split,
    { epochs, progress, signal, checkpoint, onUpdate }: FitOptions,
  ): Promise<{ readonly losses: readonly number[] }> {
    const { plan, whole, mesh } = this.#rank.parts;
    if (!(epochs > 0 && epochs < Infinity))
      throw new ArgumentError(`fit: epochs must be a number > 0, got ${epochs}.`);
    this.#check('fit', data);
    const perEpoch = Math.floor(data.size / plan.globalBatch);
    if (perEpoch === 0)
      throw new ArgumentError(
        `fit: the data must have at least globalBatch = ${plan.globalBatch} examples, got ${data.size}. Lower globalBatch.`,
      );
    const total = Math.round(epochs * perEpoch);
    const every = checkpoint?.every ?? perEpoch;
    if (!(Number.isInteger(every) && every >= 1))
      throw new ArgumentError(`fit: checkpoint.every must be an integer ≥ 1, got ${every}.`);
    if (checkpoint && this.position.updates === 0 && (await hasCheckpoint(checkpoint.stores, mesh.world)))
      await this.load(checkpoint.stores);
    const losses: number[] = [];
    while (this.#rank.position.fitted < total) {
      const { fitted } = this.#rank.position;
      const stop = Int32Array.of(signal?.aborted === true ? 1 : 0);
      await mesh.world.allReduce(stop, 'max');
      if (stop[0] === 1)
        throwIfAborted(
          signal?.aborted === true ? signal : AbortSignal.abort('another rank was stopped'),
          `fit (update ${fitted} of ${total})`,
        );
      const epoch = Math.floor(fitted / perEpoch);
      const order = plan.shuffle
        ? this.#rank.random.stream('order').stream(epoch).permutation(data.size)
        : Int32Array.from({ length: data.size }, (_, i) => i);
      const at = (fitted % perEpoch) * plan.globalBatch;
      const loss = await makeUpdate(this.#rank, data, order.subarray(at, at + plan.globalBatch), total);
      this.#rank.position = { ...this.#rank.position, fitted: fitted + 1 };
      losses.push(loss);
      progress?.({ stage: `train ${whole.program.model.name}`, done: fitted + 1, total, metrics: { loss } });
      if (checkpoint && ((fitted + 1) % every === 0 || fitted + 1 === total))
        await this.save(checkpoint.stores);
      await onUpdate?.({ step: fitted + 1, loss });
    }
    this.#rank.position = { ...this.#rank.position, fitted: 0 };
    return { losses };
  }

  /**
   * One update.
   *
   * @param batch The global batch, the same on every rank, of `globalBatch` examples; data rank r takes the r-th part.
   * @returns The mean loss before the update, the same on every rank.
   * @throws NonFiniteError naming the layer and the rank; nothing was updated then.
   */
  async trainBatch(batch: Split): Promise<number> {
    const { globalBatch } = this.#rank.parts.plan;
    this.#check('trainBatch', batch);
    if (batch.size !== globalBatch)
      throw new ArgumentError(`trainBatch: the batch must have globalBatch = ${globalBatch} examples, got ${batch.size}. Give the whole batch to every rank.`); // prettier-ignore
    return makeUpdate(
      this.#rank,
      batch,
      Int32Array.from({ length: globalBatch }, (_, i) => i),
      0,
    );
  }

  /**
   * Saves everything that the run needs to go on: parameters, the optimizer's states, moving averages, the place in the data, the loss
   * scale. Each rank writes its part; the former checkpoint is replaced at the very end.
   *
   * @throws DataError on every rank if one cannot write; the former checkpoint is intact.
   */
  async save(stores: CheckpointStores): Promise<void> {
    await saveRank(this.#rank, stores);
  }

  /**
   * Goes on from a checkpoint, saved on any number of ranks at any stage: to the bit where those are the same. The next `fit` goes on
   * where the saved one was.
   *
   * @throws DataError on every rank for a missing or altered shard, or another model or optimizer.
   */
  async load(stores: CheckpointStores): Promise<void> {
    await loadRank(this.#rank, stores);
  }

  /** The model, with all its weights: gathered from the ranks that have them, brought together for compressed optimizers. */
  async model(): Promise<LayersModel> {
    const { plan, whole, program, gather, parallel } = this.#rank.parts;
    await this.#rank.synchronise();
    if (parallel) await fillWhole(this.#rank);
    else if (plan.zero === 3)
      for (const i of program.blocks.keys()) await gather!.finish(i, this.#rank.share!);
    return whole.program.model;
  }

  /** Bytes and updates so far. Not collective. */
  report(): EngineReport {
    const { plan, layout, data, control, mesh, gather, gradients } = this.#rank.parts;
    return {
      rank: mesh.world.rank,
      ranks: mesh.world.size,
      mesh: mesh.shape,
      zero: plan.zero,
      parameters: layout.length,
      padding: layout.padded - layout.length,
      bytes: this.#rank.bytes(),
      buffers: { buckets: gradients.bufferBytes, gathers: gather?.bytes ?? 0, checkpoints: this.#rank.checkpoints?.buffer.bytes ?? 0 }, // prettier-ignore
      activations: this.#rank.peak.activations,
      peak: this.#rank.peak.most,
      wire: data.ledger.toJSON(),
      sent: data.ledger.total().sent,
      ...(this.#rank.parts.parallel && {
        sentAlong: {
          tensor: mesh.tensor.ledger.total().sent,
          pipeline: mesh.pipeline.ledger.total().sent,
        },
      }),
      control: control.ledger.total().sent,
      updates: this.#rank.position.updates,
      skipped: this.#rank.position.updates - this.#rank.position.made,
      ...(this.#rank.scaling && { lossScale: this.#rank.scaling.scale }),
    };
  }

  /** Gives the model its weights and frees what is shared. The model is the caller's, as before. */
  async close(): Promise<void> {
    const { data, mesh, gather, gradients, parallel } = this.#rank.parts;
    await this.model();
    await gradients.free();
    await gather?.free();
    if (this.#rank.share) await data.free(this.#rank.share);
    if (parallel?.split) disposeModel(parallel.split.model);
    await closeMesh(mesh);
  }

  #check(who: string, data: Split): void {
    const { loss } = this.#rank.parts.plan;
    checkFit(who, this.#rank.parts.whole.program.model, data, typeof loss === 'function' ? {} : { loss });
  }
}
