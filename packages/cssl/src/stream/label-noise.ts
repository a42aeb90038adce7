import { ArgumentError } from '@ockham/core';
import { toRandom, type Seed } from '@ockham/core/random';
import { changeExamples, isStream, type StreamSource } from './change-examples.ts';

/** Options of {@link labelNoise}. */
export interface LabelNoiseOptions {
  /** Chance that a label is replaced by another one, in [0, 1]. Default 0.2. */
  readonly rate?: number;
  /** Default 0. Whether the example at a position is hit depends on the seed and the position only. */
  readonly seed?: Seed;
  /** Labels to draw from. Default: the classes of the stream; needed where `source` is an async iterable. */
  readonly classes?: readonly number[];
}

/**
 * Symmetric label noise: with chance `rate` an example carries one of the other classes, each as likely. Tests keep
 * their true labels.
 *
 * @throws ArgumentError for a rate out of range, or where the classes are not known.
 */
export function labelNoise<S extends StreamSource>(source: S, options: LabelNoiseOptions = {}): S {
  const { rate = 0.2, seed = 0, classes = isStream(source) ? source.classes : [] } = options;
  if (!(rate >= 0 && rate <= 1)) {
    throw new ArgumentError(`labelNoise: rate must be in [0, 1], got ${rate}.`);
  }
  if (classes.length < 2) {
    throw new ArgumentError(
      `labelNoise: there must be two classes to draw from, got ${classes.length}. Name them with classes: [0, 1, …].`,
    );
  }
  const random = toRandom(seed).stream('label-noise');
  const sorted = [...classes].sort((a, b) => a - b); // a class then means the same whatever the order of the stream
  return changeExamples(source, 'label noise', (example) => {
    const chance = random.stream(example.position);
    if (chance.uniform() >= rate) return example;
    const others = sorted.filter((label) => label !== example.y);
    return { ...example, y: others[chance.integer(others.length)]! };
  });
}
