import '@tensorflow/tfjs';
import type { Dataset } from '@ockham/core';
import { lenet300100 } from '@ockham/core/models';
import type { PruneOptions } from '@ockham/fw-prune';
import { claim, compareOverSeeds, experiment, lineOverSeeds, where, type Row } from '@ockham/reproduce';
import { pruneAndTest, type PruningConfig } from './prune-and-test.ts';

/** Each rule but the last three with the default scope, LAMP. */
const RULES = {
  magnitude: { criterion: 'magnitude' },
  gradient: { criterion: 'gradient' },
  'weight-gradient': { criterion: 'weight-gradient' },
  lmo: { criterion: 'lmo' },
  'natural-lmo': { criterion: 'natural-lmo' },
  random: { criterion: 'random' },
  'magnitude-global': { criterion: 'magnitude', scope: 'global' },
  'natural-lmo-global': { criterion: 'natural-lmo', scope: 'global' },
  'natural-lmo-layer': { criterion: 'natural-lmo', scope: 'layer' },
} as const satisfies Record<string, Partial<PruneOptions>>;

interface CriteriaRow extends Row {
  readonly data: string;
  /** Criterion, and the scope where it is not LAMP. */
  readonly rule: string;
  readonly sparsity: number;
  readonly compression: number;
  readonly accuracy: number;
  readonly denseAccuracy: number;
}

const NAMES = {
  magnitude: 'magnitude',
  'weight-gradient': 'weight · gradient',
  'natural-lmo': 'natural LMO',
  lmo: 'LMO',
  gradient: 'gradient',
  'magnitude-global': 'magnitude, global',
  'natural-lmo-global': 'natural LMO, global',
  'natural-lmo-layer': 'natural LMO, per layer',
  random: 'random',
};

export default experiment<PruningConfig, CriteriaRow, 'mnist' | 'fashion-mnist'>({
  id: 'fw-prune/criteria',
  paper:
    'Section 7: a systematic comparison, as ShrinkBench asks for: every criterion and scope, accuracy against compression',
  datasets: ['mnist', 'fashion-mnist'],
  scales: {
    smoke: {
      seeds: 1,
      config: {
        examples: 256,
        testExamples: 500,
        batchSize: 64,
        pretrain: 1,
        learningRate: 1e-3,
        retrainLearningRate: 6e-3,
        sparsities: [0.9],
        iterations: 2,
        epochs: 0.5,
      },
    },
    standard: {
      seeds: 2,
      config: {
        examples: 1_500,
        testExamples: 10_000,
        batchSize: 64,
        pretrain: 3,
        learningRate: 1e-3,
        retrainLearningRate: 6e-3,
        sparsities: [0.95],
        iterations: 4,
        epochs: 0.5,
      },
    },
    extended: {
      seeds: 3,
      config: {
        examples: 2_000,
        testExamples: 10_000,
        batchSize: 64,
        pretrain: 3,
        learningRate: 1e-3,
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
        pretrain: 5,
        learningRate: 1e-3,
        retrainLearningRate: 6e-3,
        sparsities: [0.8, 0.95, 0.98, 0.99],
        iterations: 5,
        epochs: 0.5,
      },
    },
  },
  why: {
    examples: 'the whole training set at paper scale',
    testExamples: 'the whole test set, but for the smoke run',
    batchSize: 'the usual 128; 64 where there are few examples',
    pretrain: 'past the steep part of learning',
    learningRate: 'the Adam default',
    retrainLearningRate: 'six times the Adam default: sparse networks learn slowly, and it falls to zero',
    sparsities: '5 to 100 times fewer weights',
    iterations: 'gradual, and short enough for nine rules on two data sets',
    epochs: 'as iterations',
  },
  differences: [
    'LeNet-300-100 instead of the Table-1 network, so that every rule can be run on both data sets.',
  ],
  async run({ config, data, ...run }) {
    const rows: CriteriaRow[] = [];
    for (const name of ['mnist', 'fashion-mnist'] as const)
      rows.push(...(await compareOn(name, data[name], config, run)));
    return rows;
  },
  figures: [
    {
      id: 'criteria',
      title: 'Accuracy against compression for every criterion',
      paperClaim:
        'Gradient information finds smaller weights that are integral to the network, better than magnitude alone.',
      claims: [
        claim('the default criterion is above random pruning at every compression', {
          paper: 'the floor of any comparison',
          measure: (rows) => above(rows, 'natural-lmo', 'random'),
        }),
        claim(
          'the default, the natural LMO with LAMP, is above magnitude over all weights at every compression',
          {
            paper: 'gradient information is taken into account and is more flexible',
            measure: (rows) => above(rows, 'natural-lmo', 'magnitude-global'),
          },
        ),
        claim('with the same scope, the natural LMO is above magnitude at every compression', {
          paper: 'as above',
          measure: (rows) => above(rows, 'natural-lmo', 'magnitude'),
        }),
        claim('the literal reading, |G| alone, is above magnitude at every compression', {
          paper: '“apply pruning to M based on G”',
          measure: (rows) => above(rows, 'gradient', 'magnitude'),
        }),
      ],
      plot: (rows) =>
        lineOverSeeds(rows, {
          title: 'LeNet-300-100: test accuracy against compression',
          x: { field: 'compression', title: 'kernel weights ÷ those left', scale: 'log' },
          y: { field: 'accuracy', title: 'test accuracy', format: '.0%' },
          series: 'rule',
          names: NAMES,
          facet: 'data',
        }),
    },
  ],
});

type Runner = Parameters<typeof pruneAndTest>[0];

async function compareOn(
  name: string,
  data: Dataset,
  config: PruningConfig,
  run: Runner,
): Promise<CriteriaRow[]> {
  const subject = { network: name, data, build: (seed: number) => lenet300100({ seed }) };
  const rows = await pruneAndTest(run, subject, config, RULES);
  const dense = rows.find(({ method }) => method === 'dense')!;
  return rows
    .filter(({ sparsity }) => sparsity > 0)
    .map(({ seed, method, sparsity, compression, accuracy }) => ({
      seed,
      data: name,
      rule: method,
      sparsity,
      compression,
      accuracy,
      denseAccuracy: dense.accuracy,
    }));
}

function above(rows: readonly CriteriaRow[], first: string, second: string) {
  return compareOverSeeds(where(rows, { rule: first }), where(rows, { rule: second }), (r) => r.accuracy, {
    scale: 100,
    unit: '%',
    names: [first, second],
    at: (r) => `${r.data}, ${r.sparsity * 100} %`,
  });
}
