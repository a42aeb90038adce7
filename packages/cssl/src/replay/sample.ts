import type { Random } from '@ockham/core/random';
import type { ClassIndex } from './class-index.ts';
import type { SumTree } from './sum-tree.ts';

/** `count` different ones of the slots 0 … size − 1, every set as likely as the others (Floyd's algorithm). */
export function sampleUniform(size: number, count: number, random: Random): Int32Array {
  const drawn = new Set<number>();
  for (let last = size - count; last < size; last++) {
    const slot = random.integer(last + 1);
    drawn.add(drawn.has(slot) ? last : slot);
  }
  return Int32Array.from(drawn);
}

/** A class, each as likely as the others, then one of its members. */
export function sampleBalanced(index: ClassIndex, count: number, random: Random): Int32Array {
  return Int32Array.from({ length: count }, () => {
    const { members } = index.present[random.integer(index.present.length)]!;
    return members.at(random.integer(members.size));
  });
}

/** A class in proportion to the examples that were offered of it, then one of its members. */
export function sampleAsStreamed(index: ClassIndex, count: number, random: Random): Int32Array {
  const total = index.present.reduce((sum, { seen }) => sum + seen, 0);
  const points = Float64Array.from({ length: count }, () => random.uniform(0, total)).sort();
  let passed = -1;
  let end = 0;
  return Int32Array.from(points, (point) => {
    while (point >= end) end += index.present[++passed]!.seen;
    const { members } = index.present[passed]!;
    return members.at(random.integer(members.size));
  });
}

/** In proportion to the weights. */
export function sampleWeighted(weights: SumTree, count: number, random: Random): Int32Array {
  return Int32Array.from({ length: count }, () => weights.find(random.uniform(0, weights.total)));
}
