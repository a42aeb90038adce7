import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { eigh } from '@ockham/core/linalg/eigh';
import { Random } from '@ockham/core/random';
import { eigenGame } from '@ockham/quantum-game';
import { describe, expect, it } from 'vitest';

const given = process.env.OCKHAM_DATA ?? '';
const table = given === '' ? undefined : ['.', '../..'].map((from) => resolve(from, given, 'tabular/uci-concrete.txt.gz')).find((path) => existsSync(path)); // prettier-ignore

describe('eigenGame', () => {
  const [rows, columns] = [400, 6];
  const random = new Random(3);
  const data = Float64Array.from({ length: rows * columns }, (_, i) => random.normal() * (6 - (i % columns)));
  const covariance = new Float64Array(columns * columns);
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < columns; i++) {
      for (let j = 0; j < columns; j++)
        covariance[i * columns + j]! += (data[r * columns + i]! * data[r * columns + j]!) / rows;
    }
  }
  const reference = eigh({ rows: columns, columns, values: covariance }).values.toReversed();

  it.each(['alpha', 'mu', 'gamma'] as const)('%s finds the principal components of data', (variant) => {
    const { values } = eigenGame(data, columns, 3, { seed: 1, variant, steps: 800 });
    values.forEach((value, i) => expect(value / reference[i]!).toBeCloseTo(1, 6));
  });

  it('gamma solves the generalised problem of a matrix B, as Cholesky and eigh do', () => {
    // B = Lᵀ L, L upper triangular; M v = λ B v is L⁻ᵀ M L⁻¹ w = λ w with w = L v
    const upper = Float64Array.from({ length: columns * columns }, (_, at) => {
      const [i, j] = [Math.floor(at / columns), at % columns];
      return i === j ? 1 + 0.2 * i : i < j ? 0.3 * Math.sin(i + 2 * j) : 0;
    });
    const at = (a: Float64Array, i: number, j: number): number => a[i * columns + j]!;
    const indices = [...Array(columns).keys()];
    const times = (left: (i: number, l: number) => number, right: (l: number, j: number) => number) =>
      Float64Array.from(
        indices.flatMap((i) =>
          indices.map((j) => indices.reduce((sum, l) => sum + left(i, l) * right(l, j), 0)),
        ),
      );
    const metric = times(
      (i, l) => at(upper, l, i),
      (l, j) => at(upper, l, j),
    );
    const inverse = new Float64Array(columns * columns); // by back substitution
    for (const j of indices) {
      for (const i of indices.toReversed()) {
        const rest = indices
          .filter((l) => l > i)
          .reduce((sum, l) => sum + at(upper, i, l) * at(inverse, l, j), 0);
        inverse[i * columns + j] = (Number(i === j) - rest) / at(upper, i, i);
      }
    }
    const half = times(
      (i, l) => at(inverse, l, i),
      (l, j) => at(covariance, l, j),
    );
    const whole = times(
      (i, l) => at(half, i, l),
      (l, j) => at(inverse, l, j),
    );
    const symmetric = whole.map((_, p) => (whole[p]! + at(whole, p % columns, Math.floor(p / columns))) / 2);
    const wanted = eigh({ rows: columns, columns, values: symmetric }).values.toReversed();
    const symmetricMetric = metric.map((_, p) =>
      Math.max(metric[p]!, at(metric, p % columns, Math.floor(p / columns))),
    );
    const { values, vectors } = eigenGame(data, columns, 3, {
      seed: 2, variant: 'gamma', steps: 6_000, metric: symmetricMetric,
    }); // prettier-ignore
    values.forEach((value, i) => expect(value / wanted[i]!).toBeCloseTo(1, 6));
    const norm = (i: number, j: number): number =>
      indices.reduce(
        (sum, a) =>
          sum +
          indices.reduce(
            (s, b) => s + vectors[i * columns + a]! * at(metric, a, b) * vectors[j * columns + b]!,
            0,
          ),
        0,
      );
    expect(norm(1, 1)).toBeCloseTo(1, 12);
    expect(norm(0, 2)).toBeCloseTo(0, 5);
  });

  it('gamma with the identity as its metric is gamma without one', () => {
    const metric = Float64Array.from({ length: columns * columns }, (_, p) =>
      Number(p % (columns + 1) === 0),
    );
    const options = { seed: 1, variant: 'gamma', steps: 100 } as const;
    const plain = eigenGame(data, columns, 3, options).values;
    eigenGame(data, columns, 3, { ...options, metric }).values.forEach((value, i) =>
      expect(value).toBeCloseTo(plain[i]!, 10),
    );
  });

  it.each([
    [
      'a batch beyond the rows',
      { batchSize: rows + 1 },
      'batchSize must be a whole number in [1, 400], got 401',
    ],
    ['no steps', { steps: 0 }, 'steps must be'],
    [
      'a metric for another game',
      { metric: new Float64Array(36).fill(1) },
      "a metric needs variant: 'gamma'",
    ],
    [
      'a metric of another size',
      { variant: 'gamma', metric: new Float64Array(4) },
      'metric must be [6, 6], 36 numbers, got 4',
    ],
    [
      'a metric that is not definite',
      { variant: 'gamma', metric: new Float64Array(36) },
      'positive definite',
    ],
    ['a start of another size', { initial: new Float64Array(5) }, 'initial must hold [3, 6] numbers'],
  ] as const)('refuses %s', (_name, options, message) => {
    expect(() => eigenGame(data, columns, 3, { seed: 1, ...options })).toThrow(message);
  });

  it.skipIf(table === undefined)('alpha and mu stream through the concrete mixtures of OCKHAM_DATA', () => {
    const numbers = gunzipSync(readFileSync(table!)).toString().trim().split(/\s+/).map(Number);
    const [n, width] = [1_030, 8]; // the ninth column is the target
    const real = Float64Array.from(
      { length: n * width },
      (_, i) => numbers[9 * Math.floor(i / width) + (i % width)]!,
    );
    for (let c = 0; c < width; c++) {
      const column = Array.from({ length: n }, (_, r) => real[r * width + c]!);
      const mean = column.reduce((a, b) => a + b) / n;
      const sd = Math.sqrt(column.reduce((sum, x) => sum + (x - mean) ** 2, 0) / n);
      column.forEach((x, r) => (real[r * width + c] = (x - mean) / sd));
    }
    const gram = new Float64Array(width * width);
    for (let r = 0; r < n; r++)
      for (let p = 0; p < gram.length; p++)
        gram[p]! += (real[r * width + Math.floor(p / width)]! * real[r * width + (p % width)]!) / n;
    const wanted = eigh({ rows: width, columns: width, values: gram }).values.toReversed();
    for (const variant of ['alpha', 'mu'] as const) {
      const { values } = eigenGame(real, width, 3, {
        seed: 1,
        variant,
        batchSize: 103,
        steps: 6_000,
        learningRate: 0.5,
      });
      values.forEach((value, i) => expect(Math.abs(value / wanted[i]! - 1)).toBeLessThan(0.01));
    }
  });

  it('streams batches to within a per cent', () => {
    const { values } = eigenGame(data, columns, 3, { seed: 1, batchSize: 40, steps: 4_000 });
    values.forEach((value, i) => expect(Math.abs(value / reference[i]! - 1)).toBeLessThan(0.01));
  });
});
