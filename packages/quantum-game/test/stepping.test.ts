import { AbortedError } from '@ockham/core';
import {
  hydrogen,
  osrve,
  osrveAsync,
  parallelQuantumGame,
  parallelQuantumGameAsync,
  quantumGame,
  quantumGameAsync,
  realAmplitudes,
  ssvqe,
  ssvqeAsync,
  transverseFieldIsing,
  vqd,
  vqdAsync,
  vqe,
  vqeAsync,
  type Circuit,
  type ExcitedStates,
  type MethodOptions,
  type PauliSum,
} from '@ockham/quantum-game';
import { describe, expect, it } from 'vitest';

type Method<R> = (hamiltonian: PauliSum, ansatz: Circuit, levels: number, options: MethodOptions) => R;
const ansatz = realAmplitudes(2);
const methods: readonly (readonly [string, Method<ExcitedStates>, Method<Promise<ExcitedStates>>])[] = [
  ['quantumGame', quantumGame, quantumGameAsync],
  ['vqd', vqd, vqdAsync],
  ['ssvqe', ssvqe, ssvqeAsync],
  ['osrve', osrve, osrveAsync],
  ['parallelQuantumGame', parallelQuantumGame, parallelQuantumGameAsync],
  [
    'vqe',
    (hamiltonian, circuit, _levels, options) => vqe(hamiltonian, circuit, options),
    (hamiltonian, circuit, _levels, options) => vqeAsync(hamiltonian, circuit, options),
  ],
];

describe.each(methods)('%s with turns of the event loop', (_name, method, methodAsync) => {
  it('finds the same bits', async () => {
    expect(await methodAsync(hydrogen(), ansatz, 2, { seed: 3 })).toEqual(
      method(hydrogen(), ansatz, 2, { seed: 3 }),
    );
  });

  it('is stopped by a timer, which long work without turns would not see', async () => {
    const stop = new AbortController();
    const circuit = realAmplitudes(11, { repetitions: 12 }); // minutes
    setTimeout(() => stop.abort(new Error('enough')), 20);
    const work = methodAsync(transverseFieldIsing(11), circuit, 2, { seed: 3, signal: stop.signal });
    await expect(work).rejects.toThrow(AbortedError);
    await expect(work).rejects.toMatchObject({ cause: { message: 'enough' } });
  });

  it('is refused bad input by a rejection', async () => {
    await expect(methodAsync(hydrogen(), realAmplitudes(3), 2, { seed: 3 })).rejects.toThrow(
      '2 qubits and the ansatz 3',
    );
  });
});

it('the game in parallel tells its rounds, until all players rest', () => {
  const told: (readonly [number | undefined, number])[] = [];
  const { rounds } = parallelQuantumGame(hydrogen(), ansatz, 3, {
    seed: 1,
    probes: 0,
    progress: ({ done, metrics }) => told.push([metrics?.round, done]),
  });
  expect(told.map(([round]) => round)).toEqual(Array.from({ length: rounds }, (_, i) => i + 1));
  expect(told.at(-1)).toEqual([rounds, 3]);
  expect(told[0]).toEqual([1, 0]);
});

it('the game in parallel is refused shots, which it would not take', () => {
  const options = { seed: 1, shots: 100 };
  expect(() => parallelQuantumGame(hydrogen(), ansatz, 2, options)).toThrow('exact, got 100 shots');
});
