import {
  randomNormal,
  sum,
  mul,
  tensor1d,
  tidy,
  variableGrads,
  type Scalar,
  type Tensor,
} from '@tensorflow/tfjs';
import { CountSketchEmbedding, type Estimator } from '@ockham/count-sketch-embed';
import { Random } from '@ockham/core/random';
import { variableOf } from '@ockham/core/training';
import { claim, experiment, inEveryRow, lineOverSeeds, where, type Row } from '@ockham/reproduce';
import { encodeWords, wordsOf } from './words.ts';

interface Config {
  readonly ratios: readonly number[];
  readonly hashes: readonly number[];
  readonly dimension: number;
  /** Texts of a step. */
  readonly batchSize: number;
  readonly steps: number;
  readonly texts: number;
}

interface CollisionRow extends Row {
  readonly estimator: Estimator;
  readonly hashes: number;
  readonly ratio: number;
  readonly rows: number;
  /** Other tokens in a token's row, on average over tokens and hashes. */
  readonly collisions: number;
  readonly expectedCollisions: number;
  /** Share of the table's numbers that get a gradient in a step. */
  readonly reached: number;
  readonly expectedReached: number;
  /** Share of numbers that get no gradient where every token of the vocabulary is asked for once. */
  readonly starved: number;
  readonly expectedStarved: number;
}

const near = (a: number, b: number, share: number) => Math.abs(a - b) <= share * Math.abs(b) + 1e-3;

export default experiment<Config, CollisionRow, 'texts'>({
  id: 'count-sketch-embed/collisions',
  paper: 'Section 4: how many tokens share a row, and how much of the table the median trains',
  datasets: ['texts'],
  scales: {
    smoke: {
      seeds: 1,
      config: { ratios: [16], hashes: [3], dimension: 8, batchSize: 32, steps: 2, texts: 500 },
    },
    standard: {
      seeds: 3,
      config: {
        ratios: [4, 16, 64],
        hashes: [1, 3, 5],
        dimension: 64,
        batchSize: 32,
        steps: 8,
        texts: 67_349,
      },
    },
    paper: {
      seeds: 5,
      config: {
        ratios: [4, 8, 16, 32, 64],
        hashes: [1, 3, 5, 7],
        dimension: 64,
        batchSize: 32,
        steps: 32,
        texts: 67_349,
      },
    },
  },
  why: {
    ratios: 'as in the word-level comparison, and below',
    hashes: 'odd, so that the median is one of the values',
    dimension: 'as in the word-level comparison',
    batchSize: 'Devlin et al. 2018, appendix A.3',
    steps: 'batches that are averaged over',
    texts: 'the words of SST-2’s training texts, in its batches',
  },
  differences: [
    'The paper has no such analysis.',
    'Counted at the start of training, where the rows are draws of one law: a number at quantile q of d is the median with probability C(d−1, (d−1)/2) (q(1−q))^((d−1)/2).',
  ],
  run({ config, data, seed }) {
    const { train } = data.texts.tasks['SST-2'];
    const size = Math.min(config.texts, train.size);
    const texts = { size, first: train.first.slice(0, size), labels: train.labels.subarray(0, size) };
    const words = wordsOf(texts.first);
    const vocabulary = words.vocabulary.length;
    const { x } = encodeWords(words, texts, { length: 56, marks: false });
    const order = new Random(seed).stream('batches').permutation(size);
    const batches = Array.from({ length: config.steps }, (_, step) => {
      const picked = order.subarray(step * config.batchSize, (step + 1) * config.batchSize);
      const ids = new Set<number>();
      for (const row of picked)
        for (const id of x.values.subarray(row * 56, (row + 1) * 56)) if (id) ids.add(id);
      return Int32Array.from(ids);
    });
    const every = Int32Array.from({ length: vocabulary }, (_, id) => id);
    const rows: CollisionRow[] = [];
    for (const ratio of config.ratios) {
      for (const hashes of config.hashes) {
        for (const estimator of hashes === 1 ? (['mean'] as const) : (['median', 'mean'] as const)) {
          const R = Math.floor(vocabulary / ratio / hashes);
          const table = new CountSketchEmbedding({
            vocabulary,
            dimension: config.dimension,
            hashes,
            rows: R,
            estimator,
            seed,
          });
          const untouched = (tokens: Int32Array) => 1 - reachedBy(table, tokens, seed);
          const expected = (tokens: number) => expectedUntouched(estimator, hashes, R, tokens);
          const mean = (value: (batch: Int32Array) => number) =>
            batches.reduce((total, batch) => total + value(batch), 0) / batches.length;
          rows.push({
            seed,
            estimator,
            hashes,
            ratio,
            rows: R,
            collisions: collisionsOf(table),
            expectedCollisions: (vocabulary - 1) / R,
            reached: 1 - mean(untouched),
            expectedReached: 1 - mean((batch) => expected(batch.length)),
            starved: untouched(every),
            expectedStarved: expected(vocabulary),
          });
          table.dispose();
        }
      }
    }
    return rows;
  },
  claims: [
    claim('a token shares each of its rows with (|V| − 1)/R others', {
      paper: 'section 4 says nothing of it; ours: to 10 %',
      minSeeds: 1,
      decidedFrom: 'smoke',
      measure: (rows) => inEveryRow(rows, (r) => near(r.collisions, r.expectedCollisions, 0.1)),
    }),
    claim('the share of the table that a step trains is as derived', {
      paper: 'section 4 says nothing of it; ours: to 10 %',
      minSeeds: 1,
      decidedFrom: 'smoke',
      measure: (rows) => inEveryRow(rows, (r) => near(r.reached, r.expectedReached, 0.1)),
    }),
    claim('the median trains less of the table in a step than the mean', {
      paper: 'section 4 says nothing of it; ours',
      minSeeds: 1,
      decidedFrom: 'smoke',
      measure: (rows) =>
        inEveryRow(where(rows, { estimator: 'median' }), ({ seed, hashes, ratio, reached }) => {
          const [mean] = where(rows, { estimator: 'mean', seed, hashes, ratio });
          return reached < mean!.reached;
        }),
    }),
  ],
  plot: (rows) =>
    lineOverSeeds(rows, {
      title: 'Share of the table’s numbers that a step trains',
      series: 'estimator',
      x: { field: 'ratio', title: 'times smaller than the full table', scale: 'log' },
      y: { field: 'reached', title: 'share with a gradient', format: '.0%' },
      facet: 'hashes',
      facetLabel: 'd = ',
    }),
});

/** Share of the numbers of the sketch that have a gradient where each of `ids` is asked for once. */
function reachedBy(table: CountSketchEmbedding, ids: Int32Array, seed: number): number {
  return tidy(() => {
    const tokens = tensor1d(ids, 'int32');
    const upstream = randomNormal([ids.length, table.dimension], 0, 1, 'float32', seed);
    table.apply(tokens);
    const loss = () => sum<Scalar>(mul(table.apply(tokens) as Tensor, upstream));
    const { grads } = variableGrads(loss, table.trainableWeights.map(variableOf));
    const gradient = Object.values(grads)[0]!.dataSync<'float32'>();
    return gradient.reduce((count, value) => count + Number(value !== 0), 0) / gradient.length;
  });
}

/** Other tokens in a token's row, averaged: Σ n(n − 1) over rows of n tokens, over d·|V|. */
function collisionsOf({ slots, vocabulary, hashes, rows }: CountSketchEmbedding): number {
  const loads = new Int32Array(hashes * rows);
  for (const row of slots.rows) loads[row]!++;
  return loads.reduce((total, n) => total + n * (n - 1), 0) / (hashes * vocabulary);
}

/**
 * Chance that a number has no gradient after `tokens` look-ups: ∫₀¹ (1 − p(q)/R)^tokens dq over the quantile q of its value,
 * with p(q) the chance that it is the median where its row is among the d; of the mean p = 1.
 */
function expectedUntouched(estimator: Estimator, d: number, R: number, tokens: number): number {
  if (estimator === 'mean') return (1 - 1 / R) ** tokens;
  const m = (d - 1) / 2;
  let choose = 1;
  for (let i = 1; i <= m; i++) choose = (choose * (m + i)) / i; // C(2m, m)
  const points = 2000;
  let total = 0;
  for (let i = 0; i < points; i++) {
    const q = (i + 0.5) / points;
    total += (1 - (choose * (q * (1 - q)) ** m) / R) ** tokens / points;
  }
  return total;
}
