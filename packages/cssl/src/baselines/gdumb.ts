/**
 * GDumb: a balanced memory, and a model trained on it from scratch when it is asked for.
 *
 * Source: Prabhu, Torr and Dokania 2020, "GDumb: a simple approach that questions our progress in continual learning", algorithms 1 and 2.
 * Deviations: one fall of the learning rate along half a cosine instead of warm restarts; no weight decay (the paper's is 1e-6).
 */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { StreamLearner } from '../evaluation/stream-learner.ts';
import { ReplayBuffer } from '../replay/index.ts';
import type { MemoryOptions } from './baseline-options.ts';
import { fromScratch, toSplit, type FromScratchOptions } from './from-scratch.ts';
import { inputShapeOf } from './frozen-features.ts';

/** Options of {@link gdumb}. */
export interface GdumbOptions extends FromScratchOptions, MemoryOptions {}

/**
 * GDumb. It learns only before a test: `runStream` calls `settle`, which trains a model with the initial weights of `model`. By
 * default SGD with momentum 0.9 and learning rate 0.05, the paper's.
 *
 * @param model An output for each class that may appear; not changed.
 * @throws ArgumentError for options out of range.
 */
export async function gdumb(model: LayersModel, options: GdumbOptions): Promise<StreamLearner> {
  const { capacity, bytes, seed = 0 } = options;
  const shape = inputShapeOf('gdumb', model);
  const buffer = new ReplayBuffer({
    shape,
    ...(capacity !== undefined && { capacity }),
    ...(bytes !== undefined && { bytes }),
    measure: false,
    seed,
  });
  let full = false;
  return fromScratch('gdumb', model, options, {
    add(pixels, label) {
      // the greedy sampler: a class that is among the largest gets no further example
      const counts = buffer.classes;
      if (full && (counts.get(label) ?? 0) >= Math.max(...counts.values())) return;
      const before = buffer.size;
      buffer.store(pixels, label);
      full = buffer.size === before;
    },
    get bytes() {
      return buffer.bytes;
    },
    all() {
      const images = Array.from({ length: buffer.size }, (_, slot) => buffer.recordAt(slot));
      const labels = Int32Array.from(images, (_, slot) => buffer.labelAt(slot));
      return toSplit(images, labels, shape);
    },
  });
}
