/** Tables of every form at one size, for experiments that compare them. */
import { initializers, layers } from '@tensorflow/tfjs-layers';
import {
  CountSketchEmbedding,
  QuotientRemainderEmbedding,
  RobeEmbedding,
  TensorTrainEmbedding,
  type EmbeddingLayer,
  type Signs,
} from '@ockham/count-sketch-embed';

export type TableName =
  | 'full'
  | 'median'
  | 'token-median'
  | 'unsigned-median'
  | 'mean'
  | 'signed-mean'
  | 'one-hash'
  | 'signed-hash'
  | 'quotient-remainder'
  | 'robe-d'
  | 'robe-8'
  | 'tensor-train';

/** How figures name them. */
export const tableNames: Readonly<Record<TableName, string>> = {
  full: 'full table',
  median: 'median of 3, signed',
  'token-median': 'median of 3, a sign for each token',
  'unsigned-median': 'median of 3, as printed',
  mean: 'mean of 3',
  'signed-mean': 'mean of 3, signed',
  'one-hash': 'one hash',
  'signed-hash': 'one hash, signed',
  'quotient-remainder': 'quotient–remainder',
  'robe-d': 'ROBE-D',
  'robe-8': 'ROBE-Z, Z = 8',
  'tensor-train': 'tensor train',
};

/** Tables with signs: for each coordinate, but for the one that shows why. */
const signsOf: Readonly<Partial<Record<TableName, Signs>>> = {
  median: 'coordinate',
  'token-median': true,
  'signed-mean': 'coordinate',
  'signed-hash': 'coordinate',
};

interface TableArgs {
  readonly vocabulary: number;
  readonly dimension: number;
  /** How many times fewer numbers than the full table. */
  readonly ratio: number;
  readonly deviation: number;
  readonly seed: number;
  readonly name?: string;
}

/** Whether a table can be that small: a quotient and a remainder for each token take at least 2√|V| rows. */
export function isPossible(
  table: TableName,
  { vocabulary, ratio }: Pick<TableArgs, 'vocabulary' | 'ratio'>,
): boolean {
  return table !== 'quotient-remainder' || remainders(vocabulary, ratio) !== undefined;
}

/** A table of at most `vocabulary · dimension / ratio` numbers, whose vectors start with one deviation. */
export function tableOf(table: TableName, args: TableArgs): EmbeddingLayer {
  const { vocabulary, dimension, ratio, deviation, seed, name = 'words' } = args;
  if (table === 'full') {
    const embeddingsInitializer = initializers.truncatedNormal({ stddev: deviation, seed });
    return layers.embedding({ inputDim: vocabulary, outputDim: dimension, embeddingsInitializer, name });
  }
  const sizes = { vocabulary, dimension, deviation, seed, name };
  if (table === 'quotient-remainder') {
    return new QuotientRemainderEmbedding({ ...sizes, buckets: remainders(vocabulary, ratio)! });
  }
  const numbers = Math.floor((vocabulary * dimension) / ratio);
  if (table === 'robe-d' || table === 'robe-8') {
    return new RobeEmbedding({ ...sizes, size: numbers, block: table === 'robe-8' ? 8 : dimension });
  }
  if (table === 'tensor-train') return largestTrain(sizes, numbers);
  const hashes = table === 'one-hash' || table === 'signed-hash' ? 1 : 3;
  return new CountSketchEmbedding({
    ...sizes,
    hashes,
    rows: Math.floor(vocabulary / ratio / hashes),
    estimator: table === 'mean' || table === 'signed-mean' ? 'mean' : 'median',
    signs: signsOf[table] ?? false,
  });
}

/** The most buckets of remainders, with which fewest tokens share one, that leave rows for the quotients. */
function remainders(vocabulary: number, ratio: number): number | undefined {
  const rows = Math.floor(vocabulary / ratio);
  for (let buckets = rows - 1; buckets >= 1; buckets--)
    if (buckets + Math.ceil(vocabulary / buckets) <= rows) return buckets;
  return undefined;
}

function largestTrain(
  sizes: ConstructorParameters<typeof TensorTrainEmbedding>[0],
  numbers: number,
): TensorTrainEmbedding {
  const train = (rank: number) => new TensorTrainEmbedding({ ...sizes, ranks: [rank, rank] });
  let rank = 1;
  while (train(rank + 1).parameters <= numbers) rank++;
  return train(rank);
}
