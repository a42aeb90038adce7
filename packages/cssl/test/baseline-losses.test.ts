import { tensor2d, tidy } from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { derLoss } from '../src/baselines/der.ts';
import { distillationLoss } from '../src/baselines/icarl.ts';

const logits = [
  [1, 0, -1],
  [0.5, 2, 0],
  [0, 0, 3],
];
const labels = [0, 1, 1];
const softmax = (row: readonly number[], temperature = 1) => {
  const exponents = row.map((value) => Math.exp(value / temperature));
  const sum = exponents.reduce((a, b) => a + b);
  return exponents.map((value) => value / sum);
};
const entropy = (i: number) => -Math.log(softmax(logits[i]!)[labels[i]!]!);
const value = (loss: ReturnType<typeof derLoss>, targets: number[][]) =>
  tidy(() => loss(tensor2d(targets), tensor2d(logits)).dataSync()[0]);

describe('the loss of DER++', () => {
  it('is H(new) + α · mean squared distance of logits + β · H(stored), each a mean over its examples', () => {
    const targets = [
      [0, 0, 0, 0, 0],
      [1, 1, 1, 1, 0], // stored logits 1, 1, 0
      [1, 1, 0, 0, 0], // stored logits 0, 0, 0
    ];
    const distances = [(0.25 + 1 + 0) / 3, 9 / 3];
    const expected =
      entropy(0) + (0.3 * (distances[0]! + distances[1]!)) / 2 + (0.7 * (entropy(1) + entropy(2))) / 2;
    expect(value(derLoss(0.3, 0.7), targets)).toBeCloseTo(expected, 5);
  });

  it('is plain cross-entropy while nothing is stored', () => {
    const targets = labels.map((label) => [label, 0, 0, 0, 0]);
    expect(value(derLoss(1, 1), targets)).toBeCloseTo((entropy(0) + entropy(1) + entropy(2)) / 3, 5);
  });
});

describe('the loss of iCaRL', () => {
  it('adds T² times the cross-entropy with the teacher, where there is one', () => {
    const soft = [
      [0.5, 0.5, 0],
      [0.2, 0.3, 0.5],
    ];
    const targets = [
      [0, 1, ...soft[0]!],
      [1, 1, ...soft[1]!],
      [1, 0, 0, 0, 0],
    ];
    const away = soft.map((row, i) =>
      row.reduce((sum, p, c) => sum - p * Math.log(softmax(logits[i]!, 2)[c]!), 0),
    );
    const expected = (entropy(0) + entropy(1) + entropy(2)) / 3 + 1.5 * 4 * ((away[0]! + away[1]!) / 2);
    expect(value(distillationLoss(1.5, 2), targets)).toBeCloseTo(expected, 5);
  });
});
