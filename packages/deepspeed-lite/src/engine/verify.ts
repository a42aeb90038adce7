/** Is a parallel run right? It is compared with one rank, in three ways. */
import { ArgumentError, type Split } from '@ockham/core';
import { simulate } from '@ockham/core/comm';
import { cloneModel } from '@ockham/core/models';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { cutModel } from '../program/cut-model.ts';
import { flatLayout } from '../zero/flat-layout.ts';
import { readFlat } from '../zero/flat-variables.ts';
import { checkConfig, communicates, type EngineConfig } from './config.ts';
import { initialize } from './initialize.ts';
import { trainInSequence, type Sequence } from './sequence.ts';

/** Options of {@link verify}. */
export interface VerifyOptions {
  /** Updates. Default 5. */
  readonly steps?: number;
  /** Ranks, all in this thread. Default those of the mesh where its data axis is given, else 2 along that. */
  readonly ranks?: number;
}

/** How far two runs are apart. */
export interface Difference {
  /** max over the updates of |Δloss|. */
  readonly loss: number;
  /** The same, relative to the loss, over the first 5 updates. */
  readonly relativeLossAtFirst: number;
  /** |Δloss| of the last update. */
  readonly lastLoss: number;
  /** max |Δθ| in the end. */
  readonly parameters: number;
}

/** What {@link verify} finds. */
export interface VerifyReport {
  /** Updates that were compared. */
  readonly steps: number;
  /** Number of ranks. */
  readonly ranks: number;
  /** The parallel run's mean losses before each update. */
  readonly losses: readonly number[];
  /** From one rank that does the same sharded arithmetic in the same order. All zeros: the run is right to the bit. */
  readonly fromSequence: Difference;
  /** From one rank that takes each global batch at once: what rounding makes of other sums, and batch normalisation of other batches. */
  readonly fromOrdinary: Difference;
  /** Of that sequence, unsplit and with its sums in the reverse order, from the ordinary run: the drift that rounding alone makes. */
  readonly drift: Difference;
}

/**
 * Makes the same updates on copies of a model: by ranks that run the engine, by one rank that does the same arithmetic, and by one that
 * takes each batch at once.
 *
 * @param model Unchanged.
 * @throws ArgumentError for compressed optimizers, whose arithmetic has no one-rank form, for 16-bit storage and loss scaling.
 *
 * @example
 * const { fromSequence } = await verify(model, { zero: 3, microBatch: 8 }, data.train, { ranks: 4 });
 * console.log(fromSequence.parameters); // 0
 */
export async function verify(
  model: LayersModel,
  config: EngineConfig,
  data: Split,
  { steps = 5, ranks = ranksOf(config) }: VerifyOptions = {},
): Promise<VerifyReport> {
  if (!(Number.isInteger(steps) && steps >= 1))
    throw new ArgumentError(`verify: steps must be an integer ≥ 1, got ${steps}.`);
  const plan = checkConfig('verify', config, { size: ranks });
  if (communicates(plan.optimizer) || plan.precision !== 'float32' || plan.lossScaling)
    throw new ArgumentError(
      'verify: compares float32 training with optimizers that do not communicate, got a compressed one, 16-bit storage or loss scaling. Verify the same configuration without it.',
    );
  const perEpoch = Math.floor(data.size / plan.globalBatch);
  if (perEpoch === 0)
    throw new ArgumentError(`verify: the data must have at least globalBatch = ${plan.globalBatch} examples, got ${data.size}.`); // prettier-ignore
  const parallel = await onRanks(model, config, data, steps, ranks, perEpoch);
  const alone = async (overrides: object, reversed = false): Promise<Sequence> => {
    const copy = await cloneModel(model);
    const result = await trainInSequence(copy, { ...plan, ...overrides }, data, { steps, reversed });
    copy.dispose();
    return result;
  };
  const sequence = await alone({});
  const ordinary = await alone({ ranks: 1, accumulation: 1, microBatch: plan.globalBatch, mesh: { data: 1, tensor: 1, pipeline: 1 } }); // prettier-ignore
  const unsplit = { ...plan.mesh, tensor: 1, pipeline: 1 };
  const reordered = await alone({ mesh: unsplit }, true);
  return {
    steps,
    ranks,
    losses: parallel.losses,
    fromSequence: difference(parallel, sequence),
    fromOrdinary: difference(parallel, ordinary),
    drift: difference(reordered, ordinary),
  };
}

function ranksOf({ mesh: { data = 2, tensor = 1, pipeline = 1 } = {} }: EngineConfig): number {
  return data * tensor * pipeline;
}

async function onRanks(
  model: LayersModel,
  config: EngineConfig,
  data: Split,
  steps: number,
  ranks: number,
  perEpoch: number,
): Promise<Sequence> {
  const { results } = await simulate(ranks, async ({ comm }) => {
    const copy = await cloneModel(model);
    const engine = await initialize(copy, config, { comm });
    const { losses } = await engine.fit(data, { epochs: steps / perEpoch });
    await engine.close();
    const { variables } = cutModel(copy, { at: 'none' });
    const layout = flatLayout(variables, 1);
    const parameters = await readFlat(layout, variables, 0, layout.length);
    copy.dispose();
    return { losses, parameters };
  });
  for (const [rank, { losses, parameters }] of results.entries()) {
    const apart = difference({ losses, parameters }, results[0]!);
    if (apart.loss > 0 || apart.parameters > 0)
      throw new Error(`verify: all ranks must have the same bits, but rank ${rank} differs from rank 0.`);
  }
  return results[0]!;
}

function difference(a: Sequence, b: Sequence): Difference {
  const losses = a.losses.map((loss, i) => Math.abs(loss - b.losses[i]!));
  const first = losses
    .slice(0, 5)
    .map((each, i) => each / Math.max(Math.abs(b.losses[i]!), Number.MIN_VALUE));
  let parameters = 0;
  for (let i = 0; i < a.parameters.length; i++)
    parameters = Math.max(parameters, Math.abs(a.parameters[i]! - b.parameters[i]!));
  return {
    loss: Math.max(...losses),
    relativeLossAtFirst: Math.max(...first),
    lastLoss: losses.at(-1)!,
    parameters,
  };
}
