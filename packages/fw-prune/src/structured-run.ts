import type { LayersModel } from '@tensorflow/tfjs-layers';
import { NothingChangedError, throwIfAborted, type Split } from '@ockham/core';
import { removeChannels, traceChannels, type LayerChange, type ResidualBranch } from '@ockham/core/graph';
import { countFlops, evaluate, type ModelComparison } from '@ockham/core/metrics';
import { toRandom, type Random } from '@ockham/core/random';
import {
  distillationFrom,
  type Distillation,
  restoreWeights,
  saveWeights,
  train,
  type Snapshot,
  type TrainResult,
} from '@ockham/core/training';
import { identityOf } from './checkpoint.ts';
import type { PruneData } from './prune-data.ts';
import { compareBeforeAfter } from './report.ts';
import { removeBlocks, type BlocksRemoved } from './structured-blocks.ts';
import {
  packStructured,
  removeAgain,
  unpackStructured,
  type Removed,
  type StructuredState,
} from './structured-checkpoint.ts';
import { costsOf } from './structured-costs.ts';
import { importanceOf, shrinkValues, type ValuesByWeight } from './structured-importance.ts';
import type {
  StructuredCounts,
  StructuredOptions,
  StructuredRecord,
  StructuredResult,
  StructuredSettings,
} from './structured-options.ts';
import { freeGroups, noFreeGroup, planFrom, type StructuredPlan } from './structured-plan.ts';
import { checkReachable, floorsOf, selectChannels, type Floors, type Goal } from './structured-selection.ts';

/** One structured pruning, or the plan of one. The given model stays as it was. */
export class StructuredRun {
  readonly #original: LayersModel;
  readonly #data: PruneData;
  readonly #settings: StructuredSettings;
  readonly #options: StructuredOptions;
  readonly #random: Random;
  /** Owned here, unless it is the given model. */
  #model: LayersModel;
  #gradient: ValuesByWeight = new Map();
  #floors: Floors | undefined;
  #changes: LayerChange[] = [];
  #history: readonly StructuredRecord[] = [];

  constructor(model: LayersModel, data: PruneData, settings: StructuredSettings, options: StructuredOptions) {
    this.#original = model;
    this.#model = model;
    this.#data = data;
    this.#settings = settings;
    this.#options = options;
    this.#random = toRandom(options.seed ?? 0).stream('prune-structured');
  }

  async plan(): Promise<StructuredPlan> {
    try {
      const blocks = await this.#removeBlocks();
      const removals = this.#settings.budget ? await this.#choose(1, 1) : new Map<string, number[]>();
      return await planFrom(this.#original, this.#model, removals, blocks, this.#settings);
    } finally {
      this.#release();
    }
  }

  async #report(): Promise<ModelComparison | undefined> {
    const { report: wanted = {}, signal } = this.#options;
    const { loss } = this.#settings.retrain;
    return wanted
      ? compareBeforeAfter(this.#original, this.#model, this.#data, loss, wanted, signal)
      : undefined;
  }

  async run(): Promise<StructuredResult> {
    const { iterations } = this.#settings;
    const { signal, onIteration, checkpoint } = this.#options;
    try {
      const before = await this.#originalCounts();
      const identity = checkpoint
        ? await identityOf(this.#original, this.#settings, this.#data.train, this.#random)
        : '';
      const save = async (state: Pick<StructuredState, 'iteration' | 'weights' | 'under'>) =>
        checkpoint?.write(
          packStructured(identity, { history: this.#history, gradient: this.#gradient, ...state }),
        );
      const earlier = await checkpoint?.read();
      const found = earlier && (await this.#resume(unpackStructured(identity, earlier)));
      let under = found?.under;
      let iteration = found?.iteration ?? 1;
      for (; iteration <= iterations; iteration++, under = undefined) {
        throwIfAborted(signal, `pruneStructured (iteration ${iteration} of ${iterations})`);
        const removed = under?.removed ?? (await this.#shrink(iteration));
        const retrained =
          this.#model === this.#original
            ? undefined
            : await this.#retrain(iteration, under?.training, (training) =>
                save({ iteration, under: { removed, training } }),
              );
        const record = await this.#record(iteration, removed, retrained);
        this.#history = [...this.#history, record]; // a snapshot may hold the former
        if (checkpoint && iteration < iterations)
          await save({ iteration: iteration + 1, weights: await saveWeights(this.#model) });
        await onIteration?.(record);
      }
      if (this.#model === this.#original) {
        throw new NothingChangedError(
          'pruneStructured: the budget is less than one channel, so nothing was removed. Ask for more.',
        );
      }
      const after = await countsOf(this.#model, this.#settings);
      const report = await this.#report();
      await checkpoint?.remove(); // last: what fails before can be resumed
      return {
        model: this.#model,
        removed: joined(this.#changes),
        counts: { before, after },
        history: this.#history,
        ...(report && { report }),
      };
    } catch (error) {
      this.#release();
      throw error;
    }
  }

  /** Makes the model of an earlier run again, weights included. */
  async #resume(state: StructuredState): Promise<Pick<StructuredState, 'iteration' | 'under'>> {
    const { iteration, history, gradient, weights, under } = state;
    const steps: Removed[] = history.map(({ blocksRemoved, channelsRemoved }) => ({
      blocks: blocksRemoved,
      channels: channelsRemoved,
    }));
    for (const step of under ? [...steps, under.removed] : steps) {
      const { model, changes } = await removeAgain(this.#model, step, (shallower) => {
        const groups = freeGroups(shallower, traceChannels(shallower), this.#settings);
        this.#floors ??= floorsOf(groups, this.#settings);
      });
      if (model !== this.#model) this.#replace(model, changes);
    }
    if (weights && this.#model !== this.#original) restoreWeights(this.#model, weights, 'pruneStructured');
    this.#history = history;
    this.#gradient = gradient;
    return { iteration, ...(under && { under }) };
  }

  /** Blocks and channels of one iteration. */
  async #shrink(iteration: number): Promise<Removed> {
    const { iterations, budget } = this.#settings;
    const blocks = iteration === 1 ? await this.#removeBlocks() : [];
    const removals = budget ? await this.#choose(iteration, iterations) : new Map<string, number[]>();
    if (removals.size > 0) await this.#remove(removals);
    return { blocks, channels: Object.fromEntries(removals) };
  }

  #replace(model: LayersModel, changes: readonly LayerChange[]): void {
    this.#release();
    this.#model = model;
    this.#changes.push(...changes);
  }

  #release(): void {
    if (this.#model !== this.#original) this.#model.dispose();
    this.#model = this.#original;
  }

  async #removeBlocks(): Promise<readonly ResidualBranch[]> {
    if (this.#settings.layers === 0) return [];
    const random = this.#random.stream('blocks');
    const found: BlocksRemoved = await removeBlocks(
      this.#model,
      this.#data.train,
      this.#settings,
      random,
      this.#options.signal,
    );
    this.#replace(found.model, found.removed);
    this.#floors = undefined; // groups may have merged
    return found.blocks;
  }

  /** The channels to remove now, so that iteration `iteration` of `iterations` reaches its share of the budget. */
  async #choose(iteration: number, iterations: number): Promise<Map<string, number[]>> {
    const settings = this.#settings;
    const { kind, fraction } = settings.budget!;
    const graph = traceChannels(this.#model);
    const groups = freeGroups(this.#model, graph, settings);
    if (groups.length === 0) throw noFreeGroup(this.#model, graph, settings);
    const whole = (await this.#originalCounts())[kind];
    const goalAt = (share: number): Goal => ({
      kind,
      left: kind === 'flops' ? (1 - share) * whole : whole - Math.round(share * whole),
    });
    const costs = await costsOf(this.#model, graph);
    if (this.#floors === undefined) {
      this.#floors = floorsOf(groups, settings);
      checkReachable(groups, costs, this.#floors, goalAt(fraction));
    }
    const goal = goalAt((fraction * iteration) / iterations);
    const random = this.#random.stream('importance').stream(iteration);
    const { train: split } = this.#data;
    const former = this.#gradient;
    const { importance, gradient } = await importanceOf(
      this.#model,
      groups,
      split,
      settings,
      random,
      former,
      this.#options.signal,
    );
    const removals = selectChannels(groups, importance, costs, this.#floors, goal, settings);
    this.#gradient = iteration === iterations ? new Map() : shrinkValues(gradient, graph, removals);
    return removals;
  }

  #counts: StructuredCounts | undefined;
  async #originalCounts(): Promise<StructuredCounts> {
    this.#counts ??= await countsOf(this.#original, this.#settings);
    return this.#counts;
  }

  async #remove(removals: ReadonlyMap<string, readonly number[]>): Promise<void> {
    const { model, removed } = await removeChannels(this.#model, removals);
    this.#replace(model, removed);
  }

  #distilled: Distillation | undefined;
  async #distillation(): Promise<Distillation | undefined> {
    const { distill, loss } = this.#settings.retrain;
    if (distill === undefined) return undefined;
    const { train: split } = this.#data;
    this.#distilled ??= await distillationFrom(this.#original, split, loss, distill, this.#options.signal);
    return this.#distilled;
  }

  async #retrain(
    iteration: number,
    resumeFrom: Snapshot | undefined,
    onSnapshot: (snapshot: Snapshot) => Promise<void>,
  ): Promise<TrainResult | undefined> {
    const { retrain, iterations } = this.#settings;
    const { epochs, batchSize, optimizer, learningRate } = retrain;
    if (epochs === 0) return undefined;
    const { progress, signal, checkpoint, snapshotEvery } = this.#options;
    const distillation = await this.#distillation();
    const data: Split = distillation?.data ?? this.#data.train;
    const steps = Math.round(epochs * Math.ceil(data.size / batchSize));
    const rate = typeof learningRate === 'number' ? () => learningRate : learningRate;
    const stage = `prune ${iteration}/${iterations}`;
    return train(this.#model, data, {
      epochs,
      batchSize,
      loss: distillation?.loss ?? retrain.loss,
      seed: this.#random.stream('retrain').stream(iteration),
      ...(optimizer && { optimizer }),
      ...(rate && { learningRate: (step) => rate((iteration - 1) * steps + step, iterations * steps) }),
      ...(progress && { progress: (event) => progress({ ...event, stage }) }),
      ...(signal && { signal }),
      ...(checkpoint && { onSnapshot }),
      ...(checkpoint && snapshotEvery !== undefined && { snapshotEvery }),
      ...(resumeFrom && { resumeFrom }),
    });
  }

  async #record(
    iteration: number,
    removed: Removed,
    retrained: TrainResult | undefined,
  ): Promise<StructuredRecord> {
    const loss = retrained?.epochs.at(-1)?.loss;
    const { test } = this.#data;
    const tested = test && (await evaluate(this.#model, test, { loss: this.#settings.retrain.loss }));
    return {
      iteration,
      ...(await countsOf(this.#model, this.#settings)),
      channelsRemoved: removed.channels,
      blocksRemoved: removed.blocks,
      ...(loss !== undefined && { loss }),
      ...(tested && Number.isFinite(tested.accuracy) && { accuracy: tested.accuracy }),
      ...(tested && { testLoss: tested.loss }),
    };
  }
}

async function countsOf(model: LayersModel, settings: StructuredSettings): Promise<StructuredCounts> {
  const { flops, unknown } = await countFlops(model);
  const groups = freeGroups(model, traceChannels(model), settings);
  const channels = groups.reduce((sum, { size }) => sum + size, 0);
  return { parameters: model.countParams(), flops, channels, unknownFlops: unknown };
}

/** One change per layer: from what it was at first to what it is at last. */
function joined(changes: readonly LayerChange[]): LayerChange[] {
  const byLayer = new Map<string, LayerChange>();
  for (const change of changes) {
    const first = byLayer.get(change.layer) ?? change;
    const since = (key: 'inputChannels' | 'outputChannels' | 'parameters') => ({
      before: first[key].before,
      after: change[key].after,
    });
    byLayer.set(change.layer, {
      ...change,
      inputChannels: since('inputChannels'),
      outputChannels: since('outputChannels'),
      parameters: since('parameters'),
    });
  }
  return [...byLayer.values()];
}
