/**
 * MoQ, mixture of quantisation: a quantisation-aware training that starts at many bits and takes them away one by one, soon where
 * the loss is flat and late where it bends; with a budget of size, how many each layer keeps is chosen too.
 *
 * Paper: section 3.6.3. Source: DeepSpeed's MoQ for the schedule; HAWQ-V2 (Dong et al. 2020) for the cost of a width,
 * ½ λ ‖Q(w) − w‖², λ the curvature.
 * Deviations: the curvature is measured once, before training, not at every epoch; half precision is not mixed in.
 */
import { mul, norm, square, sub, tidy } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ArgumentError, NothingChangedError, type Split } from '@ockham/core';
import { checkFit, type Layer, type SnapshotStore, type TrainOptions } from '@ockham/core/training';
import { fakeQuantize, type Grid } from '../grid.ts';
import type { QuantizableWeight } from '../quantizable.ts';
import { isStored } from './any-width.ts';
import { bitSchedule, periodFactors, type BitSchedule } from './bit-schedule.ts';
import { layerCurvatures, type CurvatureOptions } from './curvature.ts';
import { chooseBits } from './mixed-bits.ts';
import { asMatrix, layoutOf, QuantizedForward, someQuantizable } from './quantized-forward.ts';
import { trainThrough, type TrainQuantizedOptions, type TrainQuantizedResult } from './train-quantized.ts';

/** How many bits weights have in the end. */
export type MoqTarget =
  | (8 | 4 | 3 | 2)
  | {
      /** Mean over the quantised weights, at most. */
      readonly meanBits: number;
      /** Widths that a layer may have. Default 8, 4, 3 and 2. */
      readonly choices?: readonly (8 | 4 | 3 | 2)[];
    };

/** Options of {@link trainMoq}: those of {@link TrainQuantizedOptions}, but a schedule in the place of `weights`. */
export interface MoqOptions extends Omit<TrainQuantizedOptions, 'weights'> {
  /** Bits at the end. */
  readonly target: MoqTarget;
  /** Bits at the first step, in [target, 16]. Default 8. */
  readonly start?: number;
  /** Steps before the first bit of the flattest layer goes, > 0. Default: so that every layer is done by two thirds of the run. */
  readonly period?: number;
  /** How many times as long the next width is kept, ≥ 1. Default 2, as of DeepSpeed. */
  readonly growth?: number;
  /** What shares a scale. Default `channel`. */
  readonly granularity?: Grid['granularity'];
  /** Which layers are quantised. Default all that can be. */
  readonly only?: (path: string, layer: Layer) => boolean;
  /** How the curvature is measured; false for one schedule for all layers. A budget needs it. Default `{}`. */
  readonly curvature?: false | Omit<CurvatureOptions, 'loss' | 'paths' | 'signal' | 'progress'>;
}

/** How one layer's bits went. */
export interface MoqLayer {
  /** Path of the layer. */
  readonly path: string;
  /** Values of its weights. */
  readonly parameters: number;
  /** None where it was not measured. */
  readonly eigenvalue?: number;
  /** Of its periods. */
  readonly factor: number;
  /** Bits at the end. */
  readonly bits: number;
  /** The first step at these bits. */
  readonly settled: number;
}

/** What {@link trainMoq} returns. */
export interface MoqResult extends TrainQuantizedResult {
  /** How each layer's bits went. */
  readonly plan: readonly MoqLayer[];
  /** Over the quantised weights. */
  readonly meanBits: number;
}

/**
 * Trains a model in place with MoQ. When it returns, the weights lie on their grids, as after `trainQuantized`.
 *
 * With a checkpoint, the plan is kept beside the weights: a run that is resumed does not measure the curvature again.
 *
 * @throws ArgumentError for options out of range, a budget that the smallest widths exceed, or a run too short to reach the
 *   target; NothingChangedError where no layer is chosen; else as `train`.
 *
 * @example
 * const { plan, meanBits } = await trainMoq(model, data.train, { epochs: 3, target: { meanBits: 5 }, seed: 7 });
 */
export async function trainMoq(model: LayersModel, data: Split, options: MoqOptions): Promise<MoqResult> {
  const { target, start = 8, period, growth, granularity, only, curvature, ...rest } = options;
  const { activations, learnedScales, distill, ...training } = rest;
  const who = 'trainMoq';
  const chosen = someQuantizable(who, model).filter(({ path, layer }) => only?.(path, layer) ?? true);
  if (chosen.length === 0)
    throw new NothingChangedError(`${who}: no layer of ${model.name} is to be quantised. Let only() accept at least one.`); // prettier-ignore
  checkFit(who, model, data, { loss: training.loss ?? 'crossEntropy' });
  const steps = stepsOf(data, training);
  const grids = { ...(granularity !== undefined && { granularity }) };
  const schedule = {
    start,
    ...(period !== undefined && { period }),
    ...(growth !== undefined && { growth }),
  };
  checkTarget(who, target, start, curvature);
  const kept = await training.checkpoint?.read();
  const known = (training.resumeFrom ?? kept)?.meta['moq'] as readonly MoqLayer[] | undefined;
  const plan = known ?? (await makePlan(model, data, chosen, grids, target, schedule, steps, options));
  const schedules = new Map(plan.map((layer) => [layer.path, scheduleOf(layer, plan, schedule, steps)]));
  const forward = new QuantizedForward(
    model,
    {
      weights: (path) => (schedules.has(path) ? { ...grids, bits: 8 } : undefined),
      ...(activations !== undefined && { activations }),
      ...(learnedScales !== undefined && { learnedScales }),
    },
    who,
  );
  try {
    const { onSnapshot, checkpoint } = training;
    const result = await trainThrough(
      who,
      forward,
      model,
      data,
      {
        ...training,
        onStep: (step, total) => {
          for (const [path, bits] of schedules) forward.setBits(path, bits(step));
          training.onStep?.(step, total);
        },
        ...(onSnapshot && {
          onSnapshot: (snapshot) => onSnapshot({ ...snapshot, meta: { ...snapshot.meta, moq: plan } }),
        }),
        ...(checkpoint && { checkpoint: withPlan(checkpoint, plan) }),
      },
      distill,
    );
    const parameters = plan.reduce((sum, layer) => sum + layer.parameters, 0);
    const meanBits = plan.reduce((sum, layer) => sum + layer.bits * layer.parameters, 0) / parameters;
    return { ...result, plan, meanBits };
  } finally {
    forward.remove();
  }
}

async function makePlan(
  model: LayersModel,
  data: Split,
  chosen: readonly QuantizableWeight[],
  grids: Pick<Grid, 'granularity'>,
  target: MoqTarget,
  schedule: Schedule,
  steps: number,
  { curvature = {}, loss, signal, progress, seed }: MoqOptions,
): Promise<MoqLayer[]> {
  const measured =
    curvature &&
    (await layerCurvatures(model, data, {
      ...(seed !== undefined && { seed }),
      ...curvature,
      ...(loss !== undefined && { loss }),
      ...(signal && { signal }),
      ...(progress && { progress }),
      paths: chosen.map(({ path }) => path),
    }));
  const factors = measured
    ? periodFactors(measured.map(({ eigenvalue }) => eigenvalue))
    : chosen.map(() => 1);
  const eigenvalues = measured ? measured.map(({ eigenvalue }) => eigenvalue) : [];
  const bits = bitsOf(chosen, eigenvalues, grids, target, schedule.start);
  const layers = chosen.map(({ path, inputs, outputs }, i) => ({
    path,
    parameters: inputs * outputs,
    ...(measured && { eigenvalue: measured[i]!.eigenvalue }),
    factor: factors[i]!,
    bits: bits[i]!,
    settled: 0,
  }));
  return layers.map((layer) => ({ ...layer, settled: scheduleOf(layer, layers, schedule, steps).settled }));
}

/** The bits of each layer in the end. */
function bitsOf(
  chosen: readonly QuantizableWeight[],
  eigenvalues: readonly number[],
  grids: Pick<Grid, 'granularity'>,
  target: MoqTarget,
  start: number,
): number[] {
  if (typeof target === 'number') return chosen.map(() => target);
  const { meanBits, choices = [8, 4, 3, 2] } = target;
  const layers = chosen.map((one, i) => ({
    name: one.path,
    parameters: one.inputs * one.outputs,
    costs: new Map(
      choices.filter((bits) => bits <= start).map((bits) => [bits, costOf(one, eigenvalues[i]!, { ...grids, bits })]),
    ), // prettier-ignore
  }));
  const parameters = layers.reduce((sum, layer) => sum + layer.parameters, 0);
  const { bits } = chooseBits(layers, meanBits * parameters);
  return chosen.map(({ path }) => bits.get(path)!);
}

/** ½ |λ| ‖Q(w) − w‖². */
function costOf(one: QuantizableWeight, eigenvalue: number, grid: Grid): number {
  return tidy(() => {
    const w = asMatrix(one);
    const distance = square(norm(sub(fakeQuantize(w, grid, { layout: layoutOf(one) }), w)));
    return mul(distance, Math.abs(eigenvalue) / 2).dataSync<'float32'>()[0]!;
  });
}

interface Schedule {
  readonly start: number;
  readonly period?: number;
  readonly growth?: number;
}

function scheduleOf(
  { bits, factor }: MoqLayer,
  all: readonly MoqLayer[],
  { start, period, growth = 2 }: Schedule,
  steps: number,
): BitSchedule {
  // periods of the layer that takes longest
  const most = all.reduce(
    (longest, layer) => Math.max(longest, bitSchedule({ start, target: layer.bits, period: 1, growth, factor: layer.factor }).settled),
    1,
  ); // prettier-ignore
  const own = period ?? ((2 / 3) * steps) / most;
  const made = bitSchedule({ start, target: bits, period: own, growth, factor });
  if (made.settled < Math.max(1, steps)) return made;
  throw new ArgumentError(
    `trainMoq: the run has ${steps} steps, and a layer would reach ${bits} bits at step ${made.settled}. Train longer, or take a shorter period.`,
  );
}

function stepsOf(data: Split, { epochs, batchSize = 128 }: TrainOptions): number {
  return Math.round(epochs * Math.ceil(data.size / batchSize));
}

function checkTarget(
  who: string,
  target: MoqTarget,
  start: number,
  curvature: MoqOptions['curvature'],
): void {
  if (!(Number.isInteger(start) && start >= 2 && start <= 16))
    throw new ArgumentError(`${who}: start must be a whole number of bits in [2, 16], got ${start}.`);
  if (typeof target === 'number') {
    if (isStored(target) && target <= start) return;
    throw new ArgumentError(`${who}: target must be 8, 4, 3 or 2 bits and at most start = ${start}, got ${String(target)}.`); // prettier-ignore
  }
  const { meanBits, choices = [8, 4, 3, 2] } = target;
  if (curvature === false)
    throw new ArgumentError(`${who}: a budget of ${meanBits} bits needs the curvature. Leave curvature out.`);
  if (!(meanBits >= 2 && Number.isFinite(meanBits)))
    throw new ArgumentError(`${who}: target.meanBits must be a number ≥ 2, got ${meanBits}.`);
  if (!choices.every(isStored) || !choices.some((bits) => bits <= start))
    throw new ArgumentError(`${who}: target.choices must be of 8, 4, 3 and 2, one at most start = ${start}, got ${choices.join(', ')}.`); // prettier-ignore
}

/** Writes the plan beside the weights. */
function withPlan(store: SnapshotStore, plan: readonly MoqLayer[]): SnapshotStore {
  return {
    read: () => store.read(),
    write: (snapshot) => store.write({ ...snapshot, meta: { ...snapshot.meta, moq: plan } }),
    remove: () => store.remove(),
  };
}
