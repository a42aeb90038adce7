import { ArgumentError } from '@ockham/core';

/** How many examples go where: global = micro · accumulation · data ranks. Any one or two are given, the rest follows. */
export interface BatchSizes {
  /** Examples of one update on all ranks. */
  readonly globalBatch?: number;
  /** Examples that one rank runs through the model at once. */
  readonly microBatch?: number;
  /** Micro-batches of one rank in one update. */
  readonly accumulation?: number;
}

/** The micro-batch where nothing is given, the default of `fit` in TensorFlow.js. */
const MICRO_BATCH = 32;

/**
 * Completes the sizes. Without `accumulation` it is 1, unless the other two give it; without any the micro-batch is 32.
 *
 * @param ranks Data ranks.
 * @throws ArgumentError for sizes that do not fit, saying which would.
 *
 * @example
 * batchSizes({ globalBatch: 64, microBatch: 8 }, 4); // { globalBatch: 64, microBatch: 8, accumulation: 2 }
 */
export function batchSizes(given: BatchSizes, ranks: number): Required<BatchSizes> {
  for (const name of ['globalBatch', 'microBatch', 'accumulation'] as const) {
    const size = given[name];
    if (size !== undefined && !(Number.isInteger(size) && size >= 1))
      throw new ArgumentError(`batchSizes: ${name} must be an integer ≥ 1, got ${size}.`);
  }
  const { globalBatch } = given;
  if (globalBatch === undefined) {
    const { microBatch = MICRO_BATCH, accumulation = 1 } = given;
    return { globalBatch: microBatch * accumulation * ranks, microBatch, accumulation };
  }
  const { microBatch, accumulation } = given;
  if (microBatch !== undefined) {
    const each = microBatch * (accumulation ?? 1) * ranks;
    const fits = accumulation === undefined ? globalBatch % each === 0 : globalBatch === each;
    if (fits) return { globalBatch, microBatch, accumulation: accumulation ?? globalBatch / each };
    const next = accumulation === undefined ? Math.ceil(globalBatch / each) * each : each;
    const product = [`microBatch ${microBatch}`, ...(accumulation === undefined ? [] : [`accumulation ${accumulation}`]), `${ranks} data ranks`].join(' × '); // prettier-ignore
    throw new ArgumentError(
      `batchSizes: globalBatch must be ${accumulation === undefined ? 'a multiple of ' : ''}${product} = ${each}, got ${globalBatch}. Set it to ${next}, or leave out one of them.`,
    );
  }
  const parts = (accumulation ?? 1) * ranks;
  if (globalBatch % parts === 0)
    return { globalBatch, microBatch: globalBatch / parts, accumulation: accumulation ?? 1 };
  throw new ArgumentError(
    `batchSizes: globalBatch must be a multiple of accumulation ${accumulation ?? 1} × ${ranks} data ranks = ${parts}, got ${globalBatch}. Set it to ${Math.ceil(globalBatch / parts) * parts}.`,
  );
}
