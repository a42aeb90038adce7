/**
 * Structured pruning: channels, filters, neurons and residual blocks are removed, not masked.
 *
 * Source: the paper's section 7, "Structured Pruning"; channels are coupled as in Fang et al. 2023, "DepGraph:
 * Towards any structural pruning".
 * Deviations: none from an algorithm, since the paper names the idea only; the criteria stand at
 * {@link StructuredCriterion}.
 */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { NothingChangedError, throwIfAborted, type Split } from '@ockham/core';
import { removeChannels, traceChannels, type LayerChange, type ResidualBranch } from '@ockham/core/graph';
import { countFlops, evaluate, type ModelComparison } from '@ockham/core/metrics';
import { toRandom, type Random } from '@ockham/core/random';
import { train, type TrainResult } from '@ockham/core/training';
import { checkPruneData, type PruneData } from './prune-data.ts';
import { checkExclude } from './prunable.ts';
import { removeBlocks, type BlocksRemoved } from './structured-blocks.ts';
import { costsOf } from './structured-costs.ts';
import { distillationFrom, type Distillation } from './structured-distillation.ts';
import { compareBeforeAfter } from './report.ts';
import { importanceOf, shrinkValues, type ValuesByWeight } from './structured-importance.ts';
import {
  structuredSettings,
  type StructuredCounts,
  type StructuredOptions,
  type StructuredRecord,
  type StructuredResult,
  type StructuredSettings,
} from './structured-options.ts';
import { freeGroups, noFreeGroup, planFrom, type StructuredPlan } from './structured-plan.ts';
import { checkReachable, floorsOf, selectChannels, type Floors, type Goal } from './structured-selection.ts';

/**
 * Makes a model smaller and faster: removes the least important coupled channels, neurons or residual blocks,
 * and retrains what is left. The given model stays as it was.
 *
 * The budget is met exactly in channels, and with the first removal that reaches it in FLOPs. Several
 * iterations approach it in equal steps.
 *
 * @param model A trained model with one input and one output.
 * @param data Training examples; with a test split the history has accuracies. The test split decides nothing.
 * @throws ArgumentError for options out of range, a budget that the floors do not allow, data that does not fit.
 * @throws UnsupportedModelError if no channel can be removed, or fewer blocks than asked for.
 * @throws NothingChangedError if nothing would be removed.
 * @throws AbortedError when the signal fires.
 *
 * @example
 * const { model: faster, report } = await pruneStructured(model, data, { flops: 0.5, retrain: { epochs: 2 }, seed: 7 });
 */
export async function pruneStructured(
  model: LayersModel,
  data: PruneData,
  options: StructuredOptions & { dryRun: true },
): Promise<StructuredPlan>;
export async function pruneStructured(
  model: LayersModel,
  data: PruneData,
  options: StructuredOptions & { dryRun?: false },
): Promise<StructuredResult>;
export async function pruneStructured(
  model: LayersModel,
  data: PruneData,
  options: StructuredOptions,
): Promise<StructuredResult | StructuredPlan>;
export async function pruneStructured(
  model: LayersModel,
  data: PruneData,
  options: StructuredOptions,
): Promise<StructuredResult | StructuredPlan> {
  const settings = structuredSettings(options);
  checkPruneData('pruneStructured', model, data, settings.retrain.loss);
  checkExclude('pruneStructured', model, settings.exclude);
  throwIfAborted(options.signal, 'pruneStructured');
  const run = new StructuredRun(model, data, settings, options);
  return options.dryRun ? run.plan() : run.run();
}

class StructuredRun {
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
    const { iterations, budget } = this.#settings;
    const { signal, onIteration } = this.#options;
    const history: StructuredRecord[] = [];
    try {
      const before = await this.#originalCounts();
      for (let iteration = 1; iteration <= iterations; iteration++) {
        throwIfAborted(signal, `pruneStructured (iteration ${iteration} of ${iterations})`);
        const blocks = iteration === 1 ? await this.#removeBlocks() : [];
        const removals = budget ? await this.#choose(iteration, iterations) : new Map<string, number[]>();
        if (removals.size > 0) await this.#remove(removals);
        const retrained = this.#model === this.#original ? undefined : await this.#retrain(iteration);
        const record = await this.#record(iteration, removals, blocks, retrained);
        history.push(record);
        await onIteration?.(record);
      }
      if (this.#model === this.#original) {
        throw new NothingChangedError(
          'pruneStructured: the budget is less than one channel, so nothing was removed. Ask for more.',
        );
      }
      const after = await countsOf(this.#model, this.#settings);
      const report = await this.#report();
      return {
        model: this.#model,
        removed: joined(this.#changes),
        counts: { before, after },
        history,
        ...(report && { report }),
      };
    } catch (error) {
      this.#release();
      throw error;
    }
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

  async #retrain(iteration: number): Promise<TrainResult | undefined> {
    const { retrain, iterations } = this.#settings;
    const { epochs, batchSize, optimizer, learningRate } = retrain;
    if (epochs === 0) return undefined;
    const { progress, signal } = this.#options;
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
    });
  }

  async #record(
    iteration: number,
    removals: ReadonlyMap<string, readonly number[]>,
    blocksRemoved: readonly ResidualBranch[],
    retrained: TrainResult | undefined,
  ): Promise<StructuredRecord> {
    const loss = retrained?.epochs.at(-1)?.loss;
    const { test } = this.#data;
    const tested = test && (await evaluate(this.#model, test, { loss: this.#settings.retrain.loss }));
    return {
      iteration,
      ...(await countsOf(this.#model, this.#settings)),
      channelsRemoved: Object.fromEntries(removals),
      blocksRemoved,
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
