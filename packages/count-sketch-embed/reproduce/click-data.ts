/** Examples of categorical features with a click or none: drawn from a known law, and the a9a set with crossed features. */
import { DataError, type Split } from '@ockham/core';
import { tabular } from '@ockham/core/datasets/node';
import { Random } from '@ockham/core/random';

/** Ids `[fields]` with classes 0 and 1. */
export interface ClickData {
  readonly train: Split;
  readonly test: Split;
  readonly fields: number;
  /** Ids are below. */
  readonly vocabulary: number;
  /** Chance of a click of every test example, where the law is known. */
  readonly truth?: Float32Array;
}

/** Sizes of {@link syntheticClicks}. */
export interface SyntheticSizes {
  readonly fields: number;
  /** Values of a field. */
  readonly values: number;
  readonly train: number;
  readonly test: number;
}

/**
 * Values by Zipf's law; the log-odds of a click are a weight for each value and inner products of latent vectors for every
 * two, as a factorisation machine has them.
 */
export function syntheticClicks({ fields, values, train, test }: SyntheticSizes, seed: number): ClickData {
  const random = new Random(seed).stream('clicks');
  const latent = 4;
  const normal = random.stream('truth');
  const weights = Float64Array.from({ length: fields * values }, () => normal.normal(0, 0.6));
  const vectors = Float64Array.from({ length: fields * values * latent }, () => normal.normal(0, 0.45));
  const upTo = new Float64Array(values);
  for (let i = 0; i < values; i++) upTo[i] = (upTo[i - 1] ?? 0) + 1 / (i + 1);
  const draw = (size: number, from: Random): { split: Split; chances: Float32Array } => {
    const ids = new Int32Array(size * fields);
    const labels = new Int32Array(size);
    const chances = new Float32Array(size);
    for (let row = 0; row < size; row++) {
      let odds = -0.5;
      const total = new Float64Array(latent);
      for (let field = 0; field < fields; field++) {
        const at = from.uniform() * upTo[values - 1]!;
        const id = field * values + upTo.findIndex((sum) => sum > at);
        ids[row * fields + field] = id;
        odds += weights[id]!;
        for (let k = 0; k < latent; k++) {
          const value = vectors[id * latent + k]!;
          odds += total[k]! * value;
          total[k]! += value;
        }
      }
      chances[row] = 1 / (1 + Math.exp(-odds));
      labels[row] = Number(from.uniform() < chances[row]!);
    }
    return { split: splitOf(ids, labels, fields), chances };
  };
  const tested = draw(test, random.stream('test'));
  return {
    train: draw(train, random.stream('train')).split,
    test: tested.split,
    truth: tested.chances,
    fields,
    vocabulary: fields * values,
  };
}

/** Features of a person in a9a, at most. */
const SLOTS = 14;
const FEATURES = 123;

/** The a9a set of core's tables, its features and the crosses of neighbouring ones; undefined where it is not there. */
export async function a9a(most: number): Promise<ClickData | undefined> {
  const names = ['a9a', 'a9a.t'] as const;
  const tables = await tabular(names).catch((error: unknown) => {
    if (error instanceof DataError && error.code === 'dataset-missing') return undefined;
    throw error;
  });
  if (!tables) return undefined;
  const [train, test] = names.map((name) =>
    crossed(tables.files.get(name)!.trim().split('\n').slice(0, most)),
  );
  const vocabulary = 1 + FEATURES + (FEATURES * (FEATURES - 1)) / 2;
  return { train: train!, test: test!, fields: 2 * SLOTS - 1, vocabulary };
}

/** Lines `±1 3:1 11:1 …`; id 0 fills up, 1 … 123 are features, then pairs of them. */
function crossed(lines: readonly string[]): Split {
  const fields = 2 * SLOTS - 1;
  const ids = new Int32Array(lines.length * fields);
  const labels = new Int32Array(lines.length);
  for (const [row, line] of lines.entries()) {
    const [label, ...pairs] = line.trim().split(' ');
    labels[row] = Number(Number(label) > 0);
    const features = pairs.slice(0, SLOTS).map((pair) => Number.parseInt(pair, 10));
    ids.set(features, row * fields);
    const crosses = features
      .slice(1)
      .map((b, i) => FEATURES + 1 + ((b - 1) * (b - 2)) / 2 + features[i]! - 1);
    ids.set(crosses, row * fields + SLOTS);
  }
  return splitOf(ids, labels, fields);
}

function splitOf(values: Int32Array, labels: Int32Array, fields: number): Split {
  return { size: labels.length, x: { values, shape: [fields] }, y: { values: labels, shape: [] } };
}
