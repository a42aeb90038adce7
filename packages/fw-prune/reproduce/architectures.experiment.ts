import '@tensorflow/tfjs';
import { holdOut } from '@ockham/core/datasets';
import { alexnet32, resnet, vgg } from '@ockham/core/models';
import { claim, compareOverSeeds, experiment, lineOverSeeds, where } from '@ockham/reproduce';
import { METHOD_NAMES } from './plots.ts';
import { pruneAndTest, type PruningConfig, type PruningRow } from './prune-and-test.ts';

const NETWORKS = {
  'alexnet-32': (seed: number) => alexnet32({ seed }),
  'resnet-8': (seed: number) => resnet({ seed, depth: 8 }),
  'resnet-20': (seed: number) => resnet({ seed, depth: 20 }),
  'vgg-11': (seed: number) => vgg({ seed, depth: 11 }),
} as const;

interface Config extends PruningConfig {
  readonly networks: readonly (keyof typeof NETWORKS)[];
  /** Training examples that are kept back and tested on. */
  readonly heldOut: number;
}

const percent = {
  scale: 100,
  unit: '%',
  at: (r: PruningRow) => `${r.network}, ${r.sparsity * 100} %`,
} as const;

export default experiment<Config, PruningRow, 'cifar10'>({
  id: 'fw-prune/architectures',
  paper: 'Section 7: ResNet, AlexNet and VGG on CIFAR-10, with Adam',
  datasets: ['cifar10'],
  scales: {
    smoke: {
      seeds: 1,
      config: {
        networks: ['resnet-8'],
        examples: 48,
        heldOut: 50,
        testExamples: 50,
        batchSize: 24,
        pretrain: 1,
        learningRate: 1e-3,
        retrainLearningRate: 2e-3,
        sparsities: [0.9],
        iterations: 2,
        epochs: 0.5,
      },
    },
    standard: {
      seeds: 1,
      config: {
        networks: ['alexnet-32', 'resnet-8'],
        examples: 500,
        heldOut: 1_000,
        testExamples: 500,
        batchSize: 32,
        pretrain: 4,
        learningRate: 1e-3,
        retrainLearningRate: 2e-3,
        sparsities: [0.9],
        iterations: 4,
        epochs: 0.5,
      },
    },
    paper: {
      seeds: 3,
      config: {
        networks: ['alexnet-32', 'resnet-20', 'vgg-11'],
        examples: 49_000,
        heldOut: 1_000,
        testExamples: 1_000,
        batchSize: 64,
        pretrain: 15,
        learningRate: 1e-3,
        retrainLearningRate: 2e-3,
        sparsities: [0.9],
        iterations: 12,
        epochs: 0.5,
      },
    },
  },
  why: {
    networks:
      'the established architectures that the paper names, in their forms for 32×32 pixels; the smallest where it must be quick',
    examples:
      'all that are left of the training set at paper scale, 3,000 where only the free lossless part is at hand',
    heldOut:
      'the freely available test images are lossy; training images that were kept back are of the same kind',
    testExamples: 'as heldOut',
    batchSize: 'small, for enough steps on few examples',
    pretrain: 'until the training loss is small',
    learningRate: 'the Adam default; the paper asks for other optimizers than SGD',
    retrainLearningRate: 'twice as much: sparse networks learn slowly, and it falls to zero',
    sparsities: 'ten times fewer weights',
    iterations: 'small steps',
    epochs: 'half a pass between prunings',
  },
  differences: [
    'The paper names these architectures, this data set and Adam as further research and prints no figure.',
    'Tested on training images that were held out, without augmentation: not comparable with published accuracies.',
  ],
  async run({ config, data, ...run }) {
    const held = holdOut(data.cifar10, config.heldOut);
    const rows: PruningRow[] = [];
    for (const network of config.networks) {
      const subject = { network, data: held, build: NETWORKS[network] };
      const methods = { simple: {}, 'frank-wolfe-momentum': {}, random: { criterion: 'random' } } as const;
      rows.push(...(await pruneAndTest(run, subject, config, methods)));
    }
    return rows;
  },
  figures: [
    {
      id: 'architectures',
      title: 'ResNet, AlexNet and VGG on CIFAR-10: accuracy against compression',
      paperClaim:
        'Performance could be tested on established architectures, other data sets and other optimizers.',
      claims: [
        claim('Frank-Wolfe with momentum is above simple pruning with the same passes, in every network', {
          paper: 'left to further research',
          decidedFrom: 'paper',
          minSeeds: 3,
          measure: (rows) => above(rows, 'simple'),
        }),
        claim('Frank-Wolfe with momentum is above random pruning on the same schedule, in every network', {
          paper: 'the floor of any comparison',
          decidedFrom: 'paper',
          minSeeds: 3,
          measure: (rows) => above(rows, 'random'),
        }),
      ],
      plot: (rows) =>
        lineOverSeeds(rows, {
          title: 'CIFAR-10: accuracy on held-out images against compression',
          x: { field: 'compression', title: 'kernel weights ÷ those left', scale: 'log' },
          y: { field: 'accuracy', title: 'accuracy', format: '.0%' },
          series: 'method',
          names: { ...METHOD_NAMES, random: 'random, same schedule' },
          facet: 'network',
        }),
    },
  ],
});

function above(rows: readonly PruningRow[], method: 'simple' | 'random') {
  const others = where(rows, { method });
  return compareOverSeeds(where(rows, { method: 'frank-wolfe-momentum' }), others, (r) => r.accuracy, {
    ...percent,
    names: ['FW + momentum', method],
  });
}
