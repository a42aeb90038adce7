import { ArgumentError } from '../errors.ts';

/**
 * Pearson's correlation of two lists, in [−1, 1]. NaN where one of them is constant.
 *
 * @throws ArgumentError for lists of different lengths, of fewer than two values, or with a value that is not finite.
 */
export function pearson(a: ArrayLike<number>, b: ArrayLike<number>): number {
  check('pearson', a, b);
  const [x, y] = [centred(a), centred(b)];
  const r = dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y));
  return Math.min(1, Math.max(-1, r));
}

/**
 * Spearman's correlation: Pearson's of the ranks, where equal values share the mean of theirs. NaN where a list is constant.
 *
 * @throws ArgumentError as {@link pearson}.
 */
export function spearman(a: ArrayLike<number>, b: ArrayLike<number>): number {
  check('spearman', a, b);
  return pearson(ranks(a), ranks(b));
}

function ranks(values: ArrayLike<number>): Float64Array {
  const order = Array.from(values, (_, i) => i).sort((i, j) => values[i]! - values[j]!);
  const result = new Float64Array(values.length);
  for (let from = 0; from < order.length;) {
    let end = from + 1;
    while (end < order.length && values[order[end]!] === values[order[from]!]) end++;
    for (let i = from; i < end; i++) result[order[i]!] = (from + end + 1) / 2; // the first is 1
    from = end;
  }
  return result;
}

/** Values less their mean, which must not differ from zero by rounding alone: a constant list gives zeros. */
function centred(values: ArrayLike<number>): Float64Array {
  const n = values.length;
  let sum = 0;
  for (let i = 0; i < n; i++) sum += values[i]! - values[0]!;
  return Float64Array.from({ length: n }, (_, i) => values[i]! - values[0]! - sum / n);
}

function dot(x: Float64Array, y: Float64Array): number {
  return x.reduce((sum, value, i) => sum + value * y[i]!, 0);
}

function check(who: string, a: ArrayLike<number>, b: ArrayLike<number>): void {
  if (a.length !== b.length || a.length < 2) {
    throw new ArgumentError(
      `${who}: both lists must have the same length, 2 or more, got ${a.length} and ${b.length}. Give a prediction for each example.`,
    );
  }
  for (const values of [a, b]) {
    const at = Array.from(values).findIndex((value) => !Number.isFinite(value));
    if (at >= 0) throw new ArgumentError(`${who}: values must be finite, got ${values[at]} at ${at}.`);
  }
}
