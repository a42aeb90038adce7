/**
 * ExStream: frozen features, a few prototypes of each class that are means of similar examples, and a linear classifier
 * trained on them.
 *
 * Source: Hayes, Cahill and Kanan 2019, "Memory efficient experience replay for streaming learning", algorithm 1.
 * Deviations: the new example is learnt together with `replay` random prototypes instead of all of them, so that a step costs what a
 * step of the other methods costs.
 */
import { ArgumentError } from '@ockham/core';
import { toRandom } from '@ockham/core/random';
import { lossFunction } from '@ockham/core/training';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { StreamLearner } from '../evaluation/stream-learner.ts';
import type { GradientOptions, MemoryOptions } from './baseline-options.ts';
import { Classifier } from './classifier.ts';
import { FrozenFeatures } from './frozen-features.ts';
import { logitsModel } from './logits-model.ts';
import { Prototypes } from './prototypes.ts';

/** Options of {@link exStream}; `capacity` counts prototypes. */
export interface ExStreamOptions extends GradientOptions, MemoryOptions {}

/**
 * ExStream on the features before the last dense layer, of which a copy learns. The memory is split evenly over as many
 * classes as the model has outputs.
 *
 * @throws ArgumentError for options out of range or memory too small for a prototype of each class.
 */
export async function exStream(model: LayersModel, options: ExStreamOptions): Promise<StreamLearner> {
  const who = 'exStream';
  const { seed = 0, base, optimizer = { name: 'sgd', learningRate: 0.1 }, replay = 31, steps = 1 } = options;
  const own = logitsModel(who, model);
  const features = new FrozenFeatures(who, own);
  const classifier = new Classifier(who, features.upper, optimizer, seed);
  const perClass = prototypesPerClass(options, classifier.classes, features.width);
  const random = toRandom(seed).stream('ex-stream');
  const classes = new Map<number, Prototypes>();
  const loss = lossFunction('crossEntropyFromLogits');
  const add = (z: Float32Array, label: number) => {
    classifier.meet(label);
    let prototypes = classes.get(label);
    if (!prototypes) classes.set(label, (prototypes = new Prototypes(perClass, features.width)));
    prototypes.add(z);
  };
  const vectorOf = (z: Float32Array, i: number) => z.subarray(i * features.width, (i + 1) * features.width);
  if (base) {
    const z = await features.of(base);
    for (let i = 0; i < base.size; i++) add(vectorOf(z, i), base.y.values[i]!);
  }
  /** New features and labels with prototypes, each as likely as the others. */
  const batchWith = (z: Float32Array, labels: readonly number[]) => {
    const stored = [...classes].flatMap(([label, prototypes]) =>
      Array.from({ length: prototypes.size }, (_, i) => ({ label, z: prototypes.vector(i) })),
    );
    const drawn = Array.from(
      random.sample(stored.length, Math.min(replay, stored.length)),
      (i) => stored[i]!,
    );
    const values = new Float32Array(z.length + drawn.length * features.width);
    values.set(z);
    for (const [i, prototype] of drawn.entries()) values.set(prototype.z, z.length + i * features.width);
    return {
      size: labels.length + drawn.length,
      x: { values, shape: [features.width] },
      y: { values: Int32Array.from([...labels, ...drawn.map(({ label }) => label)]), shape: [] },
    };
  };
  return {
    async observe(examples) {
      const { features: z, labels } = await features.ofExamples(examples);
      for (const label of labels) classifier.meet(label);
      for (let s = 0; s < steps; s++) await classifier.step(batchWith(z, labels), loss);
      for (const [i, label] of labels.entries()) add(vectorOf(z, i), label);
    },
    scores: async (inputs) =>
      classifier.scores({
        size: inputs.size,
        x: { values: await features.of(inputs), shape: [features.width] },
        y: inputs.y,
      }),
    get bytes() {
      return [...classes.values()].reduce((sum, prototypes) => sum + prototypes.bytes + 4, 0);
    },
    get updates() {
      return classifier.updates;
    },
    get trained() {
      return classifier.trained;
    },
    dispose() {
      classifier.dispose();
      features.dispose();
      own.dispose();
    },
  };
}

/** The most prototypes of each class within the budget. */
function prototypesPerClass({ capacity, bytes }: MemoryOptions, classes: number, width: number): number {
  const within = (each: number) => classes * (each * (width * 4 + 8) + 4 * each * (each + 1) + 4);
  let each = Math.floor((capacity ?? Infinity) / classes);
  if (bytes !== undefined) {
    let most = 0;
    while (most < each && within(most + 1) <= bytes) most++;
    each = most;
  }
  if (each >= 1 && Number.isFinite(each)) return each;
  throw new ArgumentError(
    `exStream: the memory must hold a prototype of each of ${classes} classes (${within(1)} bytes), got capacity ${capacity}, bytes ${bytes}.`,
  );
}
