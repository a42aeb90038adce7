import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ArgumentError } from '@ockham/core';
import {
  accuracyOf,
  f1Score,
  glueFigures,
  glueScore,
  matthewsCorrelation,
  pearson,
  spearman,
} from '@ockham/core/metrics';

/** Written by fixtures/glue-metrics.py with scikit-learn and SciPy. */
const reference = JSON.parse(
  readFileSync(new URL('fixtures/glue-metrics.json', import.meta.url), 'utf8'),
) as {
  classes: { counts: number[][]; accuracy: number; f1: number[]; mcc: number }[];
  scores: { a: number[]; b: number[]; pearson: number; spearman: number }[];
};

describe('figures of classes', () => {
  it('are those of scikit-learn', () => {
    for (const { counts, accuracy, f1, mcc } of reference.classes) {
      expect(accuracyOf(counts)).toBeCloseTo(accuracy, 12);
      f1.forEach((value, c) => expect(f1Score(counts, c)).toBeCloseTo(value, 12));
      expect(matthewsCorrelation(counts)).toBeCloseTo(mcc, 12);
    }
  });

  it('show a model that predicts one class, whose accuracy does not', () => {
    const counts = [
      [444, 0],
      [428, 0],
    ];
    expect(accuracyOf(counts)).toBeCloseTo(0.5092, 4);
    expect(matthewsCorrelation(counts)).toBe(0);
    expect(f1Score(counts)).toBe(0);
  });

  it('refuse counts that are not square and a class that is none', () => {
    expect(() => accuracyOf([])).toThrow(ArgumentError);
    expect(() => matthewsCorrelation([[1, 2]])).toThrow(/\[classes, classes\], got 1 rows, one of 2/);
    expect(() => f1Score([[1]])).toThrow(/positive must be a class in \[0, 1\), got 1/);
  });
});

describe('correlations', () => {
  it('are those of SciPy, ties included', () => {
    for (const { a, b, ...expected } of reference.scores) {
      expect(pearson(a, b)).toBeCloseTo(expected.pearson, 10);
      expect(spearman(a, b)).toBeCloseTo(expected.spearman, 10);
    }
  });

  it('stay as they are under shifts and scales, Spearman’s under any increasing function', () => {
    const values = fc.array(fc.tuple(fc.integer({ min: -50, max: 50 }), fc.integer({ min: -50, max: 50 })), {
      minLength: 3,
      maxLength: 20,
    });
    fc.assert(
      fc.property(values, (pairs) => {
        const [a, b] = [pairs.map(([x]) => x), pairs.map(([, y]) => y)];
        fc.pre(new Set(a).size > 1 && new Set(b).size > 1);
        const moved = a.map((x) => 3 * x - 7);
        expect(pearson(moved, b)).toBeCloseTo(pearson(a, b), 10);
        const bent = a.map((x) => x ** 3 + x);
        expect(spearman(bent, b)).toBeCloseTo(spearman(a, b), 10);
      }),
    );
  });

  it('are not a number for a constant list', () => {
    expect(pearson([0.1, 0.1, 0.1], [1, 2, 3])).toBeNaN();
    expect(spearman([1, 2, 3], [5, 5, 5])).toBeNaN();
  });

  it('refuse lists of two lengths, of one value, and values that are not finite', () => {
    expect(() => pearson([1, 2], [1])).toThrow(/same length, 2 or more, got 2 and 1/);
    expect(() => pearson([1], [1])).toThrow(ArgumentError);
    expect(() => spearman([1, NaN], [1, 2])).toThrow(/spearman: values must be finite, got NaN at 1/);
  });
});

describe('the GLUE score', () => {
  it('is the mean over tasks, of two figures their mean', () => {
    const counts = [
      [30, 10],
      [20, 40],
    ];
    const mrpc = glueFigures('MRPC', counts);
    expect(mrpc).toEqual({ accuracy: 0.7, f1: expect.closeTo(80 / 110, 12) as number });
    expect(glueScore({ MRPC: mrpc, 'SST-2': glueFigures('SST-2', counts) })).toBeCloseTo(
      ((0.7 + 80 / 110) / 2 + 0.7) / 2,
      12,
    );
    const scores = { predicted: [1, 2, 3], right: [1, 2, 4] };
    expect(glueFigures('STS-B', scores)).toEqual({
      pearson: expect.closeTo(3 / Math.sqrt(2 * (14 / 3)), 12) as number,
      spearman: 1,
    });
  });

  it('refuses what a task does not have', () => {
    expect(() => glueFigures('STS-B', [[1]])).toThrow(/scores, predicted and right, got counts/);
    expect(() => glueFigures('RTE', { predicted: [1], right: [1] })).toThrow(/counts of classes, got scores/);
    expect(() => glueScore({ MRPC: { accuracy: 1 } })).toThrow(/MRPC must have accuracy and f1/);
    expect(() => glueScore({})).toThrow(ArgumentError);
  });
});
