import { AbortedError } from '@ockham/core';
import {
  hydrogen,
  parallelQuantumGame,
  quantumGame,
  quantumGameAsync,
  realAmplitudes,
  transverseFieldIsing,
} from '@ockham/quantum-game';
import { playInWorkers } from '@ockham/quantum-game/parallel';
import { describe, expect, inject, it } from 'vitest';

const ansatz = realAmplitudes(2);
const script = (): Worker =>
  new Worker(new URL('./fixtures/players.page.ts', import.meta.url), { type: 'module' });

it('the page is isolated where the configuration says so', () => {
  expect(crossOriginIsolated).toBe(inject('isolated') === true);
});

it('the event loop of a page takes turns, for the same bits', async () => {
  const found = await quantumGameAsync(hydrogen(), ansatz, 3, { seed: 7 });
  expect(found).toEqual(quantumGame(hydrogen(), ansatz, 3, { seed: 7 }));
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 20);
  const options = { seed: 7, signal: stop.signal };
  const long = realAmplitudes(11, { repetitions: 12 });
  await expect(quantumGameAsync(transverseFieldIsing(11), long, 3, options)).rejects.toThrow(AbortedError);
});

describe.runIf(crossOriginIsolated)('in a page that is cross-origin isolated', () => {
  it('players in workers give the bits of one process, and tell their rounds', async () => {
    const alone = parallelQuantumGame(hydrogen(), ansatz, 3, { seed: 7 });
    let last = 0;
    const { bytes, ...found } = await playInWorkers(hydrogen(), ansatz, 3, {
      seed: 7,
      workers: 2,
      script,
      progress: ({ metrics }) => (last = metrics!.round!),
    });
    expect(found).toEqual(alone);
    expect(bytes).toBeGreaterThan(0);
    expect(last).toBeGreaterThan(0);
  });

  it('a signal ends them', async () => {
    const stop = new AbortController();
    const options = { seed: 7, workers: 2, script, signal: stop.signal, progress: () => stop.abort() };
    const long = realAmplitudes(11, { repetitions: 12 });
    await expect(playInWorkers(transverseFieldIsing(11), long, 3, options)).rejects.toThrow(AbortedError);
  });
});

describe.runIf(!crossOriginIsolated)('in any other page', () => {
  it('workers are said not to be had', async () => {
    const work = playInWorkers(hydrogen(), ansatz, 2, { seed: 7, script });
    await expect(work).rejects.toThrow(/must be cross-origin isolated/);
  });
});
