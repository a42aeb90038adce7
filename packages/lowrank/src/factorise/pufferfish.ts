/**
 * Pufferfish: trains a network whole for a few passes, splits its later layers by truncated singular value
 * decompositions, and trains the hybrid for the rest.
 *
 * Paper: algorithm 2; Wang, Agarwal and Papailiopoulos 2021 for the rank ratio. Names: K is `from`, E `epochs`, E_wu
 * `warmupEpochs`, {η_t} `learningRate`.
 *
 * Deviations: the last layer may stay whole (default), where line 7 splits all from K to L; a layer whose factors would not
 * be smaller than itself stays whole; the optimizer's momenta start anew at the split, of which the paper says nothing.
 */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ArgumentError, UnsupportedModelError, throwIfAborted } from '@ockham/core';
import type { ModelComparison } from '@ockham/core/metrics';
import { cloneModel } from '@ockham/core/models';
import { toRandom } from '@ockham/core/random';
import { checkFit, train, type EpochRecord, type TrainOptions } from '@ockham/core/training';
import { candidatesOf, chooseRanks, factorsAt, planOf } from './choose-ranks.ts';
import { phaseStore, phaseUnderWay } from './phase-store.ts';
import type { LowRankPlan } from './plan.ts';
import type {
  PufferfishData,
  PufferfishEpoch,
  PufferfishOptions,
  PufferfishResult,
} from './pufferfish-options.ts';
import { replaceByFactors } from './replace-by-factors.ts';
import { matrixShape } from './split-layer.ts';
import { layersToFactor } from './targets.ts';

/** VGG-19 on CIFAR-10 as published: K = 9 and a quarter of the rank, 80 of 300 passes whole. */
export const pufferfishVgg19 = { from: 9, rankRatio: 0.25, warmupEpochs: 80, epochs: 300 } as const;

/**
 * Trains a model by algorithm 2: E_wu passes whole, then W_l ≈ U_l V_lᵀ with U = Ũ√Σ, V = Ṽ√Σ for every layer l ≥ K, then
 * E − E_wu passes of the hybrid. Batch normalisation, biases and the layers before K go on with what they have learnt, and
 * so does the learning-rate schedule.
 *
 * @param model Initial weights; not changed.
 * @throws ArgumentError for options out of range and data that does not fit, before any work.
 * @throws NothingChangedError where every layer from K on would stay whole.
 * @throws UnsupportedModelError for a model without dense layers and convolutions.
 * @throws NonFiniteError when the loss is no longer a number.
 * @throws AbortedError when the signal fires, after a last checkpoint.
 *
 * @example
 * const { model: hybrid, plan } = await pufferfish(vgg({ depth: 19 }), data, {
 *   ...pufferfishVgg19, optimizer: { name: 'momentum' }, learningRate: (step, total) => (step < total / 2 ? 0.1 : 0.01),
 * });
 */
export async function pufferfish(
  model: LayersModel,
  data: PufferfishData,
  options: PufferfishOptions,
): Promise<PufferfishResult> {
  const ranks = check(model, data, options);
  const { epochs, warmupEpochs, batchSize = 128, loss = 'crossEntropy', optimizer = 'adam' } = options;
  const { checkpoint, progress, signal, learningRate, report = {} } = options;
  const random = toRandom(options.seed ?? 0);
  const stepsPerEpoch = Math.ceil(data.train.size / batchSize);
  const total = Math.round(epochs * stepsPerEpoch);
  const warmupSteps = Math.round(warmupEpochs * stepsPerEpoch);
  const history: PufferfishEpoch[] = [];

  const trainPhase = async (
    phase: PufferfishEpoch['phase'],
    trained: LayersModel,
    own: Pick<TrainOptions, 'epochs' | 'seed'>,
    stepsBefore: number,
    epochsBefore: number,
  ) => {
    const at = (record: EpochRecord) => ({ ...record, phase, epoch: record.epoch + epochsBefore });
    const { epochs: records } = await train(trained, data.train, {
      ...own,
      ...{ batchSize, loss, optimizer },
      ...(learningRate && { learningRate: (step) => learningRate(step + stepsBefore, total) }),
      ...(progress && {
        progress: ({ done, metrics }) =>
          progress({ stage: phase, done: stepsBefore + done, total, ...(metrics && { metrics }) }),
      }),
      ...(signal && { signal }),
      ...(checkpoint && { checkpoint: phaseStore(checkpoint, phase, history) }),
      onEpoch: (record) => options.onEpoch?.(at(record)),
    });
    history.push(...records.map(at));
  };

  const vanilla = await cloneModel(model);
  let hybrid: LayersModel | undefined;
  try {
    const earlier = checkpoint && (await phaseUnderWay<PufferfishEpoch>(checkpoint));
    if (earlier?.phase === 'hybrid') history.push(...earlier.history);
    else if (warmupSteps > 0)
      await trainPhase('warm-up', vanilla, { epochs: warmupEpochs, seed: random }, 0, 0);
    throwIfAborted(signal, 'pufferfish');
    const split = await splitAt(vanilla, ranks);
    hybrid = split.model;
    const rest = { epochs: epochs - warmupEpochs, seed: random.stream('hybrid') };
    await trainPhase('hybrid', hybrid, rest, warmupSteps, Math.ceil(warmupEpochs));
    let comparison: ModelComparison | undefined;
    if (report) {
      const { compareFactorised } = await import('./compare-factorised.ts'); // loaded where it is asked for
      comparison = await compareFactorised(vanilla, hybrid, undefined, loss, report.latency ?? {}, signal);
    }
    await checkpoint?.remove();
    return { model: hybrid, plan: split.plan, history, ...(comparison && { report: comparison }) };
  } catch (error) {
    hybrid?.dispose();
    throw error;
  } finally {
    vanilla.dispose();
  }
}

/** Lines 4 to 12. */
async function splitAt(
  vanilla: LayersModel,
  rank: Readonly<Record<string, number>>,
): Promise<{ model: LayersModel; plan: LowRankPlan }> {
  const candidates = await candidatesOf(vanilla, { rank });
  const ranks = await chooseRanks(vanilla, candidates, { rank });
  const plan = await planOf(vanilla, candidates, ranks);
  return { model: await replaceByFactors(vanilla, factorsAt(candidates, ranks)), plan };
}

/** Returns the rank of each layer from K on. */
function check(
  model: LayersModel,
  data: PufferfishData,
  options: PufferfishOptions,
): Readonly<Record<string, number>> {
  const {
    from,
    epochs,
    warmupEpochs,
    rank,
    rankRatio = 0.25,
    keepLast = true,
    loss = 'crossEntropy',
  } = options;
  const refuse = (rule: string, got: unknown): never => {
    throw new ArgumentError(`pufferfish: ${rule}, got ${String(got)}.`);
  };
  if (!(epochs > 0 && Number.isFinite(epochs))) refuse('epochs must be a number > 0', epochs);
  if (!(warmupEpochs >= 0 && warmupEpochs < epochs))
    refuse(`warmupEpochs must be in [0, epochs) = [0, ${epochs})`, warmupEpochs);
  if (rank !== undefined && options.rankRatio !== undefined) refuse('give rank or rankRatio', 'both');
  if (!(rankRatio > 0 && rankRatio < 1)) refuse('rankRatio must be in (0, 1)', rankRatio);
  const layers = [...layersToFactor('pufferfish', model, undefined)];
  if (layers.length === 0) {
    throw new UnsupportedModelError(
      `pufferfish: ${model.name} has no dense layer and no convolution that could be written as two.`,
    );
  }
  const last = layers.length - (keepLast ? 1 : 0);
  if (!(Number.isInteger(from) && from >= 1 && from <= last)) {
    refuse(
      `from must be a whole number in [1, ${last}], the layers being ${layers.map(([path]) => path).join(', ')}${keepLast ? ' and the last one kept' : ''}`,
      from,
    );
  }
  const chosen = layers.slice(from - 1, last);
  const given = typeof rank === 'object' ? Object.keys(rank) : [];
  const stranger = given.find((path) => !chosen.some(([name]) => name === path));
  if (stranger !== undefined)
    refuse(`rank may name only the layers from K on, ${chosen.map(([path]) => path).join(', ')}`, stranger);
  checkFit('pufferfish', model, data.train, { loss, name: 'train split' });
  if (data.test) checkFit('pufferfish', model, data.test, { loss, name: 'test split' });
  const ratio = (m: number, n: number) => Math.max(1, Math.round(rankRatio * Math.min(m, n)));
  return Object.fromEntries(
    chosen.flatMap(([path, layer]): [string, number][] => {
      const r = typeof rank === 'object' ? rank[path] : (rank ?? ratio(...matrixShape(layer)));
      return r === undefined ? [] : [[path, checkedRank(path, r, matrixShape(layer))]];
    }),
  );
}

function checkedRank(path: string, rank: number, [m, n]: readonly [number, number]): number {
  if (Number.isInteger(rank) && rank >= 1 && rank <= Math.min(m, n)) return rank;
  throw new ArgumentError(
    `pufferfish: the rank of "${path}" must be a whole number in [1, min(m, n)] = [1, ${Math.min(m, n)}], got ${rank}.`,
  );
}
