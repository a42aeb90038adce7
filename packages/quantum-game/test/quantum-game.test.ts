import { describe, expect, it } from 'vitest';
import {
  hydrogen,
  hydrogenRepulsion,
  quantumGame,
  realAmplitudes,
  hardwareEfficient,
  slsqp,
  vqd,
  vqe,
} from '@ockham/quantum-game';

const exact = [-1.8572750302023795, -1.244584549813327, -0.8827221502448641, -0.22491125283087043];

describe('quantumGame', () => {
  it('finds the four levels of hydrogen, with and without a constant', () => {
    for (const constant of [0, hydrogenRepulsion, -10, 10]) {
      const { levels, certificate } = quantumGame(hydrogen().shifted(constant), realAmplitudes(2), 4, {
        seed: 7,
      });
      expect(certificate.passed).toBe(true);
      levels.forEach(({ energy }, i) => expect(energy - constant).toBeCloseTo(exact[i]!, 9));
    }
  });

  it('finds three with the paper’s ansatz and optimiser, by finite differences', () => {
    const { levels, ledger } = quantumGame(hydrogen(), hardwareEfficient(2), 3, {
      seed: 1,
      shift: 0,
      optimizer: slsqp(),
      gradient: 'finite-differences',
    });
    levels.forEach(({ energy }, i) => expect(energy).toBeCloseTo(exact[i]!, 3));
    expect(ledger.gradientCalls).toBe(0);
  });
});

it('vqd and vqe find the same levels', () => {
  const { levels } = vqd(hydrogen(), realAmplitudes(2), 3, { seed: 3 });
  levels.forEach(({ energy }, i) => expect(energy).toBeCloseTo(exact[i]!, 9));
  expect(vqe(hydrogen(), realAmplitudes(2), { seed: 3 }).levels[0]!.energy).toBeCloseTo(exact[0]!, 9);
});
