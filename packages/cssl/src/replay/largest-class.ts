import type { Random } from '@ockham/core/random';
import type { ClassIndex } from './class-index.ts';

/** In place of a slot: the new example is the one that is not kept. */
export const NEW = -1;

/**
 * The class that loses a member, counted as if the new example of class `label` were in it already: Algorithm 1 stores
 * before it evicts.
 */
export function largestClass(index: ClassIndex, label: number, random: Random): number {
  const own = index.sizeOf(label) + 1;
  const { largest, largestSize } = index;
  if (own > largestSize) return label;
  const tied = largest.length + (own === largestSize ? 1 : 0);
  const drawn = random.integer(tied);
  return largest[drawn]?.label ?? label;
}

/**
 * *ReplayEvict*: a random member of the largest class, or {@link NEW}.
 *
 * @param evicted Whether room was made for the new example already; then it stays.
 */
export function largestClassVictim(
  index: ClassIndex,
  label: number,
  evicted: boolean,
  random: Random,
): number {
  const chosen = largestClass(index, label, random);
  const members = index.get(chosen)!.members;
  const drawn = random.integer(members.size + (chosen === label && !evicted ? 1 : 0));
  return drawn === members.size ? NEW : members.at(drawn);
}
