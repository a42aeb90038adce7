import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { StreamLearner } from '../evaluation/stream-learner.ts';
import { fromScratch, toSplit, type FromScratchOptions } from './from-scratch.ts';
import { inputShapeOf } from './frozen-features.ts';

/**
 * Joint offline training: everything is kept and, before each test, learnt from scratch. The upper bound, without a budget.
 *
 * @param model An output for each class that may appear; not changed.
 */
export function jointOffline(model: LayersModel, options: FromScratchOptions = {}): Promise<StreamLearner> {
  const shape = inputShapeOf('jointOffline', model);
  const images: Uint8Array[] = [];
  const labels: number[] = [];
  return fromScratch('jointOffline', model, options, {
    add(pixels, label) {
      images.push(pixels.slice());
      labels.push(label);
    },
    get bytes() {
      return images.length * (shape[0] * shape[1] * shape[2] + 4);
    },
    all: () => toSplit(images, Int32Array.from(labels), shape),
  });
}
