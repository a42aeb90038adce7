/**
 * The rows of a count-sketch whose estimator is a median (of single hashes, or of means of groups of them). For given S
 * each number of the table is carried by one or two groups; moving every row by the weighted mean of the residuals that
 * it carries is the exact answer while the carriers stay, for one hash per group. Carriers change, so rounds repeat: a step
 * that makes the error larger is taken back and halved, and the best S is kept.
 *
 * Source: Lloyd's alternation (1982), with carriers in place of clusters.
 * Deviations: the objective is not convex; the start is the better of the least-squares rows of the mean and the weighted
 * mean of each row's tokens.
 */
import { leastSquaresSketch } from './least-squares-sketch.ts';
import { signAt } from '../layers/index.ts';
import type { SketchProblem } from './sketch-problem.ts';

/** S `[height, D]`. */
export function medianSketch(problem: SketchProblem, groups: number): Float32Array {
  const { iterations, tolerance } = problem;
  const quiet = { ...problem, iterations: Math.min(iterations, 20), round: () => {} };
  const starts = [meanOfTokens(problem), leastSquaresSketch(quiet)].map((S) => ({
    S,
    ...residuals(problem, groups, S),
  }));
  let best = starts[0]!.error <= starts[1]!.error ? starts[0]! : starts[1]!;
  let step = 1;
  for (let done = 0; done < iterations && step > 1e-3; done++) {
    const S = best.S.map((value, k) => value + step * best.move[k]!);
    const next = { S, ...residuals(problem, groups, S) };
    const gain = best.error - next.error;
    problem.round(done + 1, Math.min(best.error, next.error));
    if (gain > 0) best = next;
    else step /= 2;
    if (gain >= 0 && gain <= tolerance * best.error) break;
  }
  return best.S;
}

/** Row r: the weighted mean of ±W_x over the tokens that r serves, each hash by itself. */
function meanOfTokens({ table, dimension: D, weights, tokens, slots, hashes: d, height }: SketchProblem) {
  const S = new Float32Array(height * D);
  const mass = new Float64Array(height);
  for (const x of tokens) for (let i = 0; i < d; i++) mass[slots.rows[x * d + i]!]! += weights[x]!;
  for (const x of tokens) {
    for (let i = 0; i < d; i++) {
      const row = slots.rows[x * d + i]!;
      const factor = weights[x]! / mass[row]!;
      for (let j = 0; j < D; j++)
        S[row * D + j]! += signAt(slots, x * d + i, j, D) * factor * table[x * D + j]!;
    }
  }
  return S;
}

/** The weighted squared error of S, and by row and column the mean of the residuals carried. */
function residuals(
  { table, dimension: D, weights, tokens, slots, hashes: d }: SketchProblem,
  groups: number,
  S: Float32Array,
): { error: number; move: Float64Array } {
  const size = d / groups;
  const move = new Float64Array(S.length);
  const carried = new Float64Array(S.length);
  const means = new Float64Array(groups);
  const order = new Int32Array(groups);
  let error = 0;
  const carry = (x: number, j: number, group: number, weight: number, residual: number) => {
    for (let i = group * size; i < (group + 1) * size; i++) {
      const at = slots.rows[x * d + i]! * D + j;
      move[at]! += weight * signAt(slots, x * d + i, j, D) * residual;
      carried[at]! += weight;
    }
  };
  for (const x of tokens) {
    const w = weights[x]!;
    for (let j = 0; j < D; j++) {
      for (let g = 0; g < groups; g++) {
        let sum = 0;
        for (let i = x * d + g * size; i < x * d + (g + 1) * size; i++)
          sum += signAt(slots, i, j, D) * S[slots.rows[i]! * D + j]!;
        means[g] = sum / size;
        let place = g;
        for (; place > 0 && means[order[place - 1]!]! > means[g]!; place--) order[place] = order[place - 1]!;
        order[place] = g;
      }
      const lower = order[(groups - 1) >> 1]!;
      const upper = order[groups >> 1]!;
      const residual = table[x * D + j]! - (means[lower]! + means[upper]!) / 2;
      error += w * residual ** 2;
      carry(x, j, lower, w, residual);
      if (upper !== lower) carry(x, j, upper, w, residual);
    }
  }
  for (let k = 0; k < move.length; k++) if (carried[k]! > 0) move[k]! /= carried[k]!;
  return { error, move };
}
