import { ArgumentError, type Split } from '@ockham/core';
import { rankOf } from '@ockham/core/metrics';

/** How often the right class of a test example is among the highest scores. */
export interface ClassAccuracies {
  /** Test examples of each class. */
  readonly counts: ReadonlyMap<number, number>;
  /** Of each class, those whose right class has the highest score. */
  readonly top1: ReadonlyMap<number, number>;
  /** Of each class, those whose right class is among the five highest scores. */
  readonly top5: ReadonlyMap<number, number>;
}

/**
 * Counts right answers by class. Of equal scores the lower class comes first, as in `argMax`.
 *
 * @param scores `[size, classes]`, row-major. A label beyond `classes` counts as wrong.
 */
export function countRight(test: Split, scores: ArrayLike<number>): ClassAccuracies {
  const classes = scores.length / test.size;
  if (!Number.isInteger(classes) || classes < 1) {
    throw new ArgumentError(
      `countRight: scores must be [size, classes] for ${test.size} examples, got ${scores.length} values.`,
    );
  }
  const counts = new Map<number, number>();
  const top1 = new Map<number, number>();
  const top5 = new Map<number, number>();
  const add = (map: Map<number, number>, label: number, by: number) =>
    map.set(label, (map.get(label) ?? 0) + by);
  for (let i = 0; i < test.size; i++) {
    const label = test.y.values[i]!;
    const row = Float32Array.from({ length: classes }, (_, c) => scores[i * classes + c]!);
    // a class that the learner does not know has no score, or −∞
    const rank = label < classes && row[label]! > -Infinity ? rankOf(label, row) : Infinity;
    add(counts, label, 1);
    add(top1, label, rank < 1 ? 1 : 0);
    add(top5, label, rank < 5 ? 1 : 0);
  }
  return { counts, top1, top5 };
}

/** Share of right answers over the test examples of `classes`, by `right`. NaN without examples. */
export function shareRight(
  { counts }: ClassAccuracies,
  right: ReadonlyMap<number, number>,
  classes: Iterable<number>,
): number {
  let hits = 0;
  let all = 0;
  for (const label of classes) {
    hits += right.get(label) ?? 0;
    all += counts.get(label) ?? 0;
  }
  return hits / all;
}
