import { ArgumentError, NonFiniteError, throwIfAborted } from '@ockham/core';
import { encodeTable } from '../files/encode-table.ts';
import {
  CountSketchEmbedding,
  EelbertEmbedding,
  HashEmbedding,
  MixedDimensionEmbedding,
  NanoEmbedding,
  QuotientRemainderEmbedding,
  RobeEmbedding,
  TensorTrainEmbedding,
  type CompressedEmbedding,
} from '../layers/index.ts';
import { fitLayer } from './fit-layer.ts';
import { Int8Embedding } from './int8-embedding.ts';
import type { FitOptions, TableForm, TableReport } from './options.ts';
import { ProductQuantisedEmbedding } from './product-quantised-embedding.ts';
import { readyLayer } from './ready-layer.ts';
import { relativeError } from './relative-error.ts';
import { byFrequency, tokenWeights } from './token-weights.ts';

/** A trained table, row by row. */
export interface TrainedTable {
  /** `[vocabulary, dimension]`. */
  readonly values: Float32Array;
  /** |V|, rows. */
  readonly vocabulary: number;
  /** D, numbers of a row. */
  readonly dimension: number;
}

/** What {@link fitTable} returns. */
export interface FittedTable {
  /** Built; the caller disposes of it. */
  readonly layer: CompressedEmbedding;
  /** Sizes and errors of the fit. */
  readonly report: TableReport;
}

/**
 * Brings one trained table into a compressed form, as near to it as the form allows by Σ_x w_x ‖W_x − Ŵ_x‖². By least
 * squares: the count-sketch of means, `hash`, `robe`, and `quotient-remainder` that adds or concatenates. By eigenvectors:
 * `nano` without a hidden layer, and `mixed-dimension`. By alternation: the count-sketch of medians, `product-quantisation`.
 * `int8` rounds. All others are distilled: Adam on the distance to the table.
 *
 * @throws ArgumentError for sizes that do not fit, or heavy hitters without frequencies.
 * @throws NonFiniteError for a table with a NaN or an infinity.
 * @throws AbortedError when the signal fires.
 *
 * @example
 * const { layer, report } = fitTable({ values, vocabulary: 30522, dimension: 128 }, { method: 'int8' });
 */
export function fitTable(
  table: TrainedTable,
  form: TableForm,
  options: FitOptions = {},
  who = 'fitTable',
): FittedTable {
  const { values, vocabulary, dimension } = table;
  const { frequencies, power, signal, progress, iterations = 50, tolerance = 1e-5 } = options;
  checkTable(who, table);
  if (!(Number.isInteger(iterations) && iterations >= 1 && tolerance >= 0)) {
    throw new ArgumentError(
      `${who}: iterations must be an integer ≥ 1 and tolerance ≥ 0, got ${iterations} and ${tolerance}.`,
    );
  }
  const weights = tokenWeights(who, frequencies, vocabulary, power);
  throwIfAborted(signal, who);
  const layer = emptyLayer(who, table, form, options, rootMeanSquare(values));
  readyLayer(layer);
  const round = (done: number, error?: number) => {
    throwIfAborted(signal, who);
    progress?.({
      stage: 'fit',
      done,
      total: iterations,
      ...(error === undefined ? {} : { metrics: { error } }),
    });
  };
  try {
    fitLayer(layer, values, weights, { iterations, tolerance, round });
    const ids = Int32Array.from({ length: vocabulary }, (_, x) => x);
    const { parameters, storedBytes: bytes } = layer;
    return {
      layer,
      report: {
        method: form.method,
        vocabulary,
        dimension,
        bytesBefore: 4 * vocabulary * dimension,
        bytes,
        fileBytes: encodeTable(layer).length,
        parameters,
        ...relativeError(values, layer.rowsOf(ids), weights),
      },
    };
  } catch (error) {
    layer.dispose();
    throw error;
  }
}

/**
 * The compressed layer, not yet filled.
 *
 * @throws ArgumentError as {@link fitTable}.
 */
export function emptyLayer(
  who: string,
  { vocabulary, dimension }: Omit<TrainedTable, 'values'>,
  form: TableForm,
  { frequencies, seed = 0 }: FitOptions,
  deviation = 0.02,
): CompressedEmbedding {
  const size = { vocabulary, dimension, seed, deviation };
  switch (form.method) {
    case 'int8':
      return new Int8Embedding(size);
    case 'product-quantisation': {
      const { parts, centroids = 256 } = form;
      return new ProductQuantisedEmbedding({ ...size, parts, centroids: Math.min(centroids, vocabulary) });
    }
    case 'hash':
    case 'count-sketch': {
      const { heavyHitters, ...rest } = form;
      const heavy = { heavyHitters: heaviest(who, heavyHitters, frequencies) };
      return rest.method === 'hash'
        ? new HashEmbedding({ ...size, ...own(rest), ...heavy })
        : new CountSketchEmbedding({ ...size, ...own(rest), ...heavy });
    }
    case 'robe':
      return new RobeEmbedding({ ...size, ...own(form) });
    case 'quotient-remainder':
      return new QuotientRemainderEmbedding({ ...size, ...own(form) });
    case 'mixed-dimension':
      return new MixedDimensionEmbedding({ ...size, ...own(form) });
    case 'tensor-train':
      return new TensorTrainEmbedding({ ...size, ...own(form) });
    case 'nano':
      return new NanoEmbedding({ ...size, ...own(form) });
    case 'eelbert':
      return new EelbertEmbedding({ ...size, ...own(form) });
    default:
      throw new ArgumentError(
        `${who}: method must be one of ${METHODS.join(', ')}, got ${(form as { method: string }).method}.`,
      );
  }
}

const METHODS: readonly TableForm['method'][] = [
  'count-sketch',
  'hash',
  'robe',
  'quotient-remainder',
  'mixed-dimension',
  'tensor-train',
  'nano',
  'eelbert',
  'product-quantisation',
  'int8',
];

/** What of a form is the layer's; options of a fit may stand beside it. */
function own<T extends TableForm>(form: T): Omit<T, 'method' | keyof FitOptions> {
  const { method: _, ...rest } = form;
  const fit: readonly (keyof FitOptions)[] = [
    'frequencies',
    'power',
    'seed',
    'iterations',
    'tolerance',
    'signal',
    'progress',
  ];
  return Object.fromEntries(
    Object.entries(rest).filter(([key]) => !(fit as readonly string[]).includes(key)),
  ) as Omit<T, 'method' | keyof FitOptions>;
}

function heaviest(who: string, count = 0, frequencies: ArrayLike<number> | undefined): ArrayLike<number> {
  if (!(Number.isInteger(count) && count >= 0))
    throw new ArgumentError(`${who}: heavyHitters must be an integer ≥ 0, got ${count}.`);
  if (count === 0) return [];
  if (frequencies !== undefined) return byFrequency(frequencies).slice(0, count);
  throw new ArgumentError(
    `${who}: heavyHitters = ${count} are the most frequent tokens, and no frequencies are given. Pass counts by token id.`,
  );
}

function checkTable(who: string, { values, vocabulary, dimension }: TrainedTable): void {
  if (values.length !== vocabulary * dimension || values.length === 0) {
    throw new ArgumentError(
      `${who}: a table [${vocabulary}, ${dimension}] needs ${vocabulary * dimension} values, at least one, got ${values.length}.`,
    );
  }
  const at = values.findIndex((value) => !Number.isFinite(value));
  if (at < 0) return;
  throw new NonFiniteError(
    `${who}: the table must be finite, got ${values[at]} in row ${Math.floor(at / dimension)}. Train it again with a lower learning rate.`,
  );
}

/** The scale of the table, from which a distilled form starts. */
function rootMeanSquare(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length) || 0.02;
}
