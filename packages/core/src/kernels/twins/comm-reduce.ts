import type { CommArray, ReduceOp } from '../../comm/communicator.ts';

/**
 * The oracle of `assembly/comm-reduce.ts`: to = x₀ · x₁ · x₂ …, in that order; what is stored in `to` rounds and wraps as its type
 * does. `to` may be x₀, no other.
 */
export function reduceValues(op: ReduceOp, from: readonly CommArray[], to: CommArray): void {
  const n = to.length;
  const isFloat = to instanceof Float32Array || to instanceof Float64Array;
  if (op === 'mean' && !isFloat) {
    for (let i = 0; i < n; i++) to[i] = from.reduce((sum, x) => sum + x[i]!, 0) / from.length;
    return;
  }
  if (to !== from[0]) to.set(from[0]!);
  for (const x of from.slice(1)) {
    if (op === 'max') for (let i = 0; i < n; i++) to[i] = Math.max(to[i]!, x[i]!);
    else if (op === 'min') for (let i = 0; i < n; i++) to[i] = Math.min(to[i]!, x[i]!);
    else for (let i = 0; i < n; i++) to[i]! += x[i]!;
  }
  if (op === 'mean') for (let i = 0; i < n; i++) to[i]! /= from.length;
}
