import '@tensorflow/tfjs';
import { takeExamples } from '@ockham/core';
import { evaluate } from '@ockham/core/metrics';
import { mlp } from '@ockham/core/models';
import { trainSubnets } from '@ockham/feature-subsample/subnet';
import {
  barsOverSeeds,
  claim,
  differenceAtLeast,
  experiment,
  inEveryRow,
  where,
  type Row,
} from '@ockham/reproduce';

interface Config {
  readonly examples: number;
  readonly testExamples: number;
  readonly units: readonly number[];
  readonly workers: readonly number[];
  readonly rounds: number;
  readonly localSteps: number;
}

interface SubnetRow extends Row {
  readonly method: 'subnets' | 'whole';
  /** L; with the whole network, of data-parallel training: steps on L batches at once. */
  readonly workers: number;
  readonly accuracy: number;
  /** To and from all workers. */
  readonly megabytes: number;
}

export default experiment<Config, SubnetRow, 'mnist'>({
  id: 'feature-subsample/subnets',
  paper: 'Beyond the paper: Independent Subnet Training, masked features for a network, on MNIST',
  datasets: ['mnist'],
  scales: {
    smoke: {
      seeds: 1,
      config: { examples: 256, testExamples: 200, units: [32], workers: [2], rounds: 2, localSteps: 4 },
    },
    standard: {
      seeds: 3,
      config: {
        examples: 4000,
        testExamples: 2000,
        units: [256],
        workers: [2, 4],
        rounds: 25,
        localSteps: 10,
      },
    },
    paper: {
      seeds: 5,
      config: {
        examples: 60_000,
        testExamples: 10_000,
        units: [512, 256],
        workers: [2, 4, 8],
        rounds: 150,
        localSteps: 20,
      },
    },
  },
  why: {
    examples: 'the whole training set at paper scale',
    testExamples: 'the whole test set at paper scale',
    units: 'wide enough for eight workers',
    workers: 'hidden neurons are dealt out to them',
    rounds: 'until the loss is flat, at paper scale',
    localSteps: 'so that what is moved is small against what is computed',
  },
  differences: [
    'The paper has no network. After Yuan et al. 2022, without batch normalisation; batches of 32, SGD of 0.1. The whole network takes as many steps as a worker does, on L batches at once, and is sent both ways at every step.',
  ],
  async run({ config, data, seed, once, progress, signal }) {
    const { rounds, localSteps } = config;
    const train = takeExamples(data.mnist.train, config.examples);
    const test = takeExamples(data.mnist.test, config.testExamples);
    const rows: SubnetRow[] = [];
    for (const workers of config.workers) {
      for (const method of ['subnets', 'whole'] as const) {
        progress({
          stage: `${method}, ${workers} workers`,
          done: rows.length,
          total: 2 * config.workers.length,
        });
        rows.push(
          await once(`${method}-${workers}`, async () => {
            const model = mlp({ inputShape: [28, 28, 1], units: [...config.units], classes: 10, seed });
            try {
              const own = method === 'subnets' ? { workers } : { workers: 1, batchSize: 32 * workers };
              const { bytes, wholeBytes } = await trainSubnets(model, train, {
                rounds,
                localSteps,
                seed,
                signal,
                ...own,
              });
              const { accuracy } = await evaluate(model, test);
              const moved = method === 'subnets' ? bytes : workers * wholeBytes;
              return { seed, method, workers, accuracy, megabytes: moved / 1e6 };
            } finally {
              model.dispose();
            }
          }),
        );
      }
    }
    return rows;
  },
  claims: [
    claim<SubnetRow>('two subnets are within 2 points of data-parallel training of the whole network', {
      paper: 'our bar',
      minSeeds: 3,
      measure: (rows) =>
        differenceAtLeast(
          where(rows, { workers: 2, method: 'subnets' }),
          where(rows, { workers: 2, method: 'whole' }),
          (row) => row.accuracy,
          -0.02,
          { names: ['two subnets', 'whole'], scale: 100, unit: '%' },
        ),
    }),
    claim<SubnetRow>('all L subnets together move less than 1/(4L) of what data-parallel training moves', {
      paper: 'our bar',
      measure: (rows) =>
        inEveryRow(
          where(rows, { method: 'subnets' }),
          ({ seed, workers, megabytes }) =>
            4 * workers * megabytes < where(rows, { seed, workers, method: 'whole' })[0]!.megabytes,
        ),
    }),
  ],
  plot: (rows) =>
    barsOverSeeds(rows, {
      title: 'MNIST: accuracy by subnets',
      x: { field: 'workers' },
      y: { field: 'accuracy', title: 'test accuracy', format: '.0%' },
      series: 'method',
    }),
});
