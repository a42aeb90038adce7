import { AbortedError, ArgumentError } from '@ockham/core';
import { CommError } from '@ockham/core/comm';
import { Random } from '@ockham/core/random';
import {
  adam,
  hydrogen,
  parallelQuantumGame,
  PauliSum,
  realAmplitudes,
  transverseFieldIsing,
} from '@ockham/quantum-game';
import { playInWorkers, type OptimizerChoice, type WorkersOptions } from '@ockham/quantum-game/parallel/node';
import { expect, it } from 'vitest';

const ansatz = realAmplitudes(2);

it('plays in workers with the bits of one process, tells its rounds, and counts the bytes', async () => {
  const told: number[] = [];
  const options = { seed: 5, probes: 0, residualTolerance: 3e-4 };
  const { bytes, ...found } = await playInWorkers(hydrogen(), ansatz, 3, {
    ...options,
    workers: 2,
    optimizer: ['adam', { gradientTolerance: 0 }],
    progress: ({ metrics }) => told.push(metrics!.round!),
  });
  const alone = parallelQuantumGame(hydrogen(), ansatz, 3, {
    ...options,
    optimizer: adam({ gradientTolerance: 0 }),
  });
  expect(found).toEqual(alone);
  expect(told.length).toBeGreaterThan(0);
  expect(told).toEqual(told.toSorted((a, b) => a - b));
  const moves = alone.ledger.gradientCalls; // Adam asks for one gradient a move
  expect(bytes).toBe(8 * (2 * alone.rounds + moves * (8 + 7)));
});

it('starts from where it is told, with the optimiser of the game in one process', async () => {
  const starts = [1, 2].map((k) => Array.from({ length: 8 }, (_, i) => Math.sin(k + i)));
  const { bytes, ...found } = await playInWorkers(hydrogen(), ansatz, 2, { seed: 1, starts, workers: 1 });
  expect(bytes).toBe(0);
  expect(found).toEqual(parallelQuantumGame(hydrogen(), ansatz, 2, { seed: 1, starts }));
});

it('ends the workers when the signal fires, while the event loop goes on', async () => {
  const stop = new AbortController();
  const chain = transverseFieldIsing(11);
  const work = playInWorkers(chain, realAmplitudes(11, { repetitions: 12 }), 4, {
    seed: 1,
    workers: 2,
    signal: stop.signal,
    progress: () => stop.abort(new Error('enough')),
  });
  await expect(work).rejects.toThrow(AbortedError);
  await expect(work).rejects.toMatchObject({ cause: { message: 'enough' } });
});

it('names the worker whose numbers leave the range, with what it threw', async () => {
  const vast = PauliSum.from([
    { pauli: 'XX', coefficient: 1.5e308 },
    { pauli: 'ZI', coefficient: 1 },
  ]);
  const work = playInWorkers(vast, ansatz, 2, { seed: 1, workers: 2, shift: 1e308 });
  await expect(work).rejects.toThrow(CommError);
  await expect(work).rejects.toMatchObject({ code: 'rank-lost', cause: { message: expect.stringContaining('finite') } }); // prettier-ignore
});

const bad: readonly (readonly [string, Partial<WorkersOptions>, string])[] = [
  ['more workers than players', { workers: 4 }, '[1, levels] = [1, 3]'],
  ['no worker', { workers: 0 }, 'as a player is not shared, got 0'],
  ['half a worker', { workers: 1.5 }, 'got 1.5'],
  ['an optimiser that is a function', { optimizer: adam() as unknown as OptimizerChoice }, 'got a function'],
  ['an optimiser of no name', { optimizer: ['magic'] as unknown as OptimizerChoice }, 'got ["magic"]'],
  ['a generator for a seed', { seed: new Random(1) as unknown as number }, 'seed must be a number'],
  ['no rounds', { maxRounds: 0 }, 'playInWorkers: maxRounds must be at least 1'],
  ['a shift that is NaN', { shift: NaN }, 'finite number, got NaN'],
  ['a deadline of none', { deadline: 0 }, 'deadline must be > 0'],
];

it.each(bad)('refuses %s', async (_name, options, message) => {
  const work = playInWorkers(hydrogen(), ansatz, 3, { seed: 1, ...options });
  await expect(work).rejects.toThrow(message);
  await expect(work).rejects.toBeInstanceOf(ArgumentError);
});

it('starts no worker for a signal that has fired', async () => {
  const work = playInWorkers(hydrogen(), ansatz, 3, { seed: 1, signal: AbortSignal.abort() });
  await expect(work).rejects.toThrow('playInWorkers: stopped by the AbortSignal');
});
