import { ArgumentError } from '@ockham/core';
import type { Example } from '../image.ts';
import type { StreamExample } from './stream.ts';

/**
 * Numbers the examples of any source: a generator, an array, a socket.
 *
 * @param from Position to go on from: so many examples of the source are passed over. Default 0.
 */
export async function* fromExamples(
  source: Iterable<Example> | AsyncIterable<Example>,
  from = 0,
): AsyncGenerator<StreamExample> {
  if (!Number.isInteger(from) || from < 0) {
    throw new ArgumentError(`fromExamples: the position must be an integer ≥ 0, got ${from}.`);
  }
  let position = 0;
  for await (const example of source) {
    if (position >= from) yield { ...example, position };
    position++;
  }
}

/**
 * Examples in groups of `size`, the last one perhaps smaller: mini-batches of new data.
 *
 * @param size ≥ 1.
 */
export async function* inBatches<E extends Example>(
  source: Iterable<E> | AsyncIterable<E>,
  size: number,
): AsyncGenerator<E[]> {
  if (!Number.isInteger(size) || size < 1) {
    throw new ArgumentError(`inBatches: size must be an integer ≥ 1, got ${size}.`);
  }
  let batch: E[] = [];
  for await (const example of source) {
    batch.push(example);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
