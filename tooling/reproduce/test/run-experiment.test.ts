import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AbortedError, DataError, NonFiniteError } from '@ockham/core';
import { parseResult } from '../src/result.ts';
import { runExperiment } from '../src/run-experiment.ts';
import { surroundings, temporaryFolder, toyDataset, toyExperiment, toyRows } from './toy.ts';

const claimsOf = (result: { figures: readonly { claims: readonly { verdict: string }[] }[] }) =>
  result.figures.flatMap(({ claims }) => claims.map(({ verdict }) => verdict));

describe('runExperiment', () => {
  it('writes rows, verdicts, provenance and a drawing per figure, and leaves no partial state', async () => {
    const results = await temporaryFolder();
    const { result, file } = await runExperiment(toyExperiment(), surroundings(results));
    expect(claimsOf(result)).toEqual(['reproduced', 'reproduced']);
    expect(parseResult(await readFile(file, 'utf8'), file)).toEqual(result);
    expect(result.rows).toHaveLength(12);
    expect(result.config).toEqual({ epochs: { value: [1, 2], why: 'the range of Figure 1' } });
    expect(result.provenance).toMatchObject({
      seeds: [0, 1, 2],
      engine: { name: 'wasm' },
      datasets: { mnist: { source: 'folder', checksums: { 'a.gz': 'abc' } } },
      machine: { cores: 2 },
    });
    expect(Object.keys(result.provenance.seconds.bySeed)).toEqual(['0', '1', '2']);
    expect((await readdir(join(results, 'standard'))).sort()).toEqual([
      'figures.figure-1.svg',
      'figures.figure-2.svg',
      'figures.json',
    ]);
    expect(await readdir(join(results, '.partial', 'standard'))).toEqual([]);
  });

  it('joins seeds that were run apart, each over the result of the last', async () => {
    const results = await temporaryFolder();
    const ran: number[] = [];
    const toy = toyExperiment(({ seed, config }) => {
      ran.push(seed);
      return toyRows(seed, config.epochs);
    });
    for (const seed of [2, 0, 1]) await runExperiment(toy, surroundings(results, { seeds: [seed] }));
    const { result } = await runExperiment(toy, surroundings(results));
    expect(ran).toEqual([2, 0, 1]);
    expect(result.provenance.seeds).toEqual([0, 1, 2]);
    expect(result.rows).toHaveLength(12);
    expect(await readdir(join(results, '.partial', 'standard'))).toEqual([]);
  });

  it('keeps finished seeds when a later one fails, and does not run them again', async () => {
    const results = await temporaryFolder();
    const ran: number[] = [];
    let broken = true;
    const toy = toyExperiment(({ seed, config }) => {
      ran.push(seed);
      if (seed === 1 && broken) throw new Error('power cut');
      return toyRows(seed, config.epochs);
    });
    await expect(runExperiment(toy, surroundings(results))).rejects.toThrow('power cut');
    broken = false;
    const again = surroundings(results);
    const { result } = await runExperiment(toy, again);
    expect(ran).toEqual([0, 1, 1, 2]);
    expect(again.events.filter(({ kept }) => kept).map(({ seed }) => seed)).toEqual([0]);
    const clean = await runExperiment(toyExperiment(), surroundings(await temporaryFolder()));
    expect(result.rows).toEqual(clean.result.rows);
  });

  it('goes on within a seed from its parts and checkpoints after an abort', async () => {
    const results = await temporaryFolder();
    const controller = new AbortController();
    const worked: string[] = [];
    const found: unknown[] = [];
    const toy = toyExperiment(async ({ seed, config, once, checkpoint, signal }) => {
      await once('first-half', () => void worked.push(`first ${seed}`));
      const store = checkpoint('second-half');
      const snapshot = await store.read();
      found.push(snapshot?.meta.step);
      if (!snapshot) {
        await store.write({ meta: { step: 7 }, arrays: { w: new Float32Array([1, 2]) } });
        controller.abort();
      }
      if (signal.aborted) throw new Error('the training loop stopped');
      return toyRows(seed, config.epochs);
    });
    const stopped = runExperiment(toy, surroundings(results, { seeds: [5], signal: controller.signal }));
    await expect(stopped).rejects.toBeInstanceOf(AbortedError);
    expect(await readdir(join(results, '.partial/standard/figures/5'))).toHaveLength(3);
    const { result } = await runExperiment(toy, surroundings(results, { seeds: [5] }));
    expect(worked).toEqual(['first 5']);
    expect(found).toEqual([undefined, 7]);
    expect(result.rows).toEqual(toyRows(5, [1, 2]));
  });

  it.each([
    ['other sources', { sources: 'sources-2' }],
    ['another engine', { engine: { name: 'cpu', reason: 'asked for' } }],
    ['other data', { load: () => Promise.resolve(toyDataset('folder', 'other')) }],
    ['--fresh', { fresh: true }],
  ])('runs finished seeds again under %s', async (_, change) => {
    const results = await temporaryFolder();
    let runs = 0;
    const toy = toyExperiment(({ seed, config }) => {
      runs++;
      return toyRows(seed, config.epochs);
    });
    await runExperiment(toy, surroundings(results, { seeds: [0, 1] }));
    await runExperiment(toy, surroundings(results, { seeds: [0, 1, 2] }));
    expect(runs).toBe(3);
    await runExperiment(toy, surroundings(results, { seeds: [0, 1, 2], ...change }));
    expect(runs).toBe(6);
  });

  it('reports a missing dataset as skipped, neither failed nor passed, and keeps an earlier result', async () => {
    const missing = {
      load: () =>
        Promise.reject(
          new DataError('dataset-missing', 'mnist: put four files into a folder named by OCKHAM_DATA.'),
        ),
    };
    const results = await temporaryFolder();
    const { result, written } = await runExperiment(toyExperiment(), surroundings(results, missing));
    expect(written).toBe(true);
    expect(claimsOf(result)).toEqual(['skipped', 'skipped']);
    expect(result.skipped).toMatch(/OCKHAM_DATA/);
    const full = await runExperiment(toyExperiment(), surroundings(results));
    const before = await readFile(full.file, 'utf8');
    expect(await runExperiment(toyExperiment(), surroundings(results, missing))).toMatchObject({
      written: false,
    });
    expect(await readFile(full.file, 'utf8')).toBe(before);
  });

  it('fails on damaged data instead of skipping it', async () => {
    const load = () => Promise.reject(new DataError('checksum-mismatch', 'mnist: a.gz was altered.'));
    await expect(
      runExperiment(toyExperiment(), surroundings(await temporaryFolder(), { load })),
    ).rejects.toThrow(/altered/);
  });

  it('never lets a run on the embedded sample pass for one on the full data', async () => {
    const results = await temporaryFolder();
    const full = await runExperiment(toyExperiment(), surroundings(results));
    const load = () => Promise.resolve(toyDataset('embedded-sample'));
    const { result, file } = await runExperiment(toyExperiment(), surroundings(results, { load }));
    expect(file).toBe(join(results, 'standard', 'figures.sample.json'));
    expect(claimsOf(result)).toEqual(['inconclusive', 'inconclusive']);
    expect(await readFile(join(results, 'standard', 'figures.sample.figure-1.svg'), 'utf8')).toContain(
      'embedded sample',
    );
    expect(claimsOf(parseResult(await readFile(full.file, 'utf8'), full.file))).toEqual([
      'reproduced',
      'reproduced',
    ]);
  });

  it('refuses rows that JSON would falsify, naming row and column', async () => {
    const results = await temporaryFolder();
    const toy = toyExperiment(({ seed }) => [{ ...toyRows(seed, [1])[0]!, accuracy: NaN }]);
    const failed = runExperiment(toy, surroundings(results));
    await expect(failed).rejects.toBeInstanceOf(NonFiniteError);
    await expect(failed).rejects.toThrow(/row 0 of seed 0: accuracy must be finite, got NaN/);
    const otherSeed = toyExperiment(() => toyRows(9, [1]));
    await expect(runExperiment(otherSeed, surroundings(results))).rejects.toThrow(/must have seed 0, got 9/);
    await expect(
      runExperiment(
        toyExperiment(() => []),
        surroundings(results),
      ),
    ).rejects.toThrow(/at least one row/);
    const inPart = toyExperiment(async ({ once, seed }) => [
      { ...toyRows(seed, [1])[0]!, accuracy: await once('a', () => Infinity) },
    ]);
    await expect(runExperiment(inPart, surroundings(results))).rejects.toThrow(/once\(a\) must be finite/);
  });

  it('computes a cut-off state file again instead of trusting it', async () => {
    const results = await temporaryFolder();
    const toy = toyExperiment(({ seed, config }) => {
      if (seed === 2) throw new Error('stop');
      return toyRows(seed, config.epochs);
    });
    await expect(runExperiment(toy, surroundings(results))).rejects.toThrow('stop');
    await writeFile(join(results, '.partial/standard/figures/0.json'), '{"key":"');
    const { result } = await runExperiment(toyExperiment(), surroundings(results));
    expect(result.rows).toHaveLength(12);
  });

  it('removes drawings of figures that the experiment no longer has', async () => {
    const results = await temporaryFolder();
    await runExperiment(toyExperiment(), surroundings(results));
    await writeFile(join(results, 'standard', 'figures.figure-9.svg'), '<svg/>');
    await writeFile(join(results, 'standard', 'figures-other.figure-9.svg'), '<svg/>');
    await runExperiment(toyExperiment(), surroundings(results));
    const names = await readdir(join(results, 'standard'));
    expect(names).not.toContain('figures.figure-9.svg');
    expect(names).toContain('figures-other.figure-9.svg');
  });
});
