import '@tensorflow/tfjs';
import { takeExamples } from '@ockham/core';
import { mlp } from '@ockham/core/models';
import { train } from '@ockham/core/training';
import { dlrt, vanillaLowRank } from '@ockham/lowrank';
import {
  claim,
  experiment,
  lineOverSeeds,
  meanAtLeast,
  meanAtMost,
  where,
  type Row,
} from '@ockham/reproduce';

interface Config {
  readonly examples: number;
  readonly epochs: number;
  readonly rank: number;
  readonly learningRate: number;
  readonly batchSize: number;
  readonly smallest: number;
}

interface LossRow extends Row {
  readonly method: 'KLS' | 'UVᵀ';
  readonly start: 'even' | 'decaying';
  readonly epoch: number;
  readonly loss: number;
  readonly last: boolean;
}

export default experiment<Config, LossRow, 'mnist'>({
  id: 'lowrank/dlrt-robustness',
  paper: 'Talk, "DLRT vs vanilla low-rank": training from small singular values',
  datasets: ['mnist'],
  scales: {
    smoke: {
      seeds: 1,
      config: { examples: 512, epochs: 2, rank: 16, learningRate: 0.1, batchSize: 64, smallest: 1e-6 },
    },
    standard: {
      seeds: 2,
      config: { examples: 4_000, epochs: 6, rank: 20, learningRate: 0.1, batchSize: 128, smallest: 1e-6 },
    },
    paper: {
      seeds: 5,
      config: { examples: 60_000, epochs: 10, rank: 20, learningRate: 0.1, batchSize: 128, smallest: 1e-6 },
    },
  },
  why: {
    examples: 'all digits at paper scale',
    epochs: 'until KLS has converged',
    rank: 'far below 500, above the number of classes',
    learningRate: 'plain gradient descent for both, stable for both',
    batchSize: 'the usual 128',
    smallest: 'our bar: σ_min = 1e-6',
  },
  differences: [
    'Both start from the same factors: bases random, singular values equal, or falling evenly in their logarithm to the smallest, with the same norm.',
    'U and V are stepped at once, not in turns.',
    'KLS runs at fixed rank: K, then L in the new basis of K; see the README.',
    'Both have the same learning rate. A step of U√Σ and √ΣVᵀ moves W along each singular direction σ times as far from either side, ten times as far in all at equal singular values: from there UVᵀ is ahead. What is compared is each method with itself, and both from σ_min.',
  ],
  async run({ config, seed, data, signal, progress, once }) {
    const { examples, epochs, rank, learningRate, batchSize, smallest } = config;
    const split = takeExamples(data.mnist.train, examples);
    const rows: LossRow[] = [];
    // of the norm of a Glorot kernel [500, 500]
    const decaying = (): number[] => {
      const values = Array.from({ length: rank }, (_, i) => smallest ** (i / (rank - 1)));
      const norm = Math.hypot(...values);
      return values.map((value) => (value * Math.sqrt(500)) / norm);
    };
    const optimizer = { name: 'sgd', learningRate } as const;
    const shared = { epochs, batchSize, seed, signal, progress, optimizer };
    for (const start of ['even', 'decaying'] as const) {
      const from = { rank, seed, start: start === 'even' ? ('random' as const) : decaying };
      for (const method of ['KLS', 'UVᵀ'] as const) {
        const losses = await once(`${method === 'KLS' ? 'kls' : 'vanilla'}-${start}`, async () => {
          const model = mlp({ units: [500, 500, 500], seed });
          if (method === 'KLS') {
            const { model: thin, history } = await dlrt(model, split, { ...shared, ...from });
            thin.dispose();
            model.dispose();
            return history.map(({ loss }) => loss);
          }
          const baseline = await vanillaLowRank(model, from);
          const trained = await train(baseline, split, shared);
          baseline.dispose();
          model.dispose();
          return trained.epochs.map(({ loss }) => loss);
        });
        losses.forEach((loss, at) =>
          rows.push({ seed, method, start, epoch: at + 1, loss, last: at === losses.length - 1 }),
        );
      }
    }
    return rows;
  },
  claims: [
    claim<LossRow>(
      'from σ_min = 1e-6 KLS trains as before: at most 1.1 times its loss from equal singular values',
      {
        paper: 'constants do not depend on the singular values (our bar (2): trains as before)',
        measure: (rows) => {
          const even = where(rows, { method: 'KLS', start: 'even', last: true });
          return meanAtMost(
            where(rows, { method: 'KLS', start: 'decaying', last: true }),
            (row) => row.loss / even.find(({ seed }) => seed === row.seed)!.loss,
            1.1,
            { unit: 'times the loss from equal singular values' },
          );
        },
      },
    ),
    claim<LossRow>('UVᵀ from σ_min = 1e-6 stalls: at least twice the loss of KLS', {
      paper: 'the loss of UVᵀ stays behind (our bar (2))',
      measure: (rows) => {
        const low = where(rows, { method: 'KLS', start: 'decaying', last: true });
        return meanAtLeast(
          where(rows, { method: 'UVᵀ', start: 'decaying', last: true }),
          (row) => row.loss / low.find(({ seed }) => seed === row.seed)!.loss,
          2,
          { unit: 'times the loss of KLS' },
        );
      },
    }),
    claim<LossRow>('UVᵀ does not train as before from σ_min = 1e-6: at least twice its own loss', {
      paper: 'the loss of UVᵀ depends on the start (our bar (2))',
      measure: (rows) => {
        const even = where(rows, { method: 'UVᵀ', start: 'even', last: true });
        return meanAtLeast(
          where(rows, { method: 'UVᵀ', start: 'decaying', last: true }),
          (row) => row.loss / even.find(({ seed }) => seed === row.seed)!.loss,
          2,
          { unit: 'times the loss from equal singular values' },
        );
      },
    }),
  ],
  plot: (rows) =>
    lineOverSeeds(rows, {
      title: 'Training loss from equal and from decaying singular values',
      x: { field: 'epoch', title: 'epoch' },
      y: { field: 'loss', title: 'training loss' },
      series: 'method',
      facet: 'start',
    }),
});
