import { ArgumentError, valuesPerExample, type Split } from '@ockham/core';
import { toRandom, type Random, type Seed } from '@ockham/core/random';
import { kMeans } from '../k-means.ts';
import { orderClasses, rowsOfClasses, shuffled } from './class-rows.ts';
import { evenlySpaced } from './iid.ts';
import { checkStreamable, streamOf, type Stream } from './stream.ts';

/** Options of {@link instanceOrdered}. */
export interface InstanceOrderedOptions {
  /** Shuffles classes and instances. Default 0. */
  readonly seed?: Seed;
  /**
   * `class-instance` (default): class after class, and within a class instance after instance; `instance`: the instances of all
   * classes in random order.
   */
  readonly order?: 'class-instance' | 'instance';
  /**
   * Instance of each example, `[size]`: the object or clip that a frame is of. Frames of an instance keep the order of
   * the split. Default: pseudo-instances.
   */
  readonly instances?: ArrayLike<number>;
  /** Pseudo-instances of a class, ≥ 1. Default 10. */
  readonly instancesPerClass?: number;
  /** Tests of the order `instance`, evenly spaced. Default 10, or `size` if that is less. */
  readonly tests?: number;
}

/**
 * Runs of similar examples, as a camera sees them: one object for a while, then the next.
 *
 * Still images have no instances, so that pseudo-instances stand in: k-means on the images averaged down to about 7×7, within each class; the examples of
 * a run come nearest to their mean first.
 *
 * @throws ArgumentError for data or options out of range.
 */
export function instanceOrdered(split: Split, options: InstanceOrderedOptions = {}): Stream {
  const who = 'instanceOrdered';
  const { seed = 0, order = 'class-instance', instances, instancesPerClass = 10 } = options;
  checkStreamable(who, split);
  if (!Number.isInteger(instancesPerClass) || instancesPerClass < 1) {
    throw new ArgumentError(`${who}: instancesPerClass must be an integer ≥ 1, got ${instancesPerClass}.`);
  }
  if (instances && instances.length !== split.size) {
    throw new ArgumentError(
      `${who}: instances must name one for each of ${split.size} examples, got ${instances.length}.`,
    );
  }
  const random = toRandom(seed).stream('instance-ordered');
  const byClass = rowsOfClasses(split);
  const classes = orderClasses(who, byClass.keys(), undefined, random);
  const runs = classes.map((label) => {
    const rows = byClass.get(label)!;
    const found = instances
      ? groups(rows, (row) => instances[row]!)
      : pseudoInstances(split, rows, instancesPerClass, random.stream('pseudo').stream(label));
    return shuffled(found, random.stream('runs').stream(label));
  });
  let end = 0;
  const ends = runs.map((own) => (end += own.reduce((sum, run) => sum + run.length, 0)));
  const mixed = order === 'instance';
  const inOrder = mixed ? shuffled(runs.flat(), random.stream('all')) : runs.flat();
  const { tests = Math.min(10, split.size) } = options;
  return streamOf({
    name: 'instance-ordered',
    split,
    rows: Int32Array.from(inOrder.flat()),
    testAfter: mixed ? evenlySpaced(who, split.size, tests) : ends,
  });
}

function groups(rows: readonly number[], key: (row: number) => number): number[][] {
  const found = new Map<number, number[]>();
  for (const row of rows) {
    const own = found.get(key(row));
    if (own) own.push(row);
    else found.set(key(row), [row]);
  }
  return [...found.values()];
}

function pseudoInstances(
  split: Split,
  rows: readonly number[],
  perClass: number,
  random: Random,
): number[][] {
  const { points, width } = coarse(split, rows);
  const { labels, centroids } = kMeans(points, width, Math.min(perClass, rows.length), {
    seed: random,
    iterations: 10, // runs need be similar, not optimal
  });
  const distance = (i: number): number => {
    let sum = 0;
    for (let d = 0; d < width; d++) sum += (points[i * width + d]! - centroids[labels[i]! * width + d]!) ** 2;
    return sum;
  };
  const found = groups(
    rows.map((_, i) => i),
    (i) => labels[i]!,
  );
  return found.map((run) => {
    const distances = new Map(run.map((i) => [i, distance(i)]));
    return run.sort((a, b) => distances.get(a)! - distances.get(b)! || a - b).map((i) => rows[i]!);
  });
}

/** Images averaged over blocks, so that about 7×7 remain; other examples as they are. `[rows, width]`. */
function coarse(split: Split, rows: readonly number[]): { points: Float32Array; width: number } {
  const { values, shape } = split.x;
  const all = valuesPerExample(split.x);
  if (shape.length !== 3) {
    const points = new Float32Array(rows.length * all);
    for (const [i, row] of rows.entries()) points.set(values.subarray(row * all, (row + 1) * all), i * all);
    return { points, width: all };
  }
  const [height, across, channels] = shape as [number, number, number];
  const edge = Math.max(1, Math.floor(Math.min(height, across) / 7));
  const [high, wide] = [Math.floor(height / edge), Math.floor(across / edge)];
  const width = high * wide * channels;
  const points = new Float32Array(rows.length * width);
  for (const [i, row] of rows.entries()) {
    for (let r = 0; r < high * edge; r++) {
      for (let c = 0; c < wide * edge; c++) {
        const to = i * width + (Math.floor(r / edge) * wide + Math.floor(c / edge)) * channels;
        const from = row * all + (r * across + c) * channels;
        for (let k = 0; k < channels; k++) points[to + k]! += values[from + k]!;
      }
    }
  }
  return { points, width };
}
