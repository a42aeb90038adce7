import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ArgumentError, NothingChangedError, UnsupportedModelError, throwIfAborted } from '@ockham/core';
import { countFlops, countParameters, measureLatency, measureSize } from '@ockham/core/metrics';
import type { Layer } from '@ockham/core/training';
import { inputMoments } from './input-moments.ts';
import type { CompressLowRankOptions } from './options.ts';
import type { LowRankPlan, LowRankRow } from './plan.ts';
import {
  highestRank,
  leastCost,
  rankForEnergy,
  ranksForBudget,
  tailEnergies,
  type RankCurve,
} from './rank-budget.ts';
import { ranksByLoss } from './ranks-by-loss.ts';
import { replaceByFactors } from './replace-by-factors.ts';
import { spectrumOf, type Spectrum } from './spectrum.ts';
import { matrixShape, type Factors } from './split-layer.ts';
import { layersToFactor } from './targets.ts';

/** One layer that may be written as two. */
export interface Candidate {
  readonly path: string;
  readonly layer: Layer;
  readonly m: number;
  readonly n: number;
  /** How often each weight of the kernel is used for one example; undefined where that is not known. */
  readonly uses: number | undefined;
  readonly spectrum: Spectrum;
}

/** Ranks by candidate, undefined for a layer that stays whole. */
export type Ranks = readonly (number | undefined)[];

/** The layers that compete, with their spectra. */
export async function candidatesOf(
  model: LayersModel,
  options: CompressLowRankOptions,
): Promise<Candidate[]> {
  const { rank, data, signal, examples = 1024, damping = 0.01 } = options;
  const named = typeof rank === 'object' ? Object.keys(rank) : undefined;
  const layers = layersToFactor('compressLowRank', model, named ?? options.targets);
  if (layers.size === 0) {
    throw new UnsupportedModelError(
      `compressLowRank: ${model.name} has no dense layer and no convolution that could be written as two.`,
    );
  }
  const { metric = data ? 'activations' : 'weights' } = options;
  const rows = new Map((await countFlops(model)).layers.map((row) => [row.name, row]));
  const moments =
    metric === 'activations' && data
      ? await inputMoments(model, [...layers.values()], data.train, examples, signal)
      : undefined;
  const candidates: Candidate[] = [];
  for (const [path, layer] of layers) {
    throwIfAborted(signal, 'compressLowRank');
    const [m, n] = matrixShape(layer);
    const row = rows.get(layer.name);
    const uses = row && row.unknown === undefined ? row.macs / (m * n) : undefined;
    const spectrum = await spectrumOf(path, layer, moments?.get(layer), damping);
    candidates.push({ path, layer, m, n, uses, spectrum });
    options.progress?.({ stage: 'decompose', done: candidates.length, total: layers.size });
  }
  return candidates;
}

/** The ranks that the rule asks for. */
export async function chooseRanks(
  model: LayersModel,
  candidates: readonly Candidate[],
  options: CompressLowRankOptions,
): Promise<Ranks> {
  const { rank, energy, maxParameters, maxBytes, maxFlops, maxMilliseconds } = options;
  if (energy !== undefined)
    return candidates.map(({ m, n, spectrum }) => worth(m, n, rankForEnergy(spectrum.s, energy)));
  if (rank !== undefined) return givenRanks(candidates, rank);
  if (maxFlops !== undefined) {
    const { flops } = await countFlops(model);
    return improved(
      model,
      candidates,
      within('maxFlops', candidates, flops, maxFlops, ({ uses = 0 }) => 2 * uses),
      options,
    );
  }
  if (maxParameters !== undefined) {
    const { parameters } = await countParameters(model);
    return improved(
      model,
      candidates,
      within('maxParameters', candidates, parameters, maxParameters, () => 1),
      options,
    );
  }
  if (maxBytes !== undefined) return ranksForBytes(model, candidates, maxBytes, options);
  return ranksForTime(model, candidates, maxMilliseconds!, options);
}

/** The factors of the layers that are written as two. */
export function factorsAt(candidates: readonly Candidate[], ranks: Ranks): Map<string, Factors> {
  return new Map(
    candidates.flatMap(({ path, spectrum }, i): [string, Factors][] =>
      ranks[i] === undefined ? [] : [[path, spectrum.factors(ranks[i])]],
    ),
  );
}

/** @throws NothingChangedError where every layer would stay whole. */
export async function planOf(
  model: LayersModel,
  candidates: readonly Candidate[],
  ranks: Ranks,
): Promise<LowRankPlan> {
  const rows = candidates.map(({ path, layer, m, n, uses = 0, spectrum }, i): LowRankRow => {
    const rank = ranks[i];
    const weights = { before: m * n, after: rank === undefined ? m * n : rank * (m + n) };
    return {
      layer: path,
      className: layer.getClassName(),
      inputs: m,
      outputs: n,
      rank,
      breakEven: (m * n) / (m + n),
      weights,
      flops: { before: 2 * uses * weights.before, after: 2 * uses * weights.after },
      error: rank === undefined ? 0 : Math.sqrt(tailEnergies(spectrum.s)[rank]!),
      ...(rank === undefined && {
        staysDense: `its factors would not be smaller: break-even is rank ${((m * n) / (m + n)).toFixed(1)}`,
      }),
    };
  });
  if (ranks.every((rank) => rank === undefined)) {
    throw new NothingChangedError(
      `compressLowRank: every layer would stay whole: ${rows.map((row) => `${row.layer} (break-even rank ${row.breakEven.toFixed(1)})`).join(', ')}. Ask for lower ranks or a smaller budget.`,
    );
  }
  const { parameters } = await countParameters(model);
  const { flops } = await countFlops(model);
  const saved = (of: 'weights' | 'flops') =>
    rows.reduce((sum, row) => sum + row[of].before - row[of].after, 0);
  return {
    rows,
    parameters: { before: parameters, after: parameters - saved('weights') },
    flops: { before: flops, after: flops - saved('flops') },
  };
}

/** A rank, or undefined where its factors would not be smaller than the layer. */
function worth(m: number, n: number, rank: number): number | undefined {
  return rank <= highestRank(m, n) ? rank : undefined;
}

function givenRanks(
  candidates: readonly Candidate[],
  rank: number | Readonly<Record<string, number>>,
): Ranks {
  const most = candidates.reduce((high, { m, n }) => Math.max(high, Math.min(m, n)), 0);
  return candidates.map(({ path, m, n }) => {
    const r = typeof rank === 'number' ? rank : rank[path]!;
    const limit = typeof rank === 'number' ? most : Math.min(m, n);
    if (!(Number.isInteger(r) && r >= 1 && r <= limit)) {
      const layer = typeof rank === 'number' ? 'rank' : `the rank of "${path}"`;
      throw new ArgumentError(
        `compressLowRank: ${layer} must be a whole number in [1, min(m, n)] = [1, ${limit}], got ${r}.`,
      );
    }
    return worth(m, n, r);
  });
}

/** The ranks that energies choose for a budget, and what they were chosen from. */
interface Budgeted {
  readonly ranks: Ranks;
  readonly curves: readonly RankCurve[];
  /** What the layers that compete may cost. */
  readonly budget: number;
}

/** By the loss instead of energies, where that is asked for. */
async function improved(
  model: LayersModel,
  candidates: readonly Candidate[],
  { ranks, curves, budget }: Budgeted,
  { choose, data, examples = 1024, retrain, signal }: CompressLowRankOptions,
): Promise<Ranks> {
  if (choose !== 'loss' || !data) return ranks;
  const loss = retrain?.loss ?? 'crossEntropy';
  return ranksByLoss(model, candidates, ranks, curves, budget, { data: data.train, examples, loss, signal });
}

function within(
  name: string,
  candidates: readonly Candidate[],
  now: number,
  most: number,
  priceOf: (candidate: Candidate) => number,
): Budgeted {
  if (now <= most) {
    throw new NothingChangedError(
      `compressLowRank: the model is within ${name} already: it has ${now}, allowed are ${most}.`,
    );
  }
  const curves = candidates.map((candidate) => {
    const { m, n, spectrum } = candidate;
    return { m, n, price: priceOf(candidate), s: spectrum.s };
  });
  const whole = curves.reduce((sum, { m, n, price }) => sum + price * m * n, 0);
  const least = now - whole + leastCost(curves);
  if (least > most) {
    throw new ArgumentError(
      `compressLowRank: ${name} must be at least ${Math.ceil(least)}, what the model has with all these layers at rank 1, got ${most}. Allow more, or more layers in targets.`,
    );
  }
  const budget = most - (now - whole);
  return { ranks: ranksForBudget(curves, budget), curves, budget };
}

/** The topology grows with every layer that becomes two, so what was built is measured and the budget drawn in. */
async function ranksForBytes(
  model: LayersModel,
  candidates: readonly Candidate[],
  most: number,
  options: CompressLowRankOptions,
): Promise<Ranks> {
  const { bytes } = await measureSize(model);
  let allowed = most;
  for (;;) {
    const energies = within('maxBytes', candidates, bytes, allowed, () => 4);
    const ranks = await improved(model, candidates, energies, options);
    if (ranks.every((rank) => rank === undefined)) return ranks;
    const built = await replaceByFactors(model, factorsAt(candidates, ranks));
    const size = await measureSize(built);
    built.dispose();
    if (size.bytes <= most) return ranks;
    allowed -= size.bytes - most;
  }
}

/** Steps of the search for a time: each halves the range of FLOPs. */
const HALVINGS = 6;

async function ranksForTime(
  model: LayersModel,
  candidates: readonly Candidate[],
  most: number,
  { latencyBatch = 1, signal, data }: CompressLowRankOptions,
): Promise<Ranks> {
  const time = async (timed: LayersModel) => {
    const shape = data && { inputShape: data.train.x.shape };
    const [row] = await measureLatency(timed, { batch: [latencyBatch], ...shape, ...(signal && { signal }) });
    return row!.median;
  };
  const now = await time(model);
  if (now <= most) {
    throw new NothingChangedError(
      `compressLowRank: the model is within maxMilliseconds already: a batch of ${latencyBatch} takes ${now.toFixed(3)} ms, allowed are ${most}.`,
    );
  }
  const { flops } = await countFlops(model);
  const priceOf = ({ uses = 0 }: Candidate) => 2 * uses;
  const curves = candidates.map((candidate) => ({
    ...candidate,
    price: priceOf(candidate),
    s: candidate.spectrum.s,
  }));
  const whole = curves.reduce((sum, { m, n, price }) => sum + price * m * n, 0);
  let low = flops - whole + leastCost(curves);
  let high = flops;
  let found: Ranks | undefined;
  let fastest = Infinity;
  for (let i = 0; i <= HALVINGS; i++) {
    const budget = i === 0 ? low : (low + high) / 2;
    const { ranks } = within('maxMilliseconds', candidates, flops, budget, priceOf);
    const built = await replaceByFactors(model, factorsAt(candidates, ranks));
    const milliseconds = await time(built);
    built.dispose();
    fastest = Math.min(fastest, milliseconds);
    if (milliseconds <= most) {
      found = ranks;
      low = budget;
    } else if (i === 0) {
      break;
    } else {
      high = budget;
    }
  }
  if (found) return found;
  throw new ArgumentError(
    `compressLowRank: maxMilliseconds cannot be kept: at rank 1 a batch of ${latencyBatch} takes ${fastest.toFixed(3)} ms here, allowed are ${most}. Allow more, or use a faster engine.`,
  );
}
