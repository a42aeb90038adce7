/**
 * Trains a model on many ranks, each of which sees other examples: data parallelism and the three stages of ZeRO.
 *
 * Source: Rajbhandari et al. 2020, "ZeRO: memory optimizations toward training trillion parameter models", sections 5 and 7.
 * Deviations: everything is computed in float32, so that states are 16 bytes for each parameter with Adam, 4 of them the parameters and
 * 4 the gradients, and no float32 copy beside; a rank's share is cut by length, not by layer.
 */
import {
  ArgumentError,
  DataError,
  NonFiniteError,
  throwIfAborted,
  type Progress,
  type Split,
} from '@ockham/core';
import { self, type Communicator } from '@ockham/core/comm';
import { toRandom, type Random } from '@ockham/core/random';
import {
  batchOf,
  checkFit,
  lossFunction,
  refuseUnseededNoise,
  type SnapshotStore,
} from '@ockham/core/training';
import { dispose, type Tensor, type Variable } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { readCheckpoint, writeCheckpoint, type CheckpointStores } from '../checkpoint/checkpoint.ts';
import {
  compressedState,
  gatherCompressedState,
  restoreCompressedState,
} from '../optimizers/compressed-state.ts';
import { cutModel, type Program } from '../program/cut-model.ts';
import { MicroBatch } from '../program/micro-batch.ts';
import type { RunMode } from '../program/run-block.ts';
import { flatLayout, shareOfRank, type FlatLayout } from '../zero/flat-layout.ts';
import { eachEntry, fillVariable, readFlat, releaseVariable, variableNames } from '../zero/flat-variables.ts';
import { BlockGather } from '../zero/gather.ts';
import { GradientStore } from '../zero/gradient-store.ts';
import { blockRanges, type Range } from '../zero/shares.ts';
import { checkConfig, communicates, type EngineConfig, type Plan } from './config.ts';
import { throwNonFinite } from './find-non-finite.ts';
import { afterStep, type LossScaling } from './loss-scaling.ts';
import { averageWritten, buffersOf } from './moving-state.ts';
import { rounding } from './precision.ts';
import { PeakMeter, type EngineReport } from './report.ts';

/** Options of {@link initialize}. */
export interface InitializeOptions {
  /** The ranks. Default: one alone. */
  readonly comm?: Communicator;
}

/** Options of {@link Engine.fit}. */
export interface FitOptions {
  /** Passes over the data, > 0; fractions allow less than one. */
  readonly epochs: number;
  readonly progress?: Progress;
  /** One rank's is enough: all stop after the same update. */
  readonly signal?: AbortSignal;
  /** Called after every update, on every rank. */
  readonly onUpdate?: (update: { readonly step: number; readonly loss: number }) => void | Promise<void>;
}

/**
 * Gets a model ready for training on many ranks. Collective: every rank gives the same model and configuration; the weights are those
 * of rank 0.
 *
 * @throws ArgumentError for a configuration that does not fit, UnsupportedModelError for a model that cannot be cut.
 *
 * @example
 * const engine = await initialize(model, { optimizer: 'adam', zero: 2, microBatch: 8 }, { comm });
 * await engine.fit(data.train, { epochs: 1 });
 */
export async function initialize(
  model: LayersModel,
  config: EngineConfig = {},
  { comm = self() }: InitializeOptions = {},
): Promise<Engine> {
  const plan = checkConfig('initialize', config, comm);
  refuseUnseededNoise('initialize', model);
  const program = cutModel(model, config.cut);
  const names = variableNames(model);
  const layout = flatLayout(
    program.variables.map((variable) => ({ name: names.get(variable)!, shape: variable.shape })),
    comm.size,
  );
  // groups of their own, so that the ledger of the data holds nothing else
  const data = (await comm.split(0))!;
  const control = (await comm.split(0))!;
  await takeFromFirst(control, [...program.variables, ...program.state]);
  const round = rounding(plan.precision);
  const gather =
    plan.zero === 0 ? undefined : await BlockGather.create(data, program, layout, plan.zero, round);
  const most = Math.max(...blockRanges(program, layout).map(({ begin, end }) => end - begin));
  const local = communicates(plan.optimizer);
  const gradients = await GradientStore.create(local ? self() : data, layout, plan.zero, {
    least: plan.bucketSize,
    most,
  });
  const engine = new Engine({
    plan,
    program,
    layout,
    data,
    control,
    gather,
    gradients,
    store: config.offload?.(comm.rank),
  });
  await engine.prepare();
  return engine;
}

/** What an engine is made of. */
interface Parts {
  readonly plan: Plan;
  readonly program: Program;
  readonly layout: FlatLayout;
  readonly data: Communicator;
  readonly control: Communicator;
  readonly gather: BlockGather | undefined;
  readonly gradients: GradientStore;
  readonly store: SnapshotStore | undefined;
}

/** Where a run stands. */
export interface EnginePosition {
  /** Updates, in total, skipped ones included. */
  readonly updates: number;
  /** Updates that the optimizer made. */
  readonly made: number;
  /** Updates of the call of `fit` that is under way. */
  readonly fitted: number;
}

/** Trains one model as one of several ranks. Made by {@link initialize}; every method is collective. */
export class Engine {
  readonly #parts: Parts;
  readonly #random: Random;
  readonly #ranges: readonly Range[];
  /** This rank's part of the flat vector that it updates. */
  readonly #own: Range;
  readonly #peak: PeakMeter = new PeakMeter();
  /** At stage 3 the parameters, with 16-bit storage their float32 values. */
  #share: Float32Array | undefined;
  #state: Readonly<Record<string, Float32Array>> = {};
  #position: EnginePosition = { updates: 0, made: 0, fitted: 0 };
  #scaling: LossScaling | undefined;

  constructor(parts: Parts) {
    const { plan, program, layout, data } = parts;
    this.#parts = parts;
    this.#random = toRandom(plan.seed).stream('train');
    this.#ranges = blockRanges(program, layout);
    const [begin, end] = plan.zero === 0 ? [0, layout.padded] : shareOfRank(layout, data.rank);
    this.#own = { begin, end };
    this.#scaling = plan.lossScaling;
  }

  /** Shares out what is to be shared. */
  async prepare(): Promise<void> {
    const { plan, program, layout, data, store } = this.#parts;
    const { begin, end } = this.#own;
    const { optimizer, zero, precision } = plan;
    if (zero === 3 || precision !== 'float32') {
      this.#share = await data.alloc('float32', end - begin);
      await readFlat(layout, program.variables, begin, end, this.#share);
    }
    if (precision !== 'float32' && zero < 3) await this.#write(this.#share!);
    if (zero === 3) for (const variable of program.variables) releaseVariable(variable);
    this.#state = communicates(optimizer)
      ? compressedState(optimizer, layout, data)
      : Object.fromEntries(optimizer.slots.map((slot) => [slot, new Float32Array(end - begin)]));
    if (store) await this.#putAway();
    this.#peak.base = this.#persistent();
  }

  /** Ranks, layout and number of this rank. */
  get rank(): number {
    return this.#parts.data.rank;
  }

  /** Where the run stands. */
  get position(): EnginePosition {
    return this.#position;
  }

  /**
   * Trains on a split: in epochs, in a seeded order, one update for each global batch; what is left over of an epoch is not used.
   *
   * @param data The same on every rank.
   * @returns The mean loss of every update, before it.
   * @throws NonFiniteError naming the layer and the rank, AbortedError on all ranks.
   */
  async fit(
    data: Split,
    { epochs, progress, signal, onUpdate }: FitOptions,
  ): Promise<{ readonly losses: readonly number[] }> {
    const { plan, program, control } = this.#parts;
    if (!(epochs > 0 && epochs < Infinity))
      throw new ArgumentError(`fit: epochs must be a number > 0, got ${epochs}.`);
    this.#check('fit', data);
    const perEpoch = Math.floor(data.size / plan.globalBatch);
    if (perEpoch === 0)
      throw new ArgumentError(
        `fit: the data must have at least globalBatch = ${plan.globalBatch} examples, got ${data.size}. Lower globalBatch.`,
      );
    const total = Math.round(epochs * perEpoch);
    const losses: number[] = [];
    while (this.#position.fitted < total) {
      const { fitted } = this.#position;
      const stop = Int32Array.of(signal?.aborted === true ? 1 : 0);
      await control.allReduce(stop, 'max');
      if (stop[0] === 1)
        throwIfAborted(
          signal?.aborted === true ? signal : AbortSignal.abort('another rank was stopped'),
          `fit (update ${fitted} of ${total})`,
        );
      const epoch = Math.floor(fitted / perEpoch);
      const order = plan.shuffle
        ? this.#random.stream('order').stream(epoch).permutation(data.size)
        : Int32Array.from({ length: data.size }, (_, i) => i);
      const at = (fitted % perEpoch) * plan.globalBatch;
      const loss = await this.#update(data, order.subarray(at, at + plan.globalBatch), total);
      this.#position = { ...this.#position, fitted: fitted + 1 };
      losses.push(loss);
      progress?.({ stage: `train ${program.model.name}`, done: fitted + 1, total, metrics: { loss } });
      await onUpdate?.({ step: fitted + 1, loss });
    }
    this.#position = { ...this.#position, fitted: 0 };
    return { losses };
  }

  /**
   * One update.
   *
   * @param batch The global batch, the same on every rank, of `globalBatch` examples; rank r takes the r-th part.
   * @returns The mean loss before the update, the same on every rank.
   * @throws NonFiniteError naming the layer and the rank; nothing was updated then.
   */
  async trainBatch(batch: Split): Promise<number> {
    const { globalBatch } = this.#parts.plan;
    this.#check('trainBatch', batch);
    if (batch.size !== globalBatch)
      throw new ArgumentError(`trainBatch: the batch must have globalBatch = ${globalBatch} examples, got ${batch.size}. Give the whole batch to every rank.`); // prettier-ignore
    return this.#update(
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
    const { plan, program, layout, data, control } = this.#parts;
    const [begin, end] = shareOfRank(layout, this.rank);
    const skip = plan.zero === 0 ? begin : 0;
    const cut = (values: Float32Array): Float32Array => values.slice(skip, skip + end - begin);
    await this.#fetch();
    const parameters = this.#share ? cut(this.#share) : await readFlat(layout, program.variables, begin, end);
    const arrays: Record<string, Float32Array> = { parameters };
    const common: Record<string, Float32Array> = {};
    let compressedRanks = 0;
    if (communicates(plan.optimizer)) {
      const saved = await gatherCompressedState(plan.optimizer, this.#state, layout, data);
      compressedRanks = saved.ranks;
      for (const [slot, values] of Object.entries(saved.arrays)) common[`compressed/${slot}`] = values;
    } else
      for (const [slot, values] of Object.entries(this.#state)) arrays[`optimizer/${slot}`] = cut(values);
    if (this.#parts.store) this.#state = {};
    for (const [i, variable] of program.state.entries())
      common[`state/${i}`] = (await variable.data<'float32'>()).slice();
    await writeCheckpoint(stores, control, layout, arrays, common, {
      optimizer: plan.optimizer.name,
      globalBatch: plan.globalBatch,
      position: { ...this.#position },
      run: {
        key: this.#random.getState().key,
        compressedRanks,
        ...(this.#scaling && { scaling: { ...this.#scaling } }),
      },
    });
  }

  /**
   * Goes on from a checkpoint, saved on any number of ranks at any stage: to the bit where those are the same. The next `fit` goes on
   * where the saved one was.
   *
   * @throws DataError on every rank for a missing or altered shard, or another model or optimizer.
   */
  async load(stores: CheckpointStores): Promise<void> {
    const { plan, program, layout, data, control } = this.#parts;
    const { begin, end } = this.#own;
    const whole = { begin: 0, end: layout.padded };
    const { meta, common, read } = await readCheckpoint(stores, control, layout, [
      plan.zero === 3 ? this.#own : whole,
    ]);
    const key = this.#random.getState().key.join();
    const examples = meta.position['fitted']! * meta.globalBatch;
    const { scaling, compressedRanks, ...run } = meta.run as {
      key: number[];
      scaling?: LossScaling;
      compressedRanks: number;
    };
    if (meta.optimizer !== plan.optimizer.name || run.key.join() !== key || examples % plan.globalBatch !== 0)
      throw new DataError(
        'checkpoint-mismatch',
        `load: the checkpoint is of a run with the optimizer ${meta.optimizer}, a global batch of ${meta.globalBatch} and ${run.key.join() === key ? 'this' : 'another'} seed, this one has ${plan.optimizer.name} and ${plan.globalBatch}. Use the same, and a global batch that divides the ${examples} examples that were seen.`,
      );
    const parameters = read('parameters', this.#own);
    if (communicates(plan.optimizer)) {
      const arrays = Object.fromEntries(Object.keys(plan.optimizer.slots).map((slot) => [slot, common[`compressed/${slot}`]!])); // prettier-ignore
      this.#state = restoreCompressedState(plan.optimizer, { ranks: compressedRanks, arrays }, layout, data);
      plan.optimizer.restore?.(
        { parameters, state: this.#state, begin, end, layout },
        meta.position['made']!,
      );
    } else
      this.#state = Object.fromEntries(
        plan.optimizer.slots.map((slot) => [slot, read(`optimizer/${slot}`, this.#own)]),
      );
    this.#share?.set(parameters);
    if (plan.zero < 3) await this.#write(parameters);
    if (this.#parts.store) await this.#putAway();
    for (const [i, variable] of program.state.entries()) fillVariable(variable, common[`state/${i}`]!);
    if (scaling && this.#scaling) this.#scaling = scaling;
    const { updates, made } = meta.position as unknown as EnginePosition;
    this.#position = { updates, made, fitted: examples / plan.globalBatch };
  }

  /** The model, with all its weights: gathered from the ranks at stage 3, brought together for compressed optimizers. */
  async model(): Promise<LayersModel> {
    const { plan, program, gather, layout, data } = this.#parts;
    const { optimizer } = plan;
    if (communicates(optimizer) && optimizer.synchronise && this.#position.made > 0) {
      const { begin, end } = this.#own;
      const parameters = await readFlat(layout, program.variables, begin, end);
      await optimizer.synchronise(
        { parameters, state: this.#state, begin, end, layout },
        { comm: data, step: this.#position.made },
      );
      await this.#write(parameters);
    }
    if (plan.zero === 3) for (const i of program.blocks.keys()) await gather!.finish(i, this.#share!);
    return program.model;
  }

  /** Bytes and updates so far. Not collective. */
  report(): EngineReport {
    const { plan, layout, data, control, gather, gradients } = this.#parts;
    return {
      rank: data.rank,
      ranks: data.size,
      zero: plan.zero,
      parameters: layout.length,
      padding: layout.padded - layout.length,
      bytes: this.#bytes(),
      buffers: { buckets: gradients.bufferBytes, gathers: gather?.bytes ?? 0 },
      activations: this.#peak.activations,
      peak: this.#peak.most,
      wire: data.ledger.toJSON(),
      sent: data.ledger.total().sent,
      control: control.ledger.total().sent,
      updates: this.#position.updates,
      skipped: this.#position.updates - this.#position.made,
      ...(this.#scaling && { lossScale: this.#scaling.scale }),
    };
  }

  /** Gives the model its weights and frees what is shared. The model is the caller's, as before. */
  async close(): Promise<void> {
    const { data, control, gather, gradients } = this.#parts;
    await this.model();
    await gradients.free();
    await gather?.free();
    if (this.#share) await data.free(this.#share);
    await data.close();
    await control.close();
  }

  #check(who: string, data: Split): void {
    const { loss } = this.#parts.plan;
    checkFit(who, this.#parts.program.model, data, typeof loss === 'function' ? {} : { loss });
  }

  async #update(data: Split, indexes: Int32Array, total: number): Promise<number> {
    const { plan, program, control, gradients } = this.#parts;
    const { accumulation, microBatch, ranks } = plan;
    const { updates, made } = this.#position;
    const before = buffersOf(program.state);
    const losses = new Float64Array(accumulation);
    const part = (m: number): Int32Array => {
      const at = (this.rank * accumulation + m) * microBatch;
      return indexes.subarray(at, at + microBatch);
    };
    const mode = (m: number): RunMode => ({
      training: true,
      random: this.#random,
      step: (updates * accumulation + m) * ranks + this.rank,
    });
    for (let m = 0; m < accumulation; m++) {
      const { x, y } = batchOf(data, part(m));
      try {
        gradients.begin(m === 0, m === accumulation - 1);
        losses[m] = await this.#microBatch(x, y, mode(m));
      } finally {
        dispose([x, y]);
      }
    }
    const sum = await gradients.sum();
    const bad = divide(
      sum,
      accumulation * (communicates(plan.optimizer) ? 1 : ranks) * (this.#scaling?.scale ?? 1),
    );
    const all = await control.allGather(Float64Array.of(...losses, bad < 0 ? -1 : this.#own.begin + bad), new Float64Array(ranks * (accumulation + 1))); // prettier-ignore
    const [loss, lossAt, gradientAt] = judge(all, accumulation);
    const finite = lossAt < 0 && gradientAt < 0;
    if (!finite && !this.#scaling) {
      if (lossAt < 0) throw this.#badGradient(gradientAt);
      const [rank, m] = [Math.floor(lossAt / accumulation), lossAt % accumulation];
      await this.#explain(
        rank,
        loss,
        rank === this.rank ? { ...batchOf(data, part(m)), mode: mode(m) } : undefined,
      );
    }
    if (finite) await this.#step(sum, plan.learningRate(updates, total));
    await averageWritten(control, program.state, before);
    if (this.#scaling) this.#scaling = afterStep(this.#scaling, finite);
    this.#position = { ...this.#position, updates: updates + 1, made: made + (finite ? 1 : 0) };
    return loss;
  }

  /** Forward and backward of one micro-batch; its gradients go to the store block by block. */
  async #microBatch(x: Tensor, y: Tensor, mode: RunMode): Promise<number> {
    const { plan, program, gradients } = this.#parts;
    const { zero, activationCheckpointing } = plan;
    const last = program.blocks.length - 1;
    const round = rounding(plan.precision);
    const batch = new MicroBatch(program, [x], mode, {
      recompute: (i) => activationCheckpointing && i < last,
      releaseVariables: zero === 3,
      scale: this.#scaling?.scale ?? 1,
    });
    try {
      for (let i = 0; i <= last; i++) {
        await this.#bring(i, i + 1);
        batch.forward(i);
        this.#peak.note(batch.held(), this.#gathered(i));
        this.#takeAway(i);
      }
      const terms = batch.loss(y, lossFunction(plan.loss));
      this.#peak.note(batch.held(), 0);
      let loss = 0;
      for (const [i, term] of terms.entries()) {
        const [value] = await term.data();
        loss = i === 0 ? value! : Math.fround(loss + value!);
      }
      dispose([...terms]);
      for (let i = last; i >= 0; i--) {
        await this.#bring(i, i - 1);
        const found = batch.backward(i);
        this.#peak.note(batch.held(), this.#gathered(i) + [...found.values()].reduce((sum, { size }) => sum + 4 * size, 0)); // prettier-ignore
        this.#takeAway(i);
        const parts = await Promise.all(
          [...found].map(async ([variable, gradient]) => {
            const values = await gradient.data<'float32'>();
            round?.(values);
            gradient.dispose();
            return { at: this.#offset(variable), values };
          }),
        );
        await gradients.add(this.#ranges[i]!, parts);
      }
      return loss;
    } finally {
      batch.dispose();
    }
  }

  #offset(variable: Variable): number {
    const { program, layout } = this.#parts;
    return layout.entries[program.variables.indexOf(variable)]!.offset;
  }

  /** At stage 3: fills the variables of a block, and starts to gather the next. */
  async #bring(i: number, next: number): Promise<void> {
    const { plan, program, gather } = this.#parts;
    if (plan.zero !== 3) return;
    await gather!.finish(i, this.#share!);
    if (next >= 0 && next < program.blocks.length) gather!.start(next, this.#share!);
  }

  #takeAway(i: number): void {
    const { plan, program } = this.#parts;
    if (plan.zero !== 3) return;
    const { variables, shared } = program.blocks[i]!;
    for (const variable of [...variables, ...shared]) releaseVariable(variable);
  }

  #gathered(i: number): number {
    const { plan, program } = this.#parts;
    if (plan.zero !== 3) return 0;
    const { variables, shared } = program.blocks[i]!;
    return [...variables, ...shared].reduce((sum, { size }) => sum + 4 * size, 0);
  }

  /** One update of this rank's part, and of the variables. */
  async #step(gradients: Float32Array, learningRate: number): Promise<void> {
    const { plan, program, layout, data, control, store } = this.#parts;
    const { begin, end } = this.#own;
    const parameters = this.#share ?? (await readFlat(layout, program.variables, begin, end));
    await this.#fetch();
    const slice = { parameters, state: this.#state, begin, end, layout };
    const step = this.#position.made + 1;
    const states = Object.values(this.#state).reduce((sum, { byteLength }) => sum + byteLength, 0);
    this.#peak.note(new Map(), (this.#share ? 0 : parameters.byteLength) + (store ? states : 0));
    if (communicates(plan.optimizer))
      await plan.optimizer.step(slice, gradients, { comm: data, step, learningRate });
    else {
      const sumOverSlices = async (partial: Float64Array): Promise<Float64Array> =>
        plan.zero === 0 ? partial : control.allReduce(partial);
      await plan.optimizer.step(slice, gradients, { step, learningRate, sumOverSlices });
    }
    if (store) await this.#putAway();
    if (plan.zero < 3) await this.#write(parameters);
  }

  /** Puts this rank's part of the parameters, and those of the others, into the variables. */
  async #write(parameters: Float32Array): Promise<void> {
    const { plan, program, layout, gather } = this.#parts;
    const round = rounding(plan.precision);
    if (plan.zero === 0) {
      const values = round ? parameters.slice() : parameters;
      round?.(values);
      eachEntry(layout, 0, layout.padded, (_, i, from, to) =>
        fillVariable(program.variables[i]!, values.subarray(from, to)),
      );
      return;
    }
    for (const i of program.blocks.keys()) {
      gather!.start(i, parameters);
      if (i + 1 < program.blocks.length) gather!.start(i + 1, parameters);
      await gather!.finish(i, parameters);
    }
  }

  async #fetch(): Promise<void> {
    const snapshot = await this.#parts.store?.read();
    if (snapshot) this.#state = snapshot.arrays as Record<string, Float32Array>;
  }

  async #putAway(): Promise<void> {
    await this.#parts.store!.write({ meta: {}, arrays: this.#state });
    this.#state = {};
  }

  async #explain(
    rank: number,
    loss: number,
    batch: { x: Tensor; y: Tensor; mode: RunMode } | undefined,
  ): Promise<never> {
    const { control, program } = this.#parts;
    try {
      return await throwNonFinite(
        'trainBatch',
        control,
        program,
        { rank, loss, ...(batch && { batch }) },
        {
          before: (i) => this.#bring(i, -1),
          after: (i) => this.#takeAway(i),
        },
      );
    } finally {
      if (batch) dispose([batch.x, batch.y]);
    }
  }

  #badGradient(at: number): NonFiniteError {
    const entry = this.#parts.layout.entries.findLast(({ offset }) => offset <= at)!;
    return new NonFiniteError(
      `trainBatch: the loss is finite, but the gradient of ${entry.name} is not, summed over all ranks. The parameters are those before this update. Lower the learning rate, or set lossScaling.`,
    );
  }

  #bytes(): EngineReport['bytes'] {
    const { plan, program, gradients } = this.#parts;
    const half = plan.precision === 'float32' ? 1 : 0.5;
    const variables = program.variables.reduce((sum, { size }) => sum + 4 * size, 0);
    const share = this.#share?.byteLength ?? 0;
    const states = Object.values(this.#state).reduce((sum, { byteLength }) => sum + byteLength, 0);
    const parameters = half * (plan.zero === 3 ? share : variables);
    const optimizer = states + (half < 1 ? share : 0);
    return {
      parameters,
      gradients: half * gradients.bytes,
      optimizer,
      total: parameters + half * gradients.bytes + optimizer,
    };
  }

  #persistent(): number {
    const { gather, gradients } = this.#parts;
    return this.#bytes().total + (gather?.bytes ?? 0) + gradients.bufferBytes;
  }
}

/** Divides in place; the first place that is not finite, or −1. */
function divide(values: Float32Array, by: number): number {
  let bad = -1;
  for (let i = 0; i < values.length; i++) {
    values[i] = values[i]! / by;
    if (bad < 0 && !Number.isFinite(values[i]!)) bad = i;
  }
  return bad;
}

/** The mean loss, or one that is not finite; where it is, by rank and micro-batch; where a gradient is not finite. −1 is nowhere. */
function judge(
  all: Float64Array,
  accumulation: number,
): readonly [loss: number, lossAt: number, gradientAt: number] {
  let [sum, count, gradientAt] = [0, 0, -1];
  for (let at = 0; at < all.length; at++) {
    const [rank, m] = [Math.floor(at / (accumulation + 1)), at % (accumulation + 1)];
    const value = all[at]!;
    if (m === accumulation) {
      if (value >= 0 && gradientAt < 0) gradientAt = value;
    } else if (!Number.isFinite(value)) return [value, rank * accumulation + m, gradientAt];
    else {
      sum += value;
      count += 1;
    }
  }
  return [sum / count, -1, gradientAt];
}

/** Gives every rank the values of rank 0. */
async function takeFromFirst(comm: Communicator, variables: readonly Variable[]): Promise<void> {
  if (comm.size === 1) return;
  for (const variable of variables) {
    const values = (await variable.data<'float32'>()).slice();
    await comm.broadcast(values);
    if (comm.rank > 0) fillVariable(variable, values);
  }
}
