/**
 * Ranks for a budget by the loss that the truncated model has, untrained, on training examples. From the ranks that energies choose, one
 * layer after the other is tried at a higher rank, which the others pay for where it raises the loss least for what it saves, until no
 * such exchange lowers the loss. Energies know a layer's own error; the loss
 * also knows what the layers behind make of it.
 */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { takeExamples, throwIfAborted, type Split } from '@ockham/core';
import { evaluate } from '@ockham/core/metrics';
import type { Loss } from '@ockham/core/training';
import { factorsAt, type Candidate, type Ranks } from './choose-ranks.ts';
import { highestRank, type RankCurve } from './rank-budget.ts';
import { replaceByFactors } from './replace-by-factors.ts';

/** Options of {@link ranksByLoss}. */
export interface RanksByLossOptions {
  readonly data: Split;
  /** Examples that the loss is measured on. */
  readonly examples: number;
  readonly loss: Loss;
  readonly signal?: AbortSignal | undefined;
}

/**
 * @param ranks Where the search starts; they keep the budget.
 * @param curves Of the candidates, with the price of a weight in units of the budget.
 * @param budget Σ price · weights at most.
 */
export async function ranksByLoss(
  model: LayersModel,
  candidates: readonly Candidate[],
  ranks: Ranks,
  curves: readonly RankCurve[],
  budget: number,
  { data, examples, loss, signal }: RanksByLossOptions,
): Promise<Ranks> {
  const split = takeExamples(data, examples);
  const seen = new Map<string, number>();
  const measure = async (tried: Ranks): Promise<number> => {
    const key = tried.join();
    const known = seen.get(key);
    if (known !== undefined) return known;
    throwIfAborted(signal, 'compressLowRank');
    const factors = factorsAt(candidates, tried);
    if (factors.size === 0) return Infinity;
    const thin = await replaceByFactors(model, factors);
    const { loss: value } = await evaluate(thin, split, { loss });
    thin.dispose();
    seen.set(key, value);
    return value;
  };
  const costOf = (tried: Ranks) =>
    curves.reduce((sum, { m, n, price }, l) => {
      const rank = tried[l];
      return sum + price * (rank === undefined ? m * n : rank * (m + n));
    }, 0);

  /** The step with the least rise of the loss for what it saves, or with the largest fall for what it costs. */
  const steepest = async (from: Ranks, steps: readonly Ranks[]): Promise<Ranks> => {
    const before = await measure(from);
    let best: { ranks: Ranks; slope: number } | undefined;
    for (const ranks of steps) {
      const slope = ((await measure(ranks)) - before) / Math.abs(costOf(ranks) - costOf(from));
      if (!best || slope < best.slope) best = { ranks, slope };
    }
    return best!.ranks;
  };
  const lowered = (from: Ranks, kept: number) =>
    curves.flatMap(({ m, n }, l) => {
      const rank = (from[l] ?? highestRank(m, n) + 1) - 1;
      return l === kept || rank < 1 ? [] : [from.with(l, rank)];
    });
  const raised = (from: Ranks, by: (rank: number) => number) =>
    curves.map(({ m, n }, l) => {
      const rank = from[l];
      if (rank === undefined) return undefined;
      return from.with(l, rank + by(rank) > highestRank(m, n) ? undefined : rank + by(rank));
    });
  /** With one layer raised: within the budget again, and what is left of it used. */
  const settled = async (from: Ranks, kept: number): Promise<Ranks | undefined> => {
    let now = from;
    while (costOf(now) > budget) {
      const steps = lowered(now, kept);
      if (steps.length === 0) return undefined;
      now = await steepest(now, steps);
    }
    for (;;) {
      const steps = raised(now, () => 1).filter((next) => next !== undefined && costOf(next) <= budget);
      if (steps.length === 0) return now;
      now = await steepest(now, steps as Ranks[]);
    }
  };

  let best = ranks;
  let least = await measure(best);
  for (;;) {
    let next: { ranks: Ranks; loss: number } | undefined;
    for (const by of [() => 1, (rank: number) => Math.ceil(rank / 4)]) {
      for (const [l, tried] of raised(best, by).entries()) {
        const made = tried && (await settled(tried, l));
        const loss = made ? await measure(made) : Infinity;
        if (loss < (next?.loss ?? least)) next = { ranks: made!, loss };
      }
    }
    if (!next) return best;
    ({ ranks: best, loss: least } = next);
  }
}
