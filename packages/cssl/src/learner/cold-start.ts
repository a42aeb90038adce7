import { indexedDbStore } from '@ockham/core/files';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { inSnapshotStore } from './learner-store.ts';
import { Learner } from './learner.ts';
import type { ColdStartOptions } from './options.ts';

/**
 * Starts to learn from a stream with a model as it is, random or pre-trained (Algorithm 1).
 *
 * @param model One input, an image; its last dense layer gives the classes, or the model ends with features. Its variables are trained
 *   in place, except for the last dense layer: the learner has a head in its place, empty at first, which grows by a unit for
 *   each class that appears, however many outputs the model was given. `learner.toModel()` is the model with that head.
 * @throws ArgumentError for options out of range; UnsupportedModelError where a head has no place.
 *
 * @example
 * const learner = coldStart(model, { replay: { capacity: 2_000, codec: 'jpeg' }, augment: ['crop-flip'], seed: 1 });
 * for await (const example of stream) await learner.observe(example);
 * const { labels } = await learner.predict(x);
 * await learner.save('learner.ockham');
 */
export function coldStart(model: LayersModel, options: ColdStartOptions): Learner {
  return new Learner(model, options, (name) => inSnapshotStore(indexedDbStore(name)));
}
