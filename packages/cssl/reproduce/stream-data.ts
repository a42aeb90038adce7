import { selectExamples, type Dataset, type Split } from '@ockham/core';
import { Random } from '@ockham/core/random';

/** How much of a data set a stream takes. */
export interface DataConfig {
  /** Classes of the stream, drawn at random for each seed; those left out may serve for pretraining. */
  readonly classes: number;
  /** Training and test examples of each class, from the start of each set. */
  readonly perClass: number;
  readonly testPerClass: number;
}

/** Examples of a stream, labels numbered anew from 0 in the order in which classes will appear. */
export interface StreamData {
  readonly name: string;
  readonly train: Split;
  readonly test: Split;
  /** All training examples of the classes that the stream leaves out, numbered from 0; undefined where there are none. */
  readonly rest: Split | undefined;
  readonly restClasses: number;
}

/** Draws the classes of a stream. Class k is the k-th to appear, so that streams take `order: [0, 1, …]`. */
export function drawClasses(data: Dataset, config: DataConfig, seed: number): StreamData {
  const all = [...new Set(data.train.y.values)].sort((a, b) => a - b);
  const order = Array.from(new Random(seed).stream('stream-classes').permutation(all.length), (i) => all[i]!);
  const chosen = order.slice(0, config.classes);
  const others = order.slice(config.classes);
  return {
    name: data.name,
    train: relabelled(data.train, chosen, config.perClass),
    test: relabelled(data.test, chosen, config.testPerClass),
    rest: others.length > 0 ? relabelled(data.train, others, Infinity) : undefined,
    restClasses: others.length,
  };
}

/** The first `perClass` examples of each class, the label its place in `classes`. */
export function relabelled(split: Split, classes: readonly number[], perClass: number): Split {
  const counts = new Map(classes.map((label) => [label, 0]));
  const rows: number[] = [];
  for (let row = 0; row < split.size; row++) {
    const count = counts.get(split.y.values[row]!);
    if (count === undefined || count >= perClass) continue;
    counts.set(split.y.values[row]!, count + 1);
    rows.push(row);
  }
  const kept = selectExamples(split, rows);
  const places = new Map(classes.map((label, place) => [label, place]));
  return {
    ...kept,
    y: { shape: [], values: Int32Array.from(kept.y.values, (label) => places.get(label)!) },
  };
}

/** The examples of the first `count` classes. */
export function firstClasses(split: Split, count: number): Split {
  return relabelled(
    split,
    Array.from({ length: count }, (_, i) => i),
    Infinity,
  );
}
