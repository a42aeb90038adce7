import '@tensorflow/tfjs';
import { throwIfAborted, takeExamples } from '@ockham/core';
import { train } from '@ockham/core/training';
import { claim, experiment, inEveryRow, meanAtLeast, pointsOfRows, type Row } from '@ockham/reproduce';
import { disposeModel } from '../src/tensor/split-model.ts';
import { characterGpt, LOSS, shakespeare, type CharacterSizes } from './characters.ts';
import { comparePredictions, compareTexts, onWasm, planFor, type EncoderSizes, type Planned, type Prediction, type Texts } from './inference-runs.ts'; // prettier-ignore

interface Config {
  readonly encoder: EncoderSizes;
  readonly lengths: readonly number[];
  readonly batch: number;
  readonly repeats: number;
  readonly decoder: CharacterSizes;
  readonly examples: number;
  readonly prompts: number;
  readonly tokens: number;
  readonly ranks: readonly number[];
  readonly target: number;
  readonly link: { readonly alpha: number; readonly beta: number };
}

type PredictionRow = Row & Prediction & { readonly part: 'predictions' };
type TextRow = Row & Texts & { readonly part: 'texts' };
type PlanRow = Row & Planned & { readonly part: 'plans' };
type InferenceRow = PredictionRow | TextRow | PlanRow;

const predictions = (rows: readonly InferenceRow[]): PredictionRow[] => rows.filter((row) => row.part === 'predictions'); // prettier-ignore
const texts = (rows: readonly InferenceRow[]): TextRow[] => rows.filter((row) => row.part === 'texts');
const plans = (rows: readonly InferenceRow[]): PlanRow[] => rows.filter((row) => row.part === 'plans');

/** Of each seed the least speed-up of a text without padding on an engine, over all lengths. */
function leastOf(rows: readonly InferenceRow[], engine: string): { seed: number; speedup: number }[] {
  const own = predictions(rows).filter((row) => row.batch === 1 && row.padded === 0 && row.engine === engine);
  return [...new Set(own.map(({ seed }) => seed))].map((seed) => ({
    seed,
    speedup: Math.min(...own.filter((row) => row.seed === seed).map(({ speedup }) => speedup)),
  }));
}

const scale = (config: Partial<Config>): Config => ({
  encoder: { preset: 'mini', vocabulary: 30_522 },
  lengths: [16, 64, 128],
  batch: 32,
  repeats: 9,
  decoder: { layers: 4, hidden: 128, heads: 4, length: 64 },
  examples: 1_500,
  prompts: 4,
  tokens: 32,
  ranks: [1, 2, 4, 8],
  target: 0.7,
  link: { alpha: 1e-5, beta: 1e-10 },
  ...config,
});

export default experiment<Config, InferenceRow, 'texts'>({
  id: 'deepspeed-lite/inference',
  paper: 'Section 3.6: inference with fused kernels for small batches, a policy map and adaptive parallelism',
  datasets: ['texts'],
  alone: true,
  scales: {
    smoke: {
      seeds: 1,
      config: scale({
        encoder: { preset: 'tiny', vocabulary: 100 },
        lengths: [16],
        batch: 2,
        repeats: 1,
        decoder: { layers: 1, hidden: 16, heads: 2, length: 16 },
        examples: 8,
        prompts: 1,
        tokens: 6,
        ranks: [1, 2],
      }),
    },
    standard: { seeds: 2, config: scale({ lengths: [64], batch: 8, repeats: 5, examples: 500, prompts: 2 }) },
    extended: { seeds: 2, config: scale({ lengths: [64], batch: 8 }) },
    paper: { seeds: 5, config: scale({ repeats: 25, examples: 4_000, prompts: 16, tokens: 48 }) },
  },
  why: {
    encoder: 'BERT-mini, as our bar names it',
    lengths: 'short sentences to the length that BERT is fine-tuned at',
    batch: 'beside batch 1, our bar',
    repeats: 'passes in turns, of which the median counts',
    decoder: 'a character model that writes words after some thousand examples',
    examples: 'so that greedy texts are no repetition of one character',
    prompts: 'of held-out text, 16 characters each',
    tokens: 'within the positions of the model',
    ranks: 'to plan for',
    target: 'part of the latency of one rank: out of reach of one, within that of two or four',
    link: 'threads that share a memory: 10 µs a message, 10 GB/s',
  },
  differences: [
    'Kernels are WebAssembly SIMD on one thread of a CPU; the survey speaks of CUDA kernels on many GPUs.',
    'BERT-mini with random weights: neither parity nor time depends on what it has learnt.',
    'Ranks run on a virtual clock in one process and carry real data; plans are of measured layer times and the given link.',
    'Time is wall-clock on a shared machine: ratios of passes in turns.',
  ],
  async run({ config, seed, data, signal, progress, once }) {
    const { encoder, lengths, batch, repeats, decoder, prompts, tokens, link } = config;
    const rows: InferenceRow[] = [];
    const cells = lengths.flatMap((length) => [
      { length, batch: 1, padded: 0, repeats },
      { length, batch: 1, padded: 0.5, repeats },
      { length, batch, padded: 0, repeats: Math.ceil(repeats / 3) },
    ]);
    for (const [done, cell] of cells.entries()) {
      throwIfAborted(signal, 'inference');
      progress({ stage: `${cell.batch} × ${cell.length} tokens`, done, total: cells.length });
      const name = `${cell.batch}-${cell.length}-${cell.padded}`;
      const own = await once(name, () => comparePredictions(encoder, cell, seed));
      const wasm = own.engine === 'wasm' ? [] : [await once(`wasm-${name}`, () => onWasm(() => comparePredictions(encoder, cell, seed)))]; // prettier-ignore
      for (const found of [own, ...wasm]) rows.push({ seed, part: 'predictions', ...found });
    }
    const text = await once('texts', async () => {
      const corpus = shakespeare(data.texts, decoder.length);
      const model = characterGpt(corpus, decoder, seed);
      const examples = takeExamples(corpus.train, config.examples);
      const optimizer = { name: 'adam', learningRate: 0.002 } as const;
      await train(model, examples, { epochs: 1, loss: LOSS, optimizer, seed, signal, progress });
      const held = corpus.test.x.values as Int32Array;
      const starts = Array.from({ length: prompts }, (_, i) =>
        held.slice(i * decoder.length, i * decoder.length + Math.min(16, decoder.length / 2)),
      );
      const found = await compareTexts(model, starts, tokens);
      disposeModel(model);
      return found;
    });
    rows.push({ seed, part: 'texts', ...text });
    const planned = await once('plans', () =>
      planFor(
        encoder,
        { length: lengths.at(-1)!, ranks: config.ranks, target: config.target, repeats },
        link,
        seed,
      ),
    );
    for (const found of planned) rows.push({ seed, part: 'plans', ...found });
    return rows;
  },
  claims: [
    claim('fused BERT answers as the model does: logits within 1e-5', {
      paper: 'our bar: 1e-5',
      decidedFrom: 'smoke',
      minSeeds: 1,
      measure: (rows) => inEveryRow(predictions(rows), ({ apart }) => apart <= 1e-5),
    }),
    claim('logits of two tensor-parallel ranks are within 1e-5 of the model’s', {
      paper: 'our bar: 1e-5',
      decidedFrom: 'smoke',
      minSeeds: 1,
      measure: (rows) => inEveryRow(predictions(rows), ({ apartOnTwoRanks }) => apartOnTwoRanks <= 1e-5),
    }),
    claim('greedy texts are those of the unfused model, token for token, on one rank and on two', {
      paper: 'our bar: identical',
      decidedFrom: 'smoke',
      minSeeds: 1,
      measure: (rows) =>
        inEveryRow(
          texts(rows),
          ({ written, same, sameOnTwoRanks }) => same === written && sameOnTwoRanks === written,
        ),
    }),
    claim(
      'fused BERT-mini is at least 1.5 × as fast as the unfused model at batch 1 on the wasm engine, at every length, no token padding',
      {
        paper: 'our bar: 1.5 ×',
        measure: (rows) => meanAtLeast(leastOf(rows, 'wasm'), ({ speedup }) => speedup, 1.5, { digits: 2 }),
      },
    ),
    claim('keeping keys and values writes faster than reading the whole text for every token', {
      paper: 'kernels tuned for small batches',
      measure: (rows) => inEveryRow(texts(rows), ({ kept, fused }) => kept > fused),
    }),
    claim(
      'with 8 ranks a plan meets a latency target that one rank misses, and has more throughput than one rank',
      {
        paper: 'model parallelism to meet the latency target, then pipeline stages for throughput',
        measure: (rows) =>
          inEveryRow(
            plans(rows).filter(({ ranks }) => ranks === 8),
            ({ meets, throughput }) => meets && throughput > 1,
          ),
      },
    ),
  ],
  plot: (rows) =>
    pointsOfRows(
      predictions(rows).map((row) => ({ ...row, what: `${row.engine}, batch ${row.batch}${row.padded > 0 ? `, ${100 * row.padded} % padding` : ''}` })), // prettier-ignore
      {
        title: 'Fused BERT beside the unfused model on the same engine',
        x: { field: 'length', title: 'tokens' },
        y: { field: 'speedup', title: 'times as fast' },
        series: 'what',
      },
    ),
});
