import { randomProblem, solve, type MaskKind, type MethodName } from '@ockham/feature-subsample';
import { describe, expect, it } from 'vitest';

const d = 40;
const { A, b } = randomProblem(30, d, { seed: 1 });

describe.each([8, 4])('values of %i bytes', (w) => {
  const precision = w === 8 ? 'float64' : 'float32';

  it.each<[MethodName, MaskKind]>([
    ['masked', 'fixed'],
    ['deregularised', 'blocks'],
    ['consensus', 'fixed'],
    ['feddr', 'fixed'],
  ])('%s with %s masks moves w·αd each way and a seed of 4', async (method, masks) => {
    const { bytes } = await solve(A, b, {
      method,
      masks,
      alpha: 0.3,
      rounds: 5,
      workers: 3,
      precision,
      guard: 'off',
    });
    for (const round of bytes.rounds)
      for (const moved of round) expect(moved).toEqual({ mask: 4, down: w * 12, up: w * 12 });
    expect(bytes.total).toBe(5 * 3 * (2 * w * 12 + 4));
  });

  it('a snapshot adds w·d to the rounds that have one', async () => {
    const { bytes } = await solve(A, b, {
      alpha: 0.3,
      rounds: 7,
      workers: 2,
      snapshotEvery: 3,
      precision,
      guard: 'off',
    });
    const totals = bytes.rounds.map((round) => round.map(({ mask, down, up }) => mask + down + up));
    const plain = 2 * w * 12 + 4;
    expect(totals).toEqual(
      [0, 1, 2, 3, 4, 5, 6].map((k) => new Array<number>(2).fill(plain + (k % 3 === 0 ? w * d : 0))),
    );
  });

  it('gradient descent moves w·d each way', async () => {
    const { bytes } = await solve(A, b, { method: 'gd', rounds: 2, workers: 2, precision, guard: 'off' });
    expect(bytes.total).toBe(2 * 2 * (2 * w * d + 4));
  });
});

it('greedy masks are sent as d bits', async () => {
  const { bytes, certificate } = await solve(A, b, {
    method: 'masked',
    masks: 'greedy',
    alpha: 0.3,
    rounds: 200,
    workers: 1,
    guard: 'off',
  });
  expect(bytes.rounds[0]![0]).toEqual({ mask: 5, down: 96, up: 96 });
  expect(certificate.residual).toBeLessThan(0.3); // Algorithm 3 keeps its bias
});

it('four bytes on the way leave a solution of about seven digits', async () => {
  const { certificate } = await solve(A, b, { alpha: 0.8, rounds: 80, precision: 'float32', guard: 'off' });
  expect(certificate.residual).toBeLessThan(1e-5);
});
