import { ArgumentError } from '@ockham/core';

/**
 * Cuts a chain of blocks into stages of consecutive blocks so that the costliest stage costs as little as can be: the optimum, by
 * dynamic programming. Where cuts are equally good, the earlier stages are the smaller ones.
 *
 * @param costs Of each block, ≥ 0: measured seconds, bytes or FLOPs.
 * @param stages ≥ 1, at most the number of blocks.
 * @returns Where each stage begins, and the number of blocks at the end: stage s has the blocks [cuts[s], cuts[s + 1]).
 * @throws ArgumentError for more stages than blocks, or a cost that is negative or not finite.
 */
export function balanceStages(costs: readonly number[], stages: number): number[] {
  const blocks = costs.length;
  if (!(Number.isInteger(stages) && stages >= 1 && stages <= blocks))
    throw new ArgumentError(
      `balanceStages: stages must be an integer in [1, ${blocks}], the number of blocks, got ${stages}. A block cannot be cut: use fewer pipeline ranks, or a deeper model.`,
    );
  for (const [i, cost] of costs.entries())
    if (!(cost >= 0 && cost < Infinity))
      throw new ArgumentError(
        `balanceStages: the cost of every block must be finite and ≥ 0, got ${cost} for block ${i}.`,
      );
  const upTo = [0];
  for (const cost of costs) upTo.push(upTo.at(-1)! + cost);
  // worst[n]: the costliest stage of the best cut of the first n blocks; cut[s][n]: where its last stage begins
  let worst = upTo.map((sum, n) => (n === 0 ? Infinity : sum));
  const cut: number[][] = [upTo.map(() => 0)];
  for (let s = 1; s < stages; s++) {
    const before = worst;
    worst = upTo.map(() => Infinity);
    cut.push(upTo.map(() => 0));
    for (let n = s + 1; n <= blocks; n++)
      for (let begin = s; begin < n; begin++) {
        const most = Math.max(before[begin]!, upTo[n]! - upTo[begin]!);
        if (most < worst[n]!) [worst[n], cut[s]![n]] = [most, begin];
      }
  }
  const cuts = [blocks];
  for (let s = stages - 1; s >= 0; s--) cuts.unshift(cut[s]![cuts[0]!]!);
  return cuts;
}
