import { shareOf } from '@ockham/core/comm';
import { lstsq } from '@ockham/core/linalg/lstsq';
import type { DenseMatrix, Table } from '@ockham/feature-subsample';

/** Ax, `[n]`. */
export function marginsOf({ rows, columns, values }: DenseMatrix, x: Float64Array): Float64Array {
  const made = new Float64Array(rows);
  for (let i = 0, p = 0; i < rows; i++) for (let j = 0; j < columns; j++, p++) made[i]! += values[p]! * x[j]!;
  return made;
}

/** Mean log(1 + e^{−b aᵀx}) + (λ/2)‖x‖². */
export function logisticLoss({ A, b }: Table, x: Float64Array, ridge: number): number {
  const sum = marginsOf(A, x).reduce((total, margin, i) => {
    const z = -b[i]! * margin;
    return total + (z > 0 ? z + Math.log1p(Math.exp(-z)) : Math.log1p(Math.exp(z)));
  }, 0);
  return sum / A.rows + (ridge / 2) * x.reduce((total, value) => total + value * value, 0);
}

/** Share of the samples on the right side. */
export function logisticAccuracy({ A, b }: Table, x: Float64Array): number {
  return marginsOf(A, x).reduce((sum, margin, i) => sum + (margin * b[i]! > 0 ? 1 : 0), 0) / A.rows;
}

/** The optimum, by Newton's method as least squares with weights. */
export function newton({ A, b }: Table, ridge: number, steps = 12): Float64Array {
  const { rows: n, columns: d } = A;
  let x: Float64Array = new Float64Array(d);
  for (let step = 0; step < steps; step++) {
    const margins = marginsOf(A, x);
    const values = new Float64Array((n + d) * d);
    const target = new Float64Array(n + d);
    for (let i = 0; i < n; i++) {
      const wrong = 1 / (1 + Math.exp(b[i]! * margins[i]!));
      const curvature = Math.max(wrong * (1 - wrong), 1e-10);
      const root = Math.sqrt(curvature / n);
      for (let j = 0; j < d; j++) values[i * d + j] = root * A.values[i * d + j]!;
      target[i] = root * (margins[i]! + (b[i]! * wrong) / curvature);
    }
    for (let j = 0; j < d; j++) values[(n + j) * d + j] = Math.sqrt(ridge);
    x = lstsq({ rows: n + d, columns: d, values }, { rows: n + d, columns: 1, values: target }).x.values;
  }
  return x;
}

/**
 * FedAvg: each of `workers` clients takes T gradient steps on its share of the rows, and x is their mean; with T = 1 gradient
 * descent. Moves d numbers to and from each worker, and a word of 4 bytes, in a round.
 */
export function fedAvgLogistic(
  { A, b }: Table,
  options: { workers: number; localSteps: number; rounds: number; ridge: number; learningRate: number },
): Float64Array {
  const { workers, localSteps, rounds, ridge, learningRate } = options;
  const { rows: n, columns: d, values } = A;
  let x: Float64Array = new Float64Array(d);
  for (let k = 0; k < rounds; k++) {
    const mean = new Float64Array(d);
    for (let w = 0; w < workers; w++) {
      const [begin, end] = shareOf(n, w, workers);
      const part = { rows: end - begin, columns: d, values: values.subarray(begin * d, end * d) };
      const own = x.slice();
      for (let t = 0; t < localSteps; t++) {
        const margins = marginsOf(part, own);
        const g = own.map((value) => ridge * value);
        for (let i = 0, p = 0; i < part.rows; i++) {
          const y = b[begin + i]!;
          const weight = -y / (1 + Math.exp(y * margins[i]!)) / part.rows;
          for (let j = 0; j < d; j++, p++) g[j]! += weight * part.values[p]!;
        }
        for (let j = 0; j < d; j++) own[j]! -= learningRate * g[j]!;
      }
      for (let j = 0; j < d; j++) mean[j]! += own[j]! / workers;
    }
    x = mean;
  }
  return x;
}

/** With all products of two of its features that occur at least `least` times. */
export function withPairs({ A, b, columns }: Table, least: number): Table {
  const { rows, columns: d, values } = A;
  const pairs: [number, number][] = columns.map((_, j) => [j, j]);
  for (let j = 0; j < d; j++) {
    for (let l = 0; l < j; l++) {
      let count = 0;
      for (let i = 0; i < rows; i++) if (values[i * d + j] !== 0 && values[i * d + l] !== 0) count++;
      if (count >= least) pairs.push([j, l]);
    }
  }
  const made = new Float64Array(rows * pairs.length);
  for (let i = 0; i < rows; i++)
    pairs.forEach(([j, l], p) => (made[i * pairs.length + p] = values[i * d + j]! * values[i * d + l]!));
  return {
    A: { rows, columns: pairs.length, values: made },
    b,
    columns: pairs.map(([j, l]) => (j === l ? columns[j]! : `${columns[j]!} × ${columns[l]!}`)),
  };
}
