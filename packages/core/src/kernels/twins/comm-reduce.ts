import type { CommArray, ReduceOp } from '../../comm/communicator.ts';

/** The oracle of `assembly/comm-reduce.ts`: to = x₀ · x₁ · x₂ …, in that order. `to` may be one of them. */
export function reduceValues(op: ReduceOp, from: readonly CommArray[], to: CommArray): void {
  const first = from[0]!;
  const integers = first instanceof Int32Array || first instanceof Uint8Array;
  const round = first instanceof Float32Array ? Math.fround : (value: number): number => value;
  const wrap = first instanceof Int32Array ? (value: number): number => value | 0 : round;
  for (let i = 0; i < to.length; i++) {
    let value = first[i]!;
    for (let r = 1; r < from.length; r++) {
      const other = from[r]![i]!;
      if (op === 'max') value = Math.max(value, other);
      else if (op === 'min') value = Math.min(value, other);
      else value = op === 'mean' && integers ? value + other : wrap(value + other);
    }
    if (op === 'mean') value = integers ? Math.trunc(value / from.length) : round(value / from.length);
    to[i] = value;
  }
}
