import { ArgumentError } from '@ockham/core';
import type { ChannelGroup } from '@ockham/core/graph';
import type { Costs, Kept } from './structured-costs.ts';
import type { Importance } from './structured-importance.ts';
import type { StructuredSettings } from './structured-options.ts';

/** How far one iteration may go. */
export interface Goal {
  readonly kind: 'flops' | 'channels';
  /** FLOPs, or channels of the free groups together, that may be left. */
  readonly left: number;
}

/** Least channels to keep, by group id. */
export type Floors = ReadonlyMap<string, number>;

/**
 * Chooses channels greedily, always the block of least importance, until the goal is met. A block is what takes
 * a group to the next multiple of `multipleOf`; with 1, one channel.
 *
 * @returns Group id → ascending indexes; groups that lose nothing are left out.
 * @throws ArgumentError if the floors do not allow the goal.
 */
export function selectChannels(
  groups: readonly ChannelGroup[],
  importance: Importance,
  costs: Costs,
  floors: Floors,
  goal: Goal,
  settings: StructuredSettings,
): Map<string, number[]> {
  const { scope, perFlop, multipleOf } = settings;
  const kept = new Map(groups.map(({ id, size }) => [id, size]));
  const order = new Map(
    groups.map(({ id, size }) => {
      const scores = importance.get(id)!;
      return [id, Array.from({ length: size }, (_, i) => i).sort((a, b) => scores[a]! - scores[b]! || a - b)];
    }),
  );
  const left = () => remaining(goal, costs, kept);

  for (let now = left(); now > goal.left * (1 + ROUNDING); now = left()) {
    let best: { id: string; to: number } | undefined;
    let least = Infinity;
    const flops = perFlop ? costs.flops(kept) : 0;
    for (const { id, size } of groups) {
      const from = kept.get(id)!;
      const to = multipleOf * Math.floor((from - 1) / multipleOf);
      if (to < floors.get(id)!) continue;
      const block = order.get(id)!.slice(size - from, size - to);
      let priority = block.reduce((sum, i) => sum + importance.get(id)![i]!, 0);
      if (scope === 'layer') priority = 1 - to / size;
      else if (perFlop) priority /= flops - costs.flops(new Map(kept).set(id, to));
      else priority /= block.length;
      if (priority < least) [least, best] = [priority, { id, to }];
    }
    if (best === undefined) throw new ArgumentError(unreachable(goal, now));
    kept.set(best.id, best.to);
  }
  const removals = new Map<string, number[]>();
  for (const { id, size } of groups) {
    const gone = order.get(id)!.slice(0, size - kept.get(id)!);
    if (gone.length > 0) removals.set(id, gone.sort((a, b) => a - b)); // prettier-ignore
  }
  return removals;
}

/** Least channels of each group: a fraction, at least one, and a multiple where `multipleOf` asks for one. */
export function floorsOf(
  groups: readonly ChannelGroup[],
  { keepAtLeast, multipleOf }: Pick<StructuredSettings, 'keepAtLeast' | 'multipleOf'>,
): Floors {
  const least = (size: number) => Math.max(1, Math.ceil(keepAtLeast * size - 1e-9)); // 0.1 · 30 is a little over 3
  return new Map(
    groups.map(({ id, size }) => [id, Math.min(size, multipleOf * Math.ceil(least(size) / multipleOf))]),
  );
}

/** @throws ArgumentError if the floors do not allow a goal. */
export function checkReachable(
  groups: readonly ChannelGroup[],
  costs: Costs,
  floors: Floors,
  goal: Goal,
): void {
  const least = remaining(goal, costs, new Map(groups.map(({ id }) => [id, floors.get(id)!])));
  if (least > goal.left * (1 + ROUNDING)) throw new ArgumentError(unreachable(goal, least));
}

/** Sums of products round. */
const ROUNDING = 1e-9;

function remaining({ kind }: Goal, costs: Costs, kept: Kept): number {
  return kind === 'flops' ? costs.flops(kept) : [...kept.values()].reduce((a, b) => a + b, 0);
}

function unreachable({ kind, left }: Goal, now: number): string {
  const [want, have] = [left, now].map((value) => Math.round(value).toLocaleString('en-US'));
  return `pruneStructured: the budget leaves ${want} ${kind}, but keepAtLeast, multipleOf and excluded layers hold ${have}. Lower keepAtLeast or ask for less.`;
}
