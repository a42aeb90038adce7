/** The factors that a run starts from. */
import { NonFiniteError } from '@ockham/core';
import { matrix, qr, svd, transpose, type Matrix } from '@ockham/core/linalg';
import type { Random } from '@ockham/core/random';
import type { LayerPlan } from './layer-plan.ts';
import type { FactorValues } from './matrix-factors.ts';
import type { DlrtOptions } from './options.ts';
import { truncate } from './truncation.ts';

/**
 * U, σ and V of a layer at the start.
 *
 * @throws NonFiniteError for NaN or infinity in the weights.
 */
export async function startFactors(
  plan: LayerPlan,
  start: DlrtOptions['start'],
  random: Random,
): Promise<FactorValues> {
  const { path, layer, rule, outputs: n, inputs: m } = plan;
  const kernel = await finiteKernel(path, layer);
  const bounded = (rank: number) => Math.max(rule.minRank, Math.min(rank, rule.maxRank));
  if (start === undefined || start === 'weights') {
    const { u, s, v } = svd(transpose(matrix(m, n, kernel)));
    const rank = bounded(plan.initialRank ?? truncate(s, rule).rank);
    return { u: columns(u, rank), sigma: s.slice(0, rank), v: columns(v, rank) };
  }
  const rank = bounded(plan.initialRank ?? Math.ceil(Math.min(m, n) / 4));
  const norm = normOf(kernel);
  const sigma =
    start === 'random'
      ? new Float64Array(rank).fill(norm / Math.sqrt(rank))
      : Float64Array.from(start(path, rank)).sort().reverse();
  const stream = random.stream('start').stream(path);
  return { u: randomBasis(n, rank, stream.stream('u')), sigma, v: randomBasis(m, rank, stream.stream('v')) };
}

/** Orthonormal columns, uniformly distributed. */
export function randomBasis(rows: number, rank: number, random: Random): Matrix {
  return qr(
    matrix(
      rows,
      rank,
      Float64Array.from({ length: rows * rank }, () => random.normal()),
    ),
  ).q;
}

function columns(a: Matrix, rank: number): Matrix {
  const values = new Float64Array(a.rows * rank);
  for (let i = 0; i < a.rows; i++)
    values.set(a.values.subarray(i * a.columns, i * a.columns + rank), i * rank);
  return { rows: a.rows, columns: rank, values };
}

/** @throws NonFiniteError for NaN or infinity. */
export async function finiteKernel(path: string, layer: LayerPlan['layer']): Promise<Float32Array> {
  const kernel = (await layer.weights[0]!.read().data()) as Float32Array;
  if (kernel.every(Number.isFinite)) return kernel;
  throw new NonFiniteError(`dlrt: the kernel of "${path}" must be finite. Start from weights that are.`);
}

/** ‖values‖₂, by the norms of parts, since a call takes only so many arguments. */
export function normOf(values: Float32Array): number {
  const norms: number[] = [];
  for (let at = 0; at < values.length; at += 4096) norms.push(Math.hypot(...values.subarray(at, at + 4096)));
  return Math.hypot(...norms);
}
