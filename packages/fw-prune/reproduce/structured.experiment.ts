import '@tensorflow/tfjs';
import { takeExamples } from '@ockham/core';
import { compareLatency, countFlops, evaluate } from '@ockham/core/metrics';
import { cloneModel, tableOneCnn } from '@ockham/core/models';
import { pruneStructured, type StructuredCriterion } from '@ockham/fw-prune';
import {
  barsOverSeeds,
  claim,
  differenceAtLeast,
  experiment,
  meanAtLeast,
  where,
  type Row,
  trainOnce,
} from '@ockham/reproduce';
import { denseTwin } from './dense-twin.ts';
import { cosine } from './falling-rates.ts';

interface Config {
  readonly examples: number;
  readonly testExamples: number;
  readonly batchSize: number;
  readonly pretrain: number;
  readonly learningRate: number;
  readonly flops: number;
  readonly multipleOf: number;
  readonly iterations: number;
  readonly epochs: number;
  readonly latencyRepeats: number;
}

interface StructuredRow extends Row {
  readonly method: string;
  readonly accuracy: number;
  /** As a fraction of the dense network's. */
  readonly flops: number;
  readonly parameters: number;
  /** Median latency of the dense network ÷ that of this one, interleaved, at batch 1, 32 and 128. */
  readonly speedUp1: number;
  readonly speedUp32: number;
  readonly speedUp128: number;
}

const CRITERIA = ['taylor', 'lmo', 'magnitude', 'random'] as const satisfies StructuredCriterion[];
const NAMES = {
  dense: 'dense',
  'dense-longer': 'dense, same passes',
  taylor: 'Taylor',
  lmo: 'group LMO',
  magnitude: 'magnitude',
  random: 'random',
};

export default experiment<Config, StructuredRow, 'mnist'>({
  id: 'fw-prune/structured',
  paper:
    'Section 7, structured pruning: half the FLOPs of the Table-1 network removed and more, measured latency',
  datasets: ['mnist'],
  alone: true,
  scales: {
    smoke: {
      seeds: 1,
      config: {
        examples: 256,
        testExamples: 500,
        batchSize: 64,
        pretrain: 1,
        learningRate: 2e-3,
        flops: 0.65,
        multipleOf: 8,
        iterations: 1,
        epochs: 1,
        latencyRepeats: 3,
      },
    },
    standard: {
      seeds: 2,
      config: {
        examples: 3_000,
        testExamples: 10_000,
        batchSize: 64,
        pretrain: 3,
        learningRate: 2e-3,
        flops: 0.65,
        multipleOf: 8,
        iterations: 2,
        epochs: 0.5,
        latencyRepeats: 15,
      },
    },
    paper: {
      seeds: 3,
      config: {
        examples: 60_000,
        testExamples: 10_000,
        batchSize: 128,
        pretrain: 8,
        learningRate: 2e-3,
        flops: 0.65,
        multipleOf: 8,
        iterations: 2,
        epochs: 3,
        latencyRepeats: 31,
      },
    },
  },
  why: {
    examples: 'the whole training set at paper scale',
    testExamples: 'the whole test set, but for the smoke run',
    batchSize: 'the usual 128; 64 where there are few examples',
    pretrain: 'as in the sparse experiment',
    learningRate: 'as in the sparse experiment',
    flops: 'more than the half of our bar: pooling and memory traffic take time that FLOPs do not count',
    multipleOf: 'the width of the engines’ vectors: odd numbers of channels are slow',
    iterations: 'two removals',
    epochs: 'passes after each',
    latencyRepeats: 'interleaved measurements of each network; medians are compared',
  },
  differences: ['The paper names structured pruning as further research and prints no figure.'],
  async run({ config, seed, data, signal, progress, checkpoint, once }) {
    const run = { seed, signal, progress, checkpoint };
    const split = takeExamples(data.mnist.train, config.examples);
    const test = takeExamples(data.mnist.test, config.testExamples);
    const { batchSize, learningRate, iterations, epochs } = config;
    const adam = { batchSize, optimizer: 'adam', learningRate: cosine(learningRate) } as const;
    const dense = await trainOnce(run, 'dense', tableOneCnn({ seed }), split, {
      ...adam,
      epochs: config.pretrain,
    });
    const denseFlops = (await countFlops(dense)).flops;
    const rows: StructuredRow[] = [];
    const none = { flops: 1, speedUp1: 1, speedUp32: 1, speedUp128: 1 };
    const { accuracy } = await evaluate(dense, test, { signal });
    rows.push({ seed, method: 'dense', accuracy, parameters: dense.countParams(), ...none });
    rows.push(
      await once('dense-longer', async () => {
        const longer = await cloneModel(dense);
        await trainOnce(run, 'dense-longer', longer, split, {
          ...adam,
          epochs: iterations * epochs,
          seed: seed + 1_000,
        });
        const figures = await evaluate(longer, test, { signal });
        longer.dispose();
        return {
          seed,
          method: 'dense-longer',
          accuracy: figures.accuracy,
          parameters: dense.countParams(),
          ...none,
        };
      }),
    );
    for (const criterion of CRITERIA) {
      rows.push(
        await once(criterion, async () => {
          const { model } = await pruneStructured(
            dense,
            { train: split },
            {
              flops: config.flops,
              multipleOf: config.multipleOf,
              report: false,
              criterion,
              iterations,
              retrain: { ...adam, epochs },
              seed,
              signal,
              progress: (event) => progress({ ...event, stage: `${criterion}: ${event.stage}` }),
            },
          );
          const figures = await evaluate(model, test, { signal });
          const times = await compareLatency(
            { dense, pruned: model },
            { batch: [1, 32, 128], repeats: config.latencyRepeats, signal },
          );
          const row = {
            seed,
            method: criterion,
            accuracy: figures.accuracy,
            flops: (await countFlops(model)).flops / denseFlops,
            parameters: model.countParams(),
            speedUp1: times[0]!.speedup['pruned']!,
            speedUp32: times[1]!.speedup['pruned']!,
            speedUp128: times[2]!.speedup['pruned']!,
          };
          model.dispose();
          return row;
        }),
      );
    }
    dense.dispose();
    return rows;
  },
  figures: [
    {
      id: 'structured-accuracy',
      title: 'Half the FLOPs removed: accuracy',
      paperClaim: 'Combining the algorithms with structured pruning may lead to even stronger results.',
      claims: [
        claim('half the FLOPs within 0.3 points of the dense network', {
          paper: 'our bar',
          decidedFrom: 'paper',
          measure: (rows) =>
            differenceAtLeast(
              rows.filter((r) => r.method === 'taylor' && r.flops <= 0.5),
              denseTwin(rows),
              (r) => r.accuracy,
              -0.003,
              { scale: 100, unit: 'points', names: ['half the FLOPs', 'dense'] },
            ),
        }),
      ],
      plot: (rows) =>
        barsOverSeeds(rows, {
          title: 'Table-1 network, MNIST, half the FLOPs: test accuracy',
          x: { field: 'method', title: 'criterion' },
          y: { field: 'accuracy', title: 'test accuracy', format: '.1%', domain: [0.9, 1] },
          series: 'method',
          names: NAMES,
        }),
    },
    {
      id: 'structured-latency',
      title: 'Half the FLOPs removed: latency',
      paperClaim: 'Pruned networks are faster at inference (Figure 2; there by masks alone).',
      claims: [
        claim('the measured median latency falls by at least 1.6 times at batch 128', {
          paper: 'our bar',
          measure: (rows) =>
            meanAtLeast(where(rows, { method: 'taylor' }), (r) => r.speedUp128, 1.6, { unit: '×' }),
        }),
      ],
      plot: (rows) =>
        barsOverSeeds(
          rows.filter((r) => r.method !== 'dense-longer'),
          {
            title: 'Table-1 network, half the FLOPs: speed-up of a batch of 128',
            x: { field: 'method', title: 'criterion' },
            y: { field: 'speedUp128', title: 'latency of dense ÷ latency' },
            series: 'method',
            names: NAMES,
          },
        ),
    },
  ],
});
