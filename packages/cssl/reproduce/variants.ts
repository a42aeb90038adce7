import {
  classIncremental,
  type AugmentationSpec,
  type ColdStartOptions,
  type MemoryOptions,
  type Stream,
} from '@ockham/cssl';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Dataset } from '@ockham/core';
import { cssl, type MakeLearner } from './methods.ts';
import { networkOf, type NetworkName } from './networks.ts';
import { drawClasses, type DataConfig, type StreamData } from './stream-data.ts';
import { streamRows, type StreamRow, type StreamRun } from './stream-rows.ts';

/** What the variants of one learner share. */
export interface VariantConfig extends DataConfig {
  readonly network: NetworkName;
  readonly capacity: number;
  readonly replay: number;
  readonly learningRate: number;
}

/** Why the values of a {@link VariantConfig} are what they are. */
export const variantReasons: Readonly<Record<keyof VariantConfig, string>> = {
  classes: 'drawn and ordered anew for each seed',
  perClass: 'all there are of tin100-32 at paper scale; of MNIST what many variants can be run on',
  testPerClass: 'all there are at paper scale',
  network: 'a residual network at paper scale where images have colours',
  capacity: 'examples in the buffer, where it has no budget of bytes',
  replay: 'B',
  learningRate: 'SGD with momentum 0.9, where the step is fixed',
};

/** One way to run the learner. */
export interface Variant {
  readonly name: string;
  readonly options?: Partial<ColdStartOptions>;
  readonly memory?: MemoryOptions;
  readonly make?: MakeLearner;
  /** Default: one class after the other. */
  readonly stream?: (drawn: StreamData) => Stream;
  readonly batch?: number;
  /** Default: the network with random weights. */
  readonly model?: (drawn: StreamData) => Promise<LayersModel>;
}

/** Runs variants of the learner on the same classes of a data set, with the same seeds. */
export async function runVariants(
  run: StreamRun,
  data: Dataset,
  config: VariantConfig,
  augment: AugmentationSpec,
  variants: readonly Variant[],
): Promise<StreamRow[]> {
  const { seed } = run;
  const drawn = drawClasses(data, config, seed);
  const order = Array.from({ length: config.classes }, (_, i) => i);
  const rows: StreamRow[] = [];
  for (const variant of variants) {
    const { name, options = {}, memory = { capacity: config.capacity }, make = cssl(options) } = variant;
    const found = await streamRows(run, {
      data: drawn.name,
      method: name,
      stream: variant.stream?.(drawn) ?? classIncremental(drawn.train, { seed, order }),
      test: drawn.test,
      ...(variant.batch !== undefined && { batch: variant.batch }),
      model: () =>
        variant.model?.(drawn) ??
        networkOf(config.network, { inputShape: drawn.train.x.shape, classes: config.classes, seed }),
      learner: (model) =>
        make(model, {
          seed,
          memory,
          replay: config.replay,
          optimizer: { name: 'momentum', learningRate: config.learningRate },
          augment,
          epochs: 1,
        }),
    });
    rows.push(...found);
  }
  return rows;
}

/** Configurations on the 32×32 images of `tin100-32`. */
export const tin100Scales = {
  smoke: {
    seeds: 1,
    config: {
      classes: 2,
      perClass: 8,
      testPerClass: 10,
      network: 'small-cnn',
      capacity: 16,
      replay: 7,
      learningRate: 0.02,
    },
  },
  standard: {
    seeds: 2,
    config: {
      classes: 10,
      perClass: 15,
      testPerClass: 30,
      network: 'small-cnn',
      capacity: 150,
      replay: 31,
      learningRate: 0.02,
    },
  },
  extended: {
    seeds: 2,
    config: {
      classes: 10,
      perClass: 30,
      testPerClass: 30,
      network: 'small-cnn',
      capacity: 300,
      replay: 31,
      learningRate: 0.02,
    },
  },
  paper: {
    seeds: 5,
    config: {
      classes: 20,
      perClass: 120,
      testPerClass: 30,
      network: 'resnet-8',
      capacity: 2_400,
      replay: 31,
      learningRate: 0.02,
    },
  },
} satisfies Record<string, { seeds: number; config: VariantConfig }>;

/** Configurations on MNIST and Fashion-MNIST. */
export const mnistScales = {
  smoke: {
    seeds: 1,
    config: {
      classes: 3,
      perClass: 12,
      testPerClass: 20,
      network: 'mlp-400',
      capacity: 30,
      replay: 7,
      learningRate: 0.05,
    },
  },
  standard: {
    seeds: 2,
    config: {
      classes: 10,
      perClass: 30,
      testPerClass: 100,
      network: 'mlp-400',
      capacity: 150,
      replay: 31,
      learningRate: 0.05,
    },
  },
  paper: {
    seeds: 5,
    config: {
      classes: 10,
      perClass: 1_000,
      testPerClass: 1_200,
      network: 'mlp-400',
      capacity: 500,
      replay: 31,
      learningRate: 0.05,
    },
  },
} satisfies Record<string, { seeds: number; config: VariantConfig }>;
