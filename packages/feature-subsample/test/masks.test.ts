import fc from 'fast-check';
import {
  linearSystem,
  maskFamily,
  maskedGradient,
  maskedLoss,
  randomProblem,
  type Mask,
} from '@ockham/feature-subsample';
import { describe, expect, it } from 'vitest';

const { A, b } = randomProblem(15, 8, { seed: 1, condition: 3, noise: 0.3 });
const system = linearSystem(A, b);
const x = Float64Array.from({ length: 8 }, (_, i) => Math.sin(i + 1));

/** Every mask that can be drawn, with its probability. */
function* everyMask(probabilities: Float64Array, size?: number): Generator<[Mask, number]> {
  const d = probabilities.length;
  const sets = [...Array(2 ** d).keys()].filter(
    (bits) => size === undefined || [...Array(d).keys()].filter((i) => (bits >> i) & 1).length === size,
  );
  for (const bits of sets) {
    const indices = Int32Array.from([...Array(d).keys()].filter((i) => (bits >> i) & 1));
    const chance =
      size === undefined
        ? probabilities.reduce((product, p, i) => product * ((bits >> i) & 1 ? p : 1 - p), 1)
        : 1 / sets.length;
    yield [{ indices, weights: Float64Array.from(indices, (i) => 1 / probabilities[i]!) }, chance];
  }
}

describe.each(['bernoulli', 'fixed', 'blocks', 'leverage'] as const)('%s masks', (kind) => {
  const family = maskFamily(kind, system, 0.5);

  it('Theorem 1: mean loss and gradient over every mask are those of the whole', () => {
    const masks = [...everyMask(family.probabilities, kind === 'fixed' || kind === 'blocks' ? 4 : undefined)];
    let loss = 0;
    const gradient = new Float64Array(8);
    for (const [mask, chance] of masks) {
      const v = Float64Array.from(mask.indices, (i) => x[i]!);
      const { pairFactor } = family;
      loss += chance * maskedLoss(system, mask, v, 'deregularised', pairFactor);
      const g = maskedGradient(system, mask, v, 'deregularised', { pairFactor });
      mask.indices.forEach((i, p) => (gradient[i]! += chance * g[p]!));
    }
    const whole = { indices: Int32Array.from(x.keys()), weights: new Float64Array(8).fill(1) };
    expect(Math.abs(loss - maskedLoss(system, whole, x, 'plain'))).toBeLessThan(1e-12);
    system.gradient(x).forEach((g, i) => expect(Math.abs(gradient[i]! - g)).toBeLessThan(1e-12));
  });

  it('each feature is seen as often as its probability says', () => {
    const seen = new Float64Array(8);
    const draws = 4000;
    for (let seed = 0; seed < draws; seed++)
      for (const i of family.draw(seed, seed % 3).indices) seen[i]! += 1;
    seen.forEach((count, i) =>
      expect(Math.abs(count / draws - family.probabilities[i]!)).toBeLessThan(0.035),
    );
  });

  it('come from the seed and the worker alone, rising and without repeats', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), fc.nat(20), (seed, worker) => {
        const { indices } = family.draw(seed, worker);
        expect(family.draw(seed, worker).indices).toEqual(indices);
        expect([...indices]).toEqual([...new Set(indices)].sort((i, j) => i - j));
      }),
      { numRuns: 50 },
    );
  });
});

it('blocks of one round are disjoint while there are features left, and cover evenly', () => {
  const family = maskFamily('blocks', system, 0.25);
  const dealt = [0, 1, 2, 3].flatMap((worker) => [...family.draw(9, worker).indices]);
  expect(dealt.sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

it('leverage probabilities add up to αd and differ', () => {
  const { probabilities } = maskFamily('leverage', system, 0.5);
  expect(probabilities.reduce((sum, p) => sum + p, 0)).toBeCloseTo(4, 10);
  expect(Math.max(...probabilities)).toBeGreaterThan(1.01 * Math.min(...probabilities));
});
