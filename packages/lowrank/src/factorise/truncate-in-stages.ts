/**
 * Truncation in stages with training between: the ranks fall geometrically from the full ones, and each stage truncates
 * the products of the factors that the one before has trained, by the inputs that its layers see now.
 */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { DataError, throwIfAborted } from '@ockham/core';
import { toRandom } from '@ockham/core/random';
import { distillationFrom, train, type EpochRecord } from '@ockham/core/training';
import { candidatesOf, factorsAt, type Candidate, type Ranks } from './choose-ranks.ts';
import { cosine } from './cosine.ts';
import { mergeFactors } from './merge-factors.ts';
import type { CompressLowRankOptions } from './options.ts';
import { phaseStore, phaseUnderWay } from './phase-store.ts';
import { highestRank } from './rank-budget.ts';
import { replaceByFactors } from './replace-by-factors.ts';

/**
 * The thin model at `ranks`, trained.
 *
 * @param candidates Of the model.
 */
export async function truncateInStages(
  model: LayersModel,
  candidates: readonly Candidate[],
  ranks: Ranks,
  options: CompressLowRankOptions & Required<Pick<CompressLowRankOptions, 'data'>>,
): Promise<{ readonly thin: LayersModel; readonly history: readonly EpochRecord[] }> {
  const { data, retrain = {}, signal, progress, checkpoint, onEpoch, seed = 0 } = options;
  const { epochs = 5, optimizer = 'adam', learningRate = cosine(1e-3), batchSize = 128 } = retrain;
  const { loss = 'crossEntropy', distill, teacher = model, stages = 1 } = retrain;
  const random = toRandom(seed).stream('compress');
  const lesson = distill
    ? await distillationFrom(teacher, data.train, loss, distill, signal)
    : { data: data.train, loss };
  const plans = ranksOfStages(candidates, ranks, stages);
  const names = plans.map((_, i) => `stage ${i + 1} of ${plans.length}`);
  const underWay = checkpoint && (await phaseUnderWay<EpochRecord>(checkpoint));
  const first = underWay ? names.indexOf(underWay.phase) : 0;
  if (first < 0 || (!underWay && (await checkpoint?.read()))) {
    throw new DataError(
      'checkpoint-mismatch',
      `compressLowRank: the checkpoint is of another run (${underWay?.phase ?? 'not of this method'}), this one has ${names.join(', ')}. Use the same options, or remove the checkpoint.`,
    );
  }
  const history: EpochRecord[] = [...(underWay?.history ?? [])];
  let whole = model;
  let thin: LayersModel | undefined;
  try {
    for (let i = first; i < plans.length; i++) {
      throwIfAborted(signal, 'compressLowRank');
      // a stage that goes on from its checkpoint has its weights from there
      const current =
        whole === model ? candidates : await candidatesOf(whole, optionsOf(candidates, options));
      thin = await replaceByFactors(whole, factorsAt(current, plans[i]!));
      const before = history.length;
      const at = (record: EpochRecord) => ({ ...record, epoch: record.epoch + before });
      const { epochs: records } = await train(thin, lesson.data, {
        ...{ epochs, optimizer, learningRate, batchSize, loss: lesson.loss },
        seed: i === plans.length - 1 ? random : random.stream(names[i]!),
        ...(progress && {
          progress: ({ done, total, ...event }) =>
            progress({ ...event, done: i * total + done, total: plans.length * total }),
        }),
        ...(signal && { signal }),
        ...(checkpoint && { checkpoint: phaseStore(checkpoint, names[i]!, history) }),
        ...(onEpoch && { onEpoch: (record) => onEpoch(at(record)) }),
      });
      history.push(...records.map(at));
      if (i === plans.length - 1) break;
      const merged = await mergeFactors(thin, model);
      thin.dispose();
      thin = undefined;
      if (whole !== model) whole.dispose();
      whole = merged;
    }
    await checkpoint?.remove();
    return { thin: thin!, history };
  } catch (error) {
    thin?.dispose();
    throw error;
  } finally {
    if (whole !== model) whole.dispose();
  }
}

/** Those of the same layers, in the same order. */
function optionsOf(
  candidates: readonly Candidate[],
  { data, metric, examples, damping, signal }: CompressLowRankOptions,
): CompressLowRankOptions {
  return {
    targets: candidates.map(({ path }) => path),
    ...(data && { data }),
    ...(metric && { metric }),
    ...(examples !== undefined && { examples }),
    ...(damping !== undefined && { damping }),
    ...(signal && { signal }),
  };
}

/** full^t · r^(1 − t) at t = (stages − 1)/stages … 0; stages that would change nothing are left out. */
function ranksOfStages(candidates: readonly Candidate[], ranks: Ranks, stages: number): Ranks[] {
  return Array.from({ length: stages }, (_, i): Ranks => {
    const t = (stages - 1 - i) / stages;
    return candidates.map(({ m, n }, l) => {
      const last = ranks[l];
      if (last === undefined) return undefined;
      const rank = Math.round(Math.min(m, n) ** t * last ** (1 - t));
      return rank <= highestRank(m, n) ? rank : undefined;
    });
  }).filter((of) => of.some((rank) => rank !== undefined));
}
