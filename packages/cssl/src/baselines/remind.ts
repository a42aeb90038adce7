/**
 * REMIND: the lower layers are frozen, their features are kept by product quantisation, and the upper layers learn from
 * what is reconstructed.
 *
 * Source: Hayes et al. 2020, "REMIND your neural network to prevent catastrophic forgetting", algorithm 1.
 * Deviations: no random resized crops and no mixup of features; full codebooks from the base examples by k-means as in the paper.
 */
import { ArgumentError, type Split } from '@ockham/core';
import { lossFunction, trainableVariables } from '@ockham/core/training';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { StreamLearner } from '../evaluation/stream-learner.ts';
import { ReplayBuffer } from '../replay/index.ts';
import type { GradientOptions, MemoryOptions } from './baseline-options.ts';
import { Classifier, outputsInBatches } from './classifier.ts';
import { cutModel } from './cut-model.ts';
import { examplesToSplit, inputShapeOf } from './frozen-features.ts';
import { logitsModel } from './logits-model.ts';
import {
  fitProductQuantiser,
  type ProductQuantiser,
  type ProductQuantiserOptions,
} from './product-quantiser.ts';
import { checkCount } from './replay-baseline.ts';

/** Options of {@link remind}. */
export interface RemindOptions extends GradientOptions, MemoryOptions {
  /** What the model was trained with beforehand: the codebooks are made from it, and it is remembered. */
  readonly base: Split;
  /** Name of the last frozen layer. Default: all but the last dense layer are frozen. */
  readonly after?: string;
  /** How features are coded. Default 32 codebooks of 256 codewords, the paper's. */
  readonly quantiser?: Omit<ProductQuantiserOptions, 'seed'>;
}

/**
 * REMIND. Its memory counts the codebooks beside the codes.
 *
 * @param model Trained on `base`, with an output for each class that may appear; not changed.
 * @throws ArgumentError for options out of range or bytes too few for the codebooks.
 */
export async function remind(model: LayersModel, options: RemindOptions): Promise<StreamLearner> {
  const who = 'remind';
  const { seed = 0, base, optimizer = { name: 'sgd', learningRate: 0.1 }, replay = 31, steps = 1 } = options;
  const { after, capacity, bytes, quantiser: quantiserOptions = {} } = options;
  checkCount(who, 'replay', replay, 0);
  checkCount(who, 'steps', steps, 1);
  const input = inputShapeOf(who, model);
  const own = logitsModel(who, model);
  const { lower, upper, shape } = cutModel(who, own, after);
  const classifier = new Classifier(who, upper, optimizer, seed);
  const dispose = () => {
    classifier.dispose();
    upper.dispose();
    own.dispose();
  };
  const width = shape.at(-1)!;
  const baseFeatures = await outputsInBatches(lower, base);
  const quantiser = fitProductQuantiser(baseFeatures, width, { ...quantiserOptions, seed });
  if (bytes !== undefined && bytes <= quantiser.bytes) {
    dispose();
    throw new ArgumentError(
      `${who}: bytes must hold the codebooks, ${quantiser.bytes}, and codes beside them; got ${bytes}. Use fewer codewords.`,
    );
  }
  const vectors = shape.reduce((product, size) => product * size, 1) / width; // one at each place of the image
  const codeLength = vectors * quantiser.codebooks;
  const buffer = new ReplayBuffer({
    shape: [codeLength, 1, 1],
    ...(capacity !== undefined && { capacity }),
    ...(bytes !== undefined && { bytes: bytes - quantiser.bytes }),
    measure: false,
    seed,
  });
  const storeAll = (codes: Uint8Array, labels: ArrayLike<number>) => {
    for (let i = 0; i < labels.length; i++) {
      classifier.meet(labels[i]!);
      buffer.store(codes.subarray(i * codeLength, (i + 1) * codeLength), labels[i]!);
    }
  };
  storeAll(quantiser.encode(baseFeatures), base.y.values);
  const loss = lossFunction('crossEntropyFromLogits');
  const variables = trainableVariables(upper);
  return {
    async observe(examples) {
      const { split, labels } = examplesToSplit(who, examples, input);
      for (const label of labels) classifier.meet(label);
      const codes = quantiser.encode(await outputsInBatches(lower, split));
      for (let s = 0; s < steps; s++) {
        const batch = reconstructed(quantiser, shape, codes, labels, buffer, replay);
        await classifier.step(batch, loss, variables);
      }
      storeAll(codes, labels);
    },
    scores: async (inputs) =>
      classifier.scores({
        size: inputs.size,
        x: { values: await outputsInBatches(lower, inputs), shape },
        y: inputs.y,
      }),
    get bytes() {
      return buffer.bytes + quantiser.bytes;
    },
    get updates() {
      return classifier.updates;
    },
    get trained() {
      return classifier.trained;
    },
    dispose,
  };
}

/** Features of new codes and of stored ones, decoded alike. */
function reconstructed(
  quantiser: ProductQuantiser,
  shape: readonly number[],
  codes: Uint8Array,
  labels: readonly number[],
  buffer: ReplayBuffer,
  replay: number,
): Split {
  const slots = buffer.sample(Math.min(replay, buffer.size));
  const all = new Uint8Array(codes.length + (slots.length * codes.length) / labels.length);
  all.set(codes);
  const length = codes.length / labels.length;
  for (const [i, slot] of slots.entries()) all.set(buffer.recordAt(slot), codes.length + i * length);
  return {
    size: labels.length + slots.length,
    x: { values: quantiser.decode(all), shape },
    y: {
      values: Int32Array.from([...labels, ...Array.from(slots, (slot) => buffer.labelAt(slot))]),
      shape: [],
    },
  };
}
