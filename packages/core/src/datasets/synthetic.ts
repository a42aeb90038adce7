import type { Dataset, Split } from '../dataset.ts';
import { ArgumentError } from '../errors.ts';
import type { Random, Seed } from '../random/random.ts';
import { toRandom } from '../random/random.ts';

/** What {@link gaussianClusters} draws. */
export interface GaussianClustersOptions {
  /** Default 3. */
  readonly classes?: number;
  /** Inputs of each example. Default 8. */
  readonly features?: number;
  /** Training examples, of each class as many as possible. Default 600. */
  readonly examples?: number;
  /** Default: a quarter of `examples`. */
  readonly testExamples?: number;
  /** Distance of the centres from the origin, in standard deviations of a cluster. Default 3. */
  readonly separation?: number;
  /** Fixes what is drawn: the same seed gives the same examples. */
  readonly seed: Seed;
}

/**
 * A classification problem without files: one isotropic normal cluster (standard deviation 1) for each class,
 * centres drawn uniformly from a sphere. `x` is `[features]`, labels are in `[0, classes)`.
 *
 * @throws ArgumentError where a count is not a positive integer or the separation is not positive.
 */
export function gaussianClusters({
  classes = 3,
  features = 8,
  examples = 600,
  testExamples = Math.max(1, Math.floor(examples / 4)),
  separation = 3,
  seed,
}: GaussianClustersOptions): Dataset {
  checkCounts('gaussianClusters', { classes, features, examples, testExamples });
  if (!(separation > 0 && separation < Infinity)) {
    throw new ArgumentError(`gaussianClusters: separation must be positive and finite, got ${separation}.`);
  }
  const random = toRandom(seed);
  const centres = Array.from({ length: classes }, (_, label) =>
    onSphere(random.stream(`centre ${label}`), features, separation),
  );
  const draw = (name: string, size: number): Split => {
    const stream = random.stream(name);
    const x = new Float32Array(size * features);
    const order = stream.permutation(size);
    const y = order.map((rank) => rank % classes);
    for (let i = 0; i < x.length; i++) {
      x[i] = centres[y[Math.floor(i / features)]!]![i % features]! + stream.normal();
    }
    return { size, x: { values: x, shape: [features] }, y: { values: y, shape: [] } };
  };
  return {
    name: 'gaussian-clusters',
    train: draw('train', examples),
    test: draw('test', testExamples),
    classes: Array.from({ length: classes }, (_, label) => `cluster ${label}`),
    provenance: { source: 'synthetic', checksums: {} },
  };
}

/** What {@link linearTeacher} draws. */
export interface LinearTeacherOptions {
  /** Inputs of each example. Default 8. */
  readonly features?: number;
  /** Training examples. Default 600. */
  readonly examples?: number;
  /** Default: a quarter of `examples`. */
  readonly testExamples?: number;
  /** Standard deviation of the noise on the targets. Default 0.1. */
  readonly noise?: number;
  /** Weights of the teacher that are not zero, the first ones. Default: all. */
  readonly nonZero?: number;
  /** Fixes what is drawn: the same seed gives the same examples. */
  readonly seed: Seed;
}

/**
 * A regression problem with a known answer: `y = w·x + noise`, `x` and the non-zero `w` standard normal. `x`
 * is `[features]`, `y` is `[1]`.
 *
 * @returns The data and the teacher's `weights`, `[features]`.
 * @throws ArgumentError where a count is not a positive integer or the noise is negative.
 */
export function linearTeacher({
  features = 8,
  examples = 600,
  testExamples = Math.max(1, Math.floor(examples / 4)),
  noise = 0.1,
  nonZero = features,
  seed,
}: LinearTeacherOptions): Dataset & { readonly weights: Float32Array } {
  checkCounts('linearTeacher', { features, examples, testExamples, nonZero });
  if (!(noise >= 0 && noise < Infinity)) {
    throw new ArgumentError(`linearTeacher: noise must be at least 0 and finite, got ${noise}.`);
  }
  if (nonZero > features) {
    throw new ArgumentError(`linearTeacher: nonZero must be at most features = ${features}, got ${nonZero}.`);
  }
  const random = toRandom(seed);
  const teacher = random.stream('teacher');
  const weights = Float32Array.from({ length: features }, (_, i) => (i < nonZero ? teacher.normal() : 0));
  const draw = (name: string, size: number): Split => {
    const stream = random.stream(name);
    const x = Float32Array.from({ length: size * features }, () => stream.normal());
    const y = new Float32Array(size);
    for (let row = 0; row < size; row++) {
      let sum = stream.normal(0, noise);
      for (let i = 0; i < features; i++) sum += weights[i]! * x[row * features + i]!;
      y[row] = sum;
    }
    return { size, x: { values: x, shape: [features] }, y: { values: y, shape: [1] } };
  };
  return {
    name: 'linear-teacher',
    train: draw('train', examples),
    test: draw('test', testExamples),
    classes: [],
    provenance: { source: 'synthetic', checksums: {} },
    weights,
  };
}

function onSphere(random: Random, features: number, radius: number): number[] {
  const direction = Array.from({ length: features }, () => random.normal());
  const scale = radius / Math.hypot(...direction);
  return direction.map((value) => value * scale);
}

function checkCounts(who: string, counts: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(counts)) {
    if (Number.isInteger(count) && count > 0) continue;
    throw new ArgumentError(`${who}: ${name} must be a positive integer, got ${count}.`);
  }
}
