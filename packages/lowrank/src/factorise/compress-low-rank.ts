/**
 * Post-hoc compression: the layers of a trained model are truncated to ranks that a rule chooses, and the rest is trained
 * again.
 */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ArgumentError, throwIfAborted } from '@ockham/core';
import { checkDistillation, checkFit } from '@ockham/core/training';
import { candidatesOf, chooseRanks, factorsAt, planOf } from './choose-ranks.ts';
import type { CompressLowRankOptions, CompressLowRankResult } from './options.ts';
import type { LowRankPlan } from './plan.ts';
import { replaceByFactors } from './replace-by-factors.ts';
import { truncateInStages } from './truncate-in-stages.ts';

/**
 * Compresses a trained model by truncated singular value decompositions of its dense layers and convolutions, each
 * written as two ordinary layers. A layer whose factors would not be smaller than itself stays whole, and the plan says
 * so.
 *
 * @param model Not changed.
 * @param options Exactly one rule: `rank`, `energy`, `maxParameters`, `maxBytes`, `maxFlops` or `maxMilliseconds`. With
 *   `dryRun: true` nothing is built and the {@link LowRankPlan} is returned.
 * @throws ArgumentError for options out of range, targets that match nothing, a budget that cannot be kept.
 * @throws NonFiniteError for weights that are NaN or infinite.
 * @throws NothingChangedError where every layer would stay whole.
 * @throws UnsupportedModelError for a model without such layers.
 * @throws AbortedError when the signal fires, after a last checkpoint.
 * @throws DataError if the checkpoint is of another run.
 *
 * @example
 * const { model: thin, plan } = await compressLowRank(model, {
 *   maxBytes: 100_000, data, retrain: { epochs: 5, distill: { weight: 0.5 } },
 * });
 * console.log(formatLowRankPlan(plan));
 */
export async function compressLowRank(
  model: LayersModel,
  options: CompressLowRankOptions & { readonly dryRun: true },
): Promise<LowRankPlan>;
export async function compressLowRank(
  model: LayersModel,
  options: CompressLowRankOptions & { readonly dryRun?: false },
): Promise<CompressLowRankResult>;
export async function compressLowRank(
  model: LayersModel,
  options: CompressLowRankOptions & { readonly dryRun?: boolean },
): Promise<CompressLowRankResult | LowRankPlan> {
  check(model, options);
  const { data, retrain, signal, report = {} } = options;
  const candidates = await candidatesOf(model, options);
  const ranks = await chooseRanks(model, candidates, options);
  const plan = await planOf(model, candidates, ranks);
  if (options.dryRun) return plan;
  throwIfAborted(signal, 'compressLowRank');
  const { thin, history } =
    retrain && data
      ? await truncateInStages(model, candidates, ranks, { ...options, data })
      : { thin: await replaceByFactors(model, factorsAt(candidates, ranks)), history: [] };
  try {
    if (!report) return { model: thin, plan, history };
    const { compareFactorised } = await import('./compare-factorised.ts'); // loaded where it is asked for
    const { latency = {} } = report;
    return {
      model: thin,
      plan,
      history,
      report: await compareFactorised(model, thin, data, retrain?.loss, latency, signal),
    };
  } catch (error) {
    thin.dispose();
    throw error;
  }
}

const RULES = ['rank', 'energy', 'maxParameters', 'maxBytes', 'maxFlops', 'maxMilliseconds'] as const;

function check(model: LayersModel, options: CompressLowRankOptions): void {
  const { data, energy, examples, damping, retrain, metric, latencyBatch, choose } = options;
  const given = RULES.filter((rule) => options[rule] !== undefined);
  if (given.length !== 1) {
    throw new ArgumentError(
      `compressLowRank: needs exactly one of ${RULES.join(', ')}, got ${given.join(' and ') || 'none'}.`,
    );
  }
  const positive = (name: string, value: number | undefined, whole = false) => {
    if (value === undefined || (value > 0 && Number.isFinite(value) && (!whole || Number.isInteger(value))))
      return;
    throw new ArgumentError(
      `compressLowRank: ${name} must be a ${whole ? 'whole ' : ''}number > 0, got ${value}.`,
    );
  };
  for (const rule of RULES.slice(2)) positive(rule, options[rule] as number | undefined);
  positive('damping', damping);
  positive('examples', examples, true);
  positive('latencyBatch', latencyBatch, true);
  positive('retrain.epochs', retrain?.epochs);
  positive('retrain.stages', retrain?.stages, true);
  if (
    (retrain?.stages ?? 1) > 1 &&
    retrain?.optimizer &&
    typeof retrain.optimizer === 'object' &&
    'applyGradients' in retrain.optimizer
  ) {
    throw new ArgumentError(
      "compressLowRank: every stage needs an optimizer of its own, got one for all. Pass for example { name: 'adam' }.",
    );
  }
  if (energy !== undefined && !(energy > 0 && energy < 1))
    throw new ArgumentError(`compressLowRank: energy must be in (0, 1), got ${energy}.`);
  if (choose === 'loss' && !['maxParameters', 'maxBytes', 'maxFlops'].includes(given[0]!)) {
    throw new ArgumentError(
      `compressLowRank: choose 'loss' is for maxParameters, maxBytes or maxFlops, got ${given[0]}.`,
    );
  }
  if ((metric === 'activations' || retrain || choose === 'loss') && !data) {
    const what = retrain ? 'retrain' : choose === 'loss' ? "choose 'loss'" : "metric 'activations'";
    throw new ArgumentError(`compressLowRank: ${what} needs data. Pass data: { train }.`);
  }
  if (retrain?.distill) checkDistillation('compressLowRank', retrain.distill, retrain.loss);
  if (!data) return;
  const { loss = 'crossEntropy', teacher } = retrain ?? {};
  if (teacher)
    checkFit('compressLowRank', teacher, data.train, { loss, name: 'train split for the teacher' });
  checkFit('compressLowRank', model, data.train, { loss, name: 'train split' });
  if (data.test) checkFit('compressLowRank', model, data.test, { loss, name: 'test split' });
}
