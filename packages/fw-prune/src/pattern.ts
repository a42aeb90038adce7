/**
 * Patterns that kept weights form, so that a processor can skip the others in step. A kernel is seen as a matrix `[inputs,
 * outputs]`: its last axis are the outputs, all others, flattened, the inputs that a product sums over.
 *
 * - n:m: each output keeps at most n of every m consecutive inputs, the best by score (Mishra et al. 2021 for 2:4).
 * - blocks: r consecutive outputs by c consecutive inputs stay or go together; a block scores the root of the sum of
 *   its squared scores, and blocks compete as single weights do otherwise.
 *
 * Deviations: kernels of several taps are grouped across taps where their channels are no multiple of m.
 */
import { ArgumentError } from '@ockham/core';
import type { PrunableWeight } from './prunable.ts';

/**
 * `2:4`, or any n of m consecutive inputs; `4x1`, or blocks of r consecutive outputs by c consecutive inputs.
 * `@ockham/core/kernels` has kernels of its own for n:4 and for 4x1.
 */
export type Pattern =
  | '2:4'
  | '4x1'
  | { readonly n: number; readonly m: number }
  | { readonly block: readonly [outputs: number, inputs: number] };

/** A pattern, taken apart. */
export type PatternRule =
  | { readonly kind: 'groups'; readonly n: number; readonly m: number }
  | { readonly kind: 'blocks'; readonly outputs: number; readonly inputs: number };

/** @throws ArgumentError for a pattern that is none. */
export function patternRule(pattern: Pattern): PatternRule {
  if (pattern === '2:4') return { kind: 'groups', n: 2, m: 4 };
  if (pattern === '4x1') return { kind: 'blocks', outputs: 4, inputs: 1 };
  const given = pattern as { n?: number; m?: number; block?: readonly number[] } | null;
  const whole = (value: unknown, least: number): value is number =>
    Number.isInteger(value) && (value as number) >= least;
  if (typeof given === 'object' && given?.block?.length === 2) {
    const [outputs, inputs] = given.block as [number, number];
    if (whole(outputs, 1) && whole(inputs, 1) && outputs * inputs > 1)
      return { kind: 'blocks', outputs, inputs };
  } else if (typeof given === 'object' && given && whole(given.n, 1) && whole(given.m, given.n + 1)) {
    return { kind: 'groups', n: given.n, m: given.m };
  }
  throw new ArgumentError(
    `prune: pattern must be '2:4', '4x1', { n, m } with 1 ≤ n < m, or { block: [outputs, inputs] } of two weights or more, got ${JSON.stringify(pattern)}.`,
  );
}

/** For example `2:4` or `4x1`. */
export function patternName(rule: PatternRule): string {
  return rule.kind === 'groups' ? `${rule.n}:${rule.m}` : `${rule.outputs}x${rule.inputs}`;
}

/**
 * Whether a kernel can take a pattern: its inputs or outputs are multiples of the pattern's, and a product sums over the inputs,
 * which it does not for embeddings and depthwise kernels.
 */
export function fitsPattern({ layer, shape, size }: PrunableWeight, rule: PatternRule): boolean {
  if (shape.length < 2 || /Embedding|Depthwise/.test(layer.getClassName())) return false;
  const outputs = shape.at(-1)!;
  const inputs = size / outputs;
  if (rule.kind === 'groups') return inputs % rule.m === 0;
  return outputs % rule.outputs === 0 && inputs % rule.inputs === 0;
}

/** The weights of each group or block of a kernel, indexes into its values. */
export function* patternUnits(shape: readonly number[], rule: PatternRule): Generator<readonly number[]> {
  const outputs = shape.at(-1)!;
  const inputs = shape.slice(0, -1).reduce((product, size) => product * size, 1);
  const [down, across] = rule.kind === 'groups' ? [rule.m, 1] : [rule.inputs, rule.outputs];
  for (let k = 0; k < inputs; k += down) {
    for (let o = 0; o < outputs; o += across) {
      const unit: number[] = [];
      for (let i = k; i < k + down; i++) for (let j = o; j < o + across; j++) unit.push(i * outputs + j);
      yield unit;
    }
  }
}

/** The least fill of an n:4 pattern that a kernel is said to have; sparser ones fit it by chance. */
const LEAST_FILL = 0.9;

/**
 * The pattern of a kernel's zeros, if it is `4x1` without a zero in a block that is kept, or n:4 and nearly as dense as n:4 can
 * be; undefined for another.
 */
export function patternOf(values: ArrayLike<number>, shape: readonly number[]): string | undefined {
  const outputs = shape.at(-1) ?? 1;
  const inputs = values.length / outputs;
  if (shape.length < 2 || values.length === 0) return undefined;
  const counts = (rule: PatternRule): number[] =>
    Array.from(patternUnits(shape, rule), (unit) =>
      unit.reduce((sum, i) => sum + Number(values[i] !== 0), 0),
    );
  if (outputs % 4 === 0) {
    const blocks = counts({ kind: 'blocks', outputs: 4, inputs: 1 });
    if (blocks.includes(0) && blocks.every((count) => count === 0 || count === 4)) return '4x1';
  }
  if (inputs % 4 !== 0) return undefined;
  const groups = counts({ kind: 'groups', n: 1, m: 4 });
  const n = groups.reduce((most, count) => Math.max(most, count), 0);
  const kept = groups.reduce((sum, count) => sum + count, 0);
  return n > 0 && n < 4 && kept >= LEAST_FILL * n * groups.length ? `${n}:4` : undefined;
}
