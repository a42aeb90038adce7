import type { Split } from '@ockham/core';
import type { OptimizerSpec } from '@ockham/core/training';
import {
  coldStart,
  deepSlda,
  derPlusPlus,
  experienceReplay,
  exStream,
  fineTune,
  gdumb,
  icarl,
  jointOffline,
  remind,
  type AugmentationSpec,
  type ColdStartOptions,
  type MemoryOptions,
  type StreamLearner,
} from '@ockham/cssl';
import type { LayersModel } from '@tensorflow/tfjs-layers';

/** What every method of a comparison shares: the same memory, step and number of replayed examples. */
export interface Shared {
  readonly seed: number;
  readonly memory: MemoryOptions;
  readonly replay: number;
  readonly optimizer: OptimizerSpec & { readonly learningRate: number };
  readonly augment: AugmentationSpec;
  /** GDumb: passes over its memory. */
  readonly epochs: number;
  /** What base-initialised methods were trained with, and remember. */
  readonly base?: Split;
}

/** Makes a learner of a model, which it may change. */
export type MakeLearner = (model: LayersModel, shared: Shared) => Promise<StreamLearner> | StreamLearner;

/** The learner of the paper. */
export function cssl(more: Partial<ColdStartOptions> = {}): MakeLearner {
  return (model, { seed, memory, replay, optimizer, augment }) => {
    const { learningRate, ...spec } = optimizer;
    return coldStart(model, {
      replay: { ...memory, batch: replay },
      augment,
      optimizer: spec,
      learningRate,
      seed,
      ...more,
      ...(more.replay && { replay: { ...memory, batch: replay, ...more.replay } }),
    });
  };
}

const gradient = ({ seed, memory, replay, optimizer, base }: Shared) => ({
  ...memory,
  seed,
  replay,
  optimizer,
  ...(base && { base }),
});

/** Every baseline by name. The last four are given a base, as the paper's are. */
export const baselines = {
  'fine-tuning': (model, { seed, optimizer }) => fineTune(model, { seed, optimizer }),
  replay: (model, shared) => experienceReplay(model, gradient(shared)),
  // with momentum its distance between logits diverges at this rate, and it ends at chance
  'DER++': (model, shared) =>
    derPlusPlus(model, {
      ...gradient(shared),
      optimizer: { name: 'sgd', learningRate: shared.optimizer.learningRate },
    }),
  // as published, without augmentation unless one is given
  GDumb: (model, { memory, seed, epochs }, augment?: AugmentationSpec) =>
    gdumb(model, { ...memory, seed, epochs, ...(augment && { augment }) }),
  // no budget of bytes or compute: the upper end
  'joint offline': (model, { seed }) => jointOffline(model, { seed, epochs: 10 }),
  iCaRL: (model, shared) => icarl(model, gradient(shared)),
  REMIND: (model, shared) =>
    remind(model, { ...gradient(shared), base: shared.base!, quantiser: { codewords: 64 } }),
  ExStream: (model, shared) => exStream(model, gradient(shared)),
  'Deep SLDA': (model, { base }) => deepSlda(model, base ? { base } : {}),
} satisfies Record<string, MakeLearner>;
