/**
 * Row, head and channel pruning: what is pruned is removed, and the layers around it are smaller.
 *
 * Paper: section 3.2.4, items 2 to 4. Source: the three structured methods of DeepSpeed Compression.
 * Deviations: DeepSpeed masks while it trains and removes at the end; here what goes is chosen by a criterion and removed at
 * once, and what is left can be trained on. Rows are the neurons between two dense layers: a row of the first matrix, as
 * PyTorch keeps it, and the column of the second that reads it.
 */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ArgumentError, NothingChangedError, UnsupportedModelError, type Split } from '@ockham/core';
import {
  layerPaths,
  removeChannels,
  traceChannels,
  type ChannelGroup,
  type LayerChange,
} from '@ockham/core/graph';
import { checkFit, type Loss } from '@ockham/core/training';
import { scoreChannels, type StructuredCriterion } from './channel-scores.ts';

/** Options of {@link pruneRows}, {@link pruneHeads} and {@link pruneChannels}. */
export interface PruneStructureOptions {
  /** Part of each group that stays, in (0, 1); at least one of it does. DeepSpeed's dense ratio. */
  readonly keep: number;
  /** Default `gradient` where there is data, else `magnitude`. */
  readonly criterion?: StructuredCriterion;
  /** Examples for gradients, a few hundred. */
  readonly data?: Split;
  /** As in `train`. Default `crossEntropy`. */
  readonly loss?: Loss;
  /** Which groups, by the path of the layer that makes them: `encoder/layer_0/intermediate/dense`. Default all. */
  readonly only?: RegExp;
  /** Aborts the work, which then rejects with an `AbortedError`. */
  readonly signal?: AbortSignal;
}

/** What was pruned, and what is left. */
export interface PrunedStructure {
  /** Owned by the caller; not compiled. */
  readonly model: LayersModel;
  /** Every layer that is smaller now. */
  readonly removed: readonly LayerChange[];
  /** What went: indexes of rows, heads or channels, by the layer that made them. */
  readonly pruned: ReadonlyMap<string, readonly number[]>;
}

/**
 * Removes neurons between dense layers, the least important first: of BERT and GPT, those of the feed-forward
 * layers and, of a classifier, of the pooler.
 *
 * @param model Not changed.
 * @throws ArgumentError for options out of range; UnsupportedModelError where the model has no dense layers back to back;
 *   NothingChangedError where `keep` leaves everything.
 *
 * @example
 * const { model: smaller } = await pruneRows(model, { keep: 0.5, data: data.train });
 */
export function pruneRows(model: LayersModel, options: PruneStructureOptions): Promise<PrunedStructure> {
  return prune('pruneRows', 'dense layers back to back', model, options, (group, kindOf) =>
    group.slices.every(({ role, layer }) => role !== 'follow' && kindOf(layer) === 'Dense') && heads(group) === 1,
  ); // prettier-ignore
}

/**
 * Removes whole attention heads, the least important first: queries, keys, values and the projection behind them get smaller.
 *
 * @param model Not changed. Attention of `@ockham/core/models`, at most one head of a layer less than it has.
 * @throws As {@link pruneRows}.
 *
 * @example
 * const { pruned } = await pruneHeads(model, { keep: 0.5, data: data.train });
 * pruned.get('encoder/layer_0/attention/self/query'); // numbers of heads
 */
export function pruneHeads(model: LayersModel, options: PruneStructureOptions): Promise<PrunedStructure> {
  return prune('pruneHeads', 'attention heads', model, options, (group, kindOf) =>
    group.carriers.some(({ layer }) => kindOf(layer) === 'AttentionProbabilities'),
  );
}

/**
 * Removes channels of convolutions, the least important first, through batch normalisation and whatever reads them; channels that
 * a residual connection couples go together.
 *
 * @param model Not changed.
 * @throws As {@link pruneRows}.
 *
 * @example
 * const { removed } = await pruneChannels(resnet20(), { keep: 0.5 });
 */
export function pruneChannels(model: LayersModel, options: PruneStructureOptions): Promise<PrunedStructure> {
  return prune('pruneChannels', 'convolution channels', model, options, (group, kindOf) =>
    group.producers.every((layer) => /Conv/.test(kindOf(layer))),
  );
}

async function prune(
  who: string,
  what: string,
  model: LayersModel,
  options: PruneStructureOptions,
  isOne: (group: ChannelGroup, kindOf: (path: string) => string) => boolean,
): Promise<PrunedStructure> {
  const { keep, data, loss, only, signal, criterion = data ? 'gradient' : 'magnitude' } = options;
  if (!(keep > 0 && keep < 1)) throw new ArgumentError(`${who}: keep must be in (0, 1), got ${keep}.`);
  if (criterion !== 'gradient' && criterion !== 'magnitude')
    throw new ArgumentError(`${who}: criterion must be gradient or magnitude, got ${String(criterion)}.`);
  if (criterion === 'gradient' && !data)
    throw new ArgumentError(`${who}: the criterion gradient needs data. Pass some, or take magnitude.`);
  if (data) checkFit(who, model, data, { loss: loss ?? 'crossEntropy' });
  const kinds = new Map([...layerPaths(model)].map(([layer, path]) => [path, layer.getClassName()]));
  const fitting = traceChannels(model).groups.filter((group) => isOne(group, (path) => kinds.get(path)!));
  const free = fitting.filter(({ frozen, id }) => frozen === undefined && (only?.test(id) ?? true));
  if (free.length === 0) {
    const reason = fitting.find(({ frozen }) => frozen !== undefined)?.frozen;
    throw new UnsupportedModelError(
      `${who}: ${model.name} has no ${what} that could be removed${reason ? `: ${reason}` : ''}. Its layers are ${[...kinds.keys()].join(', ')}.`,
    );
  }
  const scores = await scoreChannels(model, free, criterion, data && { data, ...(loss !== undefined && { loss }), ...(signal && { signal }) }); // prettier-ignore
  const pruned = new Map<string, number[]>();
  for (const { id, size } of free) {
    const stays = Math.max(1, Math.round(keep * size));
    if (stays === size) continue;
    const score = scores.get(id)!;
    const order = [...score.keys()].sort((a, b) => score[a]! - score[b]! || a - b);
    pruned.set(id, order.slice(0, size - stays).sort((a, b) => a - b)); // prettier-ignore
  }
  if (pruned.size === 0) {
    throw new NothingChangedError(
      `${who}: keep ${keep} of groups of ${[...new Set(free.map(({ size }) => size))].join(', ')} leaves all of them. Keep less.`,
    );
  }
  const { model: smaller, removed } = await removeChannels(model, pruned);
  return { model: smaller, removed, pruned };
}

/** How many places of a producer's width one channel of the group takes. */
function heads(group: ChannelGroup): number {
  return group.slices.find(({ role }) => role === 'output')!.positions[0]!.length;
}
