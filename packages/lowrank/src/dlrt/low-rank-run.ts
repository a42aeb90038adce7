import type { LayersModel } from '@tensorflow/tfjs-layers';
import { DataError, type Split } from '@ockham/core';
import { replaceLayers, type NewLayer } from '@ockham/core/graph';
import { toRandom, type Random } from '@ockham/core/random';
import {
  toOptimizer,
  train,
  variableOf,
  type EpochRecord,
  type OptimizerSpec,
  type Snapshot,
} from '@ockham/core/training';
import { momentsFor } from './factor-moments.ts';
import { inTurns, type Paused } from './in-turns.ts';
import { regulariserOf, type LayerPlan } from './layer-plan.ts';
import { linearMapOf } from './linear-map.ts';
import type { LowRankLayer } from './low-rank-layer.ts';
import { MatrixFactors } from './matrix-factors.ts';
import type { DlrtOptions, DlrtRecord } from './options.ts';
import { reportOf, type DlrtLayer, type DlrtReport } from './report.ts';
import { startFactors } from './start-factors.ts';
import { startTucker } from './start-tucker.ts';
import { thinLayers } from './thin-layers.ts';
import { followsTrained, lowRankLayer, trainingModel } from './training-model.ts';
import type { Truncation } from './truncation.ts';
import { TuckerFactors } from './tucker-factors.ts';
import { tuckerLayers } from './tucker-layers.ts';

/** One layer in training. */
interface Part {
  readonly plan: LayerPlan;
  readonly layer: LowRankLayer;
  readonly factors: MatrixFactors | TuckerFactors;
  bounded: boolean;
}

const DEFAULT_RATES = { sgd: 0.01, momentum: 0.01, adam: 0.001 } as const;

async function factorsFor(
  plan: LayerPlan,
  { start }: DlrtOptions,
  spec: OptimizerSpec,
  random: Random,
  settings: { readonly decay: number; readonly needsInputGradient: boolean },
): Promise<MatrixFactors | TuckerFactors> {
  const { layer, outputs, inputs } = plan;
  if (plan.tucker) {
    const values = await startTucker(plan, plan.tucker, start, random);
    return new TuckerFactors(layer, values, spec, settings);
  }
  const values = await startFactors(plan, start, random);
  const map = linearMapOf(layer, layer.weights[0]!.shape as number[]);
  return new MatrixFactors(map, values, momentsFor(spec, [outputs, inputs], values.sigma.length), settings);
}

/** A training in low rank: the model in training and the factors of its layers. */
export class LowRankRun {
  private readonly plans: readonly LayerPlan[];
  private readonly options: DlrtOptions;
  private readonly spec: OptimizerSpec;
  readonly model: LayersModel;
  private readonly parts: readonly Part[];
  private rate: number;
  private discarded = 0;
  private history: DlrtRecord[] = [];

  private constructor(
    plans: readonly LayerPlan[],
    options: DlrtOptions,
    spec: OptimizerSpec,
    model: LayersModel,
    parts: readonly Part[],
  ) {
    this.plans = plans;
    this.options = options;
    this.spec = spec;
    this.model = model;
    this.parts = parts;
    this.rate = spec.learningRate ?? DEFAULT_RATES[spec.name];
  }

  static async start(
    model: LayersModel,
    plans: readonly LayerPlan[],
    options: DlrtOptions,
  ): Promise<LowRankRun> {
    const { optimizer = 'adam' } = options;
    const spec: OptimizerSpec = typeof optimizer === 'string' ? { name: optimizer } : optimizer;
    const random = toRandom(options.seed ?? 0).stream('dlrt');
    const chosen = plans.filter(({ dense }) => dense === undefined);
    const training = await trainingModel(model, chosen);
    const parts: Part[] = [];
    try {
      for (const plan of chosen) {
        const settings = {
          decay: regulariserOf(plan.layer).l2 ?? 0,
          needsInputGradient: followsTrained(model, plan.layer),
        };
        const factors = await factorsFor(plan, options, spec, random, settings);
        const low = lowRankLayer(training, plan.path);
        low.factors = factors;
        parts.push({ plan, layer: low, factors, bounded: false });
      }
    } catch (error) {
      for (const { factors } of parts) factors.dispose();
      training.dispose();
      throw error;
    }
    return new LowRankRun(plans, options, spec, training, parts);
  }

  async train(data: Split): Promise<readonly DlrtRecord[]> {
    const { epochs, learningRate, checkpoint, snapshotEvery, onEpoch } = this.options;
    const { loss, batchSize, seed, progress, signal } = this.options;
    const earlier = await checkpoint?.read();
    const resumeFrom = earlier && this.restore(earlier);
    const { optimizer } = toOptimizer(this.spec);
    try {
      await train(this.model, data, {
        epochs,
        optimizer,
        learningRate: (step, total) => (this.rate = learningRate?.(step, total) ?? this.rate),
        constraint: {
          gradients: (gradients) => {
            this.step();
            return gradients;
          },
        },
        onEpoch: async (record) => {
          this.history.push(this.record(record));
          await onEpoch?.(this.history.at(-1)!);
        },
        ...(checkpoint && { onSnapshot: async (snapshot) => checkpoint.write(await this.save(snapshot)) }),
        ...(resumeFrom && { resumeFrom }),
        ...(snapshotEvery !== undefined && { snapshotEvery }),
        ...(loss !== undefined && { loss }),
        ...(batchSize !== undefined && { batchSize }),
        ...(seed !== undefined && { seed }),
        ...(progress && { progress: (event) => progress({ ...event, stage: 'dlrt' }) }),
        ...(signal && { signal }),
      });
    } finally {
      optimizer.dispose();
    }
    await checkpoint?.remove();
    return this.history;
  }

  /** The ranks of the low-rank layers, by path; two in Tucker's form. */
  ranks(): Record<string, number> {
    return Object.fromEntries(
      this.parts.flatMap(({ plan: { path }, factors: { rank } }): [string, number][] =>
        typeof rank === 'number'
          ? [[path, rank]]
          : [
              [`${path}/in`, rank[0]],
              [`${path}/out`, rank[1]],
            ],
      ),
    );
  }

  report(): DlrtReport {
    return reportOf(
      this.plans.map(({ path, outputs, inputs, dense }): DlrtLayer => {
        const part = this.parts.find(({ plan }) => plan.path === path);
        const denseKernels = outputs * inputs;
        return {
          layer: path,
          outputs,
          inputs,
          rank: part?.factors.rank,
          breakEvenRank: denseKernels / (outputs + inputs),
          kernels: part?.factors.kernels ?? denseKernels,
          denseKernels,
          ...(dense !== undefined && { dense }),
          ...(part?.bounded && { bounded: true }),
        };
      }),
    );
  }

  /** The model in training with its factors written as ordinary layers; the caller disposes of it. */
  async compactModel(): Promise<LayersModel> {
    const taken = new Set(this.model.layers.map(({ name }) => name));
    const chains = new Map<string, readonly NewLayer[]>();
    for (const { plan, layer, factors } of this.parts) {
      const bias = (await variableOf(layer.weights[0]!).data()) as Float32Array;
      const made =
        factors instanceof TuckerFactors
          ? tuckerLayers(plan.layer, await factors.values(), bias, taken)
          : await thinLayers(plan.layer, await factors.values(), bias, taken);
      chains.set(plan.path, made);
    }
    return replaceLayers(this.model, chains);
  }

  dispose(): void {
    for (const { factors } of this.parts) factors.dispose();
    this.model.dispose();
  }

  /** Steps the factors by what the last pass back has left. */
  step(): void {
    const { parts, rate } = this;
    try {
      const truncations = inTurns(
        parts.map(({ factors, plan }): Paused<Pick<Truncation, 'discarded' | 'bounded'>> =>
          factors instanceof TuckerFactors
            ? factors.stages(rate, plan.tucker!)
            : factors.stages(rate, plan.rule),
        ),
      );
      for (const [i, { discarded, bounded }] of truncations.entries()) {
        const part = parts[i]!;
        part.bounded = bounded && part.plan.rule.tolerance > 0;
        this.discarded = Math.max(this.discarded, discarded);
      }
    } finally {
      for (const { factors } of parts) factors.forget();
    }
  }

  private record({ epoch, loss, steps }: EpochRecord): DlrtRecord {
    const { discarded } = this;
    this.discarded = 0;
    return { epoch, loss, steps, ranks: this.ranks(), kernels: this.report().kernels, discarded };
  }

  /** Tells runs apart, beyond what `train` tells. */
  private identity(): string {
    const { tolerance, norm } = this.options;
    const rules = this.parts.map(({ plan }) => [plan.path, plan.tucker ?? plan.rule]);
    return JSON.stringify({ spec: this.spec, tolerance, norm, rules });
  }

  private async save(training: Snapshot): Promise<Snapshot> {
    const factors = [];
    const arrays: Record<string, Snapshot['arrays'][string]> = {};
    for (const [i, part] of this.parts.entries()) {
      const snapshot = await part.factors.save();
      factors.push(snapshot.meta);
      for (const [name, values] of Object.entries(snapshot.arrays)) arrays[`factors/${i}/${name}`] = values;
    }
    const { history, discarded } = this;
    return {
      meta: {
        kind: 'ockham-dlrt',
        identity: this.identity(),
        training: training.meta,
        factors,
        history,
        discarded,
      },
      arrays: { ...training.arrays, ...arrays },
    };
  }

  /** Puts the factors back and returns the snapshot of `train`. */
  private restore({ meta, arrays }: Snapshot): Snapshot {
    if (meta['kind'] !== 'ockham-dlrt' || meta['identity'] !== this.identity()) {
      throw new DataError(
        'checkpoint-mismatch',
        `dlrt: the checkpoint is of another run (${String(meta['identity'] ?? meta['kind'])}), this one is ${this.identity()}. Use the same model and options, or remove the checkpoint.`,
      );
    }
    for (const [i, { factors }] of this.parts.entries()) {
      const prefix = `factors/${i}/`;
      const own = Object.entries(arrays).filter(([name]) => name.startsWith(prefix));
      factors.restore({
        meta: (meta['factors'] as Snapshot['meta'][])[i]!,
        arrays: Object.fromEntries(own.map(([name, values]) => [name.slice(prefix.length), values])),
      });
    }
    this.history = [...(meta['history'] as DlrtRecord[])];
    this.discarded = meta['discarded'] as number;
    return { meta: meta['training'] as Snapshot['meta'], arrays };
  }
}
