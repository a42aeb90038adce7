import '@tensorflow/tfjs';
import { tableOneCnn } from '@ockham/core/models';
import { claim, differenceAtLeast, experiment, barsOverSeeds, where } from '@ockham/reproduce';
import { denseTwin } from './dense-twin.ts';
import { METHOD_NAMES } from './plots.ts';
import { pruneAndTest, type PruningConfig, type PruningRow } from './prune-and-test.ts';

export default experiment<PruningConfig, PruningRow, 'fashion-mnist'>({
  id: 'fw-prune/fashion',
  paper: 'Section 7: another data set. The Table-1 network on Fashion-MNIST at 95 % sparsity',
  datasets: ['fashion-mnist'],
  scales: {
    smoke: {
      seeds: 1,
      config: {
        examples: 256,
        testExamples: 500,
        batchSize: 64,
        pretrain: 1,
        learningRate: 2e-3,
        retrainLearningRate: 6e-3,
        sparsities: [0.95],
        iterations: 2,
        epochs: 0.5,
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
        retrainLearningRate: 6e-3,
        sparsities: [0.95],
        iterations: 4,
        epochs: 0.5,
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
        retrainLearningRate: 6e-3,
        sparsities: [0.95],
        iterations: 16,
        epochs: 0.5,
      },
    },
  },
  why: {
    examples: 'the whole training set at paper scale',
    testExamples: 'the whole test set, but for the smoke run',
    batchSize: 'the usual 128; 64 where there are few examples',
    pretrain: 'as on MNIST',
    learningRate: 'as on MNIST',
    retrainLearningRate: 'six times the Adam default: sparse networks learn slowly, and it falls to zero',
    sparsities: '95 %, our bar',
    iterations: 'small steps',
    epochs: 'half a pass between prunings',
  },
  differences: [
    'Fashion-MNIST, which the paper names as further research.',
    'Why 95 % stays behind: 1,736 weights underfit. On seed 10, three times the passes with distillation from a dense network of 20: 89.75 %, and 90.80 on the training set, where the dense network has 91.59 on the test set with as many.',
  ],
  async run({ config, data, ...run }) {
    const subject = {
      network: 'table-1-cnn',
      data: data['fashion-mnist'],
      build: (seed: number) => tableOneCnn({ seed }),
    };
    return pruneAndTest(run, subject, config, { simple: {}, 'frank-wolfe-momentum': {} });
  },
  figures: [
    {
      id: 'fashion',
      title: 'Fashion-MNIST at 95 % sparsity',
      paperClaim: 'The paper leaves other data sets to further research.',
      claims: [
        claim('at 95 % sparsity within 0.6 points of the dense network', {
          paper: 'our bar',
          decidedFrom: 'paper',
          minSeeds: 3,
          measure: (rows) =>
            differenceAtLeast(
              where(rows, { method: 'frank-wolfe-momentum' }),
              denseTwin(rows),
              (r) => r.accuracy,
              -0.006,
              { scale: 100, unit: 'points', names: ['at 95 %', 'dense'] },
            ),
        }),
      ],
      plot: (rows) =>
        barsOverSeeds(rows, {
          title: 'Table-1 network, Fashion-MNIST: test accuracy at 95 % sparsity',
          x: { field: 'method', title: '' },
          y: { field: 'accuracy', title: 'test accuracy', format: '.1%', domain: [0.8, 0.95] },
          series: 'method',
          names: METHOD_NAMES,
        }),
    },
  ],
});
