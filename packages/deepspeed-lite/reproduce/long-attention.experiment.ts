import '@tensorflow/tfjs';
import { throwIfAborted } from '@ockham/core';
import { claim, experiment, inEveryRow, lineOverSeeds, meanAtLeast, meanAtMost, where, type Row } from '@ockham/reproduce'; // prettier-ignore
import type { BlockPattern } from '../src/attention/index.ts';
import {
  MIB,
  measureLongest,
  measureMemory,
  measureTimes,
  type Measure,
  type Measured,
} from './attention-cost.ts';
import { measureParity } from './attention-parity.ts';
import { trainAttending, type AttendingSizes } from './attention-training.ts';
import { shakespeare } from './characters.ts';

interface Config extends AttendingSizes {
  readonly lengths: readonly number[];
  readonly repeats: number;
  readonly parityLengths: readonly number[];
  readonly budget: number;
  readonly step: number;
}

interface AttentionRow extends Row, Measured {}

const SPARSE = ['big-bird', 'longformer'] as const;
const scale = (config: Partial<Config>): Config => ({
  ...{ lengths: [64], repeats: 2, parityLengths: [72], budget: 20 * MIB, step: 8 },
  ...{ layers: 2, hidden: 16, heads: 2, length: 32, batchSize: 4, updates: 4, testExamples: 8 },
  learningRate: 0.002,
  ...config,
});

export default experiment<Config, AttentionRow, 'texts'>({
  id: 'deepspeed-lite/long-attention',
  paper:
    'Section 3.3: sparse attention: sequences orders of magnitude longer, up to 6 times faster, comparable accuracy',
  datasets: ['texts'],
  alone: true,
  scales: {
    smoke: { seeds: 1, config: scale({}) },
    standard: {
      seeds: 2,
      config: scale({
        ...{
          lengths: [256, 512, 1024],
          repeats: 3,
          parityLengths: [200, 512],
          budget: 64 * MIB,
          step: 1.5,
        },
        ...{ layers: 2, hidden: 32, heads: 2, length: 64, batchSize: 16, updates: 30, testExamples: 64 },
      }),
    },
    paper: {
      seeds: 5,
      config: scale({
        ...{
          lengths: [256, 512, 1024, 2048, 4096],
          repeats: 15,
          parityLengths: [200, 512, 2048],
          budget: 1024 * MIB,
          step: 1.25,
        },
        ...{
          layers: 4,
          hidden: 128,
          heads: 4,
          length: 128,
          batchSize: 16,
          updates: 1_000,
          testExamples: 512,
        },
      }),
    },
  },
  why: {
    lengths: 'tokens; one sequence, 4 heads of 64: BERT-mini',
    repeats: 'forward passes of each way, in turns',
    parityLengths: 'tokens, one length that is no multiple of the block',
    budget: 'bytes of the wasm engine; 1 GiB',
    step: 'how much longer the next sequence is that is tried',
    layers: 'of a GPT of characters',
    hidden: 'as above',
    heads: 'as above',
    length: 'characters of an example',
    batchSize: 'examples of an update',
    updates: 'the same for all',
    testExamples: 'of the last tenth of the text',
    learningRate: 'of Adam, falling to 0 in a line, after a warm-up of 5 %',
  },
  differences: [
    'The survey prints no lengths, densities or hardware. Layouts are those that DeepSpeed has as defaults: blocks of 16, a window of 3 blocks, the first block global, and for BigBird one random block a row; fixed: windows of 4 blocks, the last of each seen by all, causal.',
    'Time and memory are those of the wasm engine with one thread, whatever engine trains; dense are the two layers of core, whose products are our kernels; the dense kernel is the sparse one with all blocks, which never has the whole matrix either.',
    'Memory is what the engine has taken from the host after one pass in a fresh thread, weights aside: it grows in steps and has 16 MiB from the beginning. The lists of blocks, four bytes for each, are JavaScript’s.',
    'The language model is small and its examples short, so that both ways can be trained often; there attention is sparse for what it computes, not faster.',
  ],
  async run({ config, seed, data, signal, progress, once }) {
    const rows: AttentionRow[] = [];
    let done = 0;
    const part = async (stage: string, work: () => Promise<Measured[]>): Promise<void> => {
      throwIfAborted(signal, 'long-attention');
      progress({ stage, done: done++, total: 5 });
      rows.push(...(await once(stage, work)).map((row) => ({ seed, ...row })));
    };
    await part('time', () => measureTimes(config.lengths, config.repeats));
    await part('memory', () => measureMemory(config.lengths));
    await part('longest', () => measureLongest(config.budget, config.step));
    await part('parity', () => Promise.resolve(measureParity(config.parityLengths, seed)));
    const characters = shakespeare(data.texts, config.length);
    await part('training', async () => {
      const arms: [string, BlockPattern | undefined][] = [
        ['dense', undefined],
        ['fixed', { kind: 'fixed', block: 8, local: 4, attention: 'unidirectional' }],
      ];
      const losses: Measured[] = [];
      for (const [arm, pattern] of arms) {
        const value = await once(`training-${arm}`, () =>
          trainAttending(characters, config, seed, pattern, signal),
        );
        losses.push({ measure: 'test loss', arm, length: config.length, value });
      }
      return losses;
    });
    return rows;
  },
  claims: [
    claim<AttentionRow>('outputs are those of masked dense attention to 1e-5, for every layout', {
      paper: 'our bar',
      minSeeds: 1,
      measure: (rows) =>
        inEveryRow(where(rows, { measure: 'output difference' }), ({ value }) => value <= 1e-5),
    }),
    claim<AttentionRow>('gradients are those of masked dense attention to 1e-4', {
      paper: 'our bar',
      minSeeds: 1,
      measure: (rows) =>
        inEveryRow(where(rows, { measure: 'gradient difference' }), ({ value }) => value <= 1e-4),
    }),
    ...SPARSE.flatMap((arm) => [
      claim<AttentionRow>(`${arm} is never slower than dense from 512 tokens`, {
        paper: 'our bar',
        decidedFrom: 'paper',
        measure: (rows) => inEveryRow(where(rows, { measure: 'times as fast', arm }).filter(({ length }) => length >= 512), ({ value }) => value >= 1), // prettier-ignore
      }),
      ...(
        [
          [1024, 5],
          [4096, 10],
        ] as const
      ).map(([length, bound]) =>
        // prettier-ignore
        claim<AttentionRow>(`${arm} is ${bound} times as fast as dense at ${length} tokens`, {
          paper: length === 1024 ? 'our bar; up to 6 times faster' : 'our bar',
          decidedFrom: 'paper',
          measure: (rows) => meanAtLeast(where(rows, { measure: 'times as fast', arm, length }), ({ value }) => value, bound, { digits: 1, unit: '×' }), // prettier-ignore
        }),
      ),
    ]),
    ...(['forward', 'forward and backward'] as const).map((way) =>
      claim<AttentionRow>(`sequences 10 times as long fit into 1 GiB, ${way}`, {
        paper: 'our bar; orders of magnitude longer',
        decidedFrom: 'paper',
        measure: (rows) => meanAtLeast(ratios(rows, `longest ${way}`), ({ value }) => value, 10, { digits: 1, unit: '×' }), // prettier-ignore
      }),
    ),
    claim<AttentionRow>('a GPT that attends by a fixed layout is within 2 % of the dense one’s test loss', {
      paper: 'comparable accuracy',
      measure: (rows) => meanAtMost(ratios(rows, 'test loss', 'fixed'), ({ value }) => value, 1.02, { digits: 3, unit: '×' }), // prettier-ignore
      decidedFrom: 'paper',
    }),
  ],
  plot: (rows) =>
    lineOverSeeds(
      rows.filter(({ measure }) => measure === 'times as fast' || measure.startsWith('MiB')),
      {
        title: 'Attention against length: times as fast as dense, and memory of the engine',
        x: { field: 'length', title: 'tokens', scale: 'log' },
        y: { field: 'value', title: 'value', scale: 'log' },
        series: 'arm',
        facet: 'measure',
      },
    ),
});

/** Of each seed, the last arm's value ÷ dense's. */
function ratios(rows: readonly AttentionRow[], measure: Measure, arm = 'big-bird'): Seeded[] {
  return where(rows, { measure, arm }).flatMap(({ seed, value }) =>
    where(rows, { measure, arm: 'dense', seed }).map((dense) => ({ seed, value: value / dense.value })),
  );
}

interface Seeded extends Row {
  readonly value: number;
}
