import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Dataset } from '@ockham/core';
import { claim, compareOverSeeds, experiment, lineOverSeeds, meanAtLeast, where } from '../src/index.ts';
import type { Experiment } from '../src/index.ts';
import type { RunEvent, RunSurroundings } from '../src/run-experiment.ts';

export interface ToyConfig {
  readonly epochs: readonly number[];
}

export interface ToyRow {
  readonly seed: number;
  readonly method: 'fast' | 'slow';
  readonly epochs: number;
  readonly accuracy: number;
}

type ToyRun = Experiment<ToyConfig, ToyRow, 'mnist'>['run'];

/** Rows whose values follow from the seed alone: fast is about one point better than slow. */
export function toyRows(seed: number, epochs: readonly number[]): ToyRow[] {
  return epochs.flatMap((e) => [
    { seed, method: 'fast' as const, epochs: e, accuracy: 0.97 + 0.001 * e + 0.0004 * (seed % 3) },
    { seed, method: 'slow' as const, epochs: e, accuracy: 0.96 + 0.001 * e + 0.0003 * (seed % 2) },
  ]);
}

export function toyExperiment(run: ToyRun = ({ seed, config }) => toyRows(seed, config.epochs)): Experiment {
  const toy = experiment({
    id: 'toy/figures',
    paper: 'Figures 1 and 2: accuracy against epochs',
    datasets: ['mnist'],
    scales: {
      smoke: { seeds: 1, config: { epochs: [1] } },
      standard: { seeds: 3, config: { epochs: [1, 2] } },
      paper: { seeds: 5, config: { epochs: [1, 2, 4] } },
    },
    why: { epochs: 'the range of Figure 1' },
    differences: ['A toy <b>network</b>'],
    run,
    figures: [
      {
        id: 'figure-1',
        title: 'Accuracy against epochs',
        paperClaim: 'Fast is above slow & stays there.',
        claims: [
          claim<ToyRow>('fast is above slow', {
            paper: '97 % against 96 %',
            measure: (rows) =>
              compareOverSeeds(
                where(rows, { method: 'fast' }),
                where(rows, { method: 'slow' }),
                (row) => row.accuracy,
                {
                  names: ['fast', 'slow'],
                  scale: 100,
                  unit: '%',
                },
              ),
          }),
        ],
        plot: (rows) =>
          lineOverSeeds(rows, {
            title: 'Accuracy against epochs',
            series: 'method',
            x: { field: 'epochs' },
            y: { field: 'accuracy', format: '.1%' },
          }),
      },
      {
        id: 'figure-2',
        title: 'Fast alone',
        paperClaim: 'Fast keeps 97 %.',
        claims: [
          claim<ToyRow>('fast keeps 97 %', {
            paper: 'about 97 %',
            measure: (rows) =>
              meanAtLeast(where(rows, { method: 'fast' }), (row) => row.accuracy, 0.97, {
                scale: 100,
                unit: '%',
              }),
          }),
        ],
        plot: (rows) =>
          lineOverSeeds(where(rows, { method: 'fast' }), {
            title: 'Fast alone',
            series: 'method',
            x: { field: 'epochs' },
            y: { field: 'accuracy' },
          }),
      },
    ],
  });
  return toy;
}

export function toyDataset(source: Dataset['provenance']['source'] = 'folder', checksum = 'abc'): Dataset {
  const split = {
    size: 1,
    x: { values: new Uint8Array(1), shape: [1] },
    y: { values: new Int32Array(1), shape: [] },
  };
  return {
    name: 'mnist',
    train: split,
    test: split,
    classes: [],
    provenance: { source, checksums: { 'a.gz': checksum } },
  };
}

/** A folder that goes away with the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ockham-reproduce-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** What the command line would supply, with everything fixed; `events` collects progress. */
export function surroundings(
  results: string,
  changes: Partial<RunSurroundings> = {},
): RunSurroundings & { events: RunEvent[] } {
  const events: RunEvent[] = [];
  return {
    scale: 'standard',
    seeds: [0, 1, 2],
    results,
    engine: { name: 'wasm', reason: 'asked for by the test' },
    sources: 'sources-1',
    commit: null,
    dirty: false,
    portable: (text) => text,
    machine: { cpu: 'a cpu', cores: 2, platform: 'linux-x64', node: 'v22.0.0' },
    signal: new AbortController().signal,
    progress: (event) => events.push(event),
    load: () => Promise.resolve(toyDataset()),
    ...changes,
    events,
  };
}
