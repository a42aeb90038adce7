import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ArgumentError } from '@ockham/core';
import { replaceLayers, type NewLayer, type WeightValues } from '@ockham/core/graph';
import type { Layer } from '@ockham/core/training';
import { emptyLayer, fitTable, type FittedTable, type TrainedTable } from './fit-table.ts';
import type { FitOptions, TableForm, TableReport } from './options.ts';
import { embeddingLayers, type EmbeddingTargets } from './targets.ts';

/** Options of {@link compressEmbeddings}: the form, and how it is fitted. */
export type CompressEmbeddingsOptions = TableForm &
  Omit<FitOptions, 'frequencies'> & {
    /**
     * Which tables, by path or pattern. Default: those that get smaller, and whose vocabulary `frequencies` fits if it is
     * one array; where none gets smaller, all.
     */
    readonly targets?: EmbeddingTargets;
    /** How often the text has each token, by id; or such counts by the table's path. Default: all the same. */
    readonly frequencies?: ArrayLike<number> | Readonly<Record<string, ArrayLike<number>>>;
  };

/** What became of each table. */
export interface CompressEmbeddingsReport {
  /** What became of each table, with the path of its layer. */
  readonly tables: readonly (TableReport & { readonly path: string })[];
  /** Embedding layers that were left as they are, and why. */
  readonly kept: readonly { readonly path: string; readonly reason: string }[];
  /** Of the tables that were replaced. */
  readonly bytesBefore: number;
  /** Of what took their place. */
  readonly bytes: number;
  /** What did not get better, in words. Empty if all is well. */
  readonly warnings: readonly string[];
}

/** What {@link compressEmbeddings} returns. */
export interface CompressEmbeddingsResult {
  /** Not compiled; the caller disposes of it. */
  readonly model: LayersModel;
  /** What became of each table. */
  readonly report: CompressEmbeddingsReport;
}

const who = 'compressEmbeddings';

/**
 * Puts compressed tables in the place of `tf.layers.embedding` layers, each fitted to the table that was trained. Names,
 * paths and all other weights stay. Fine-tune the result as any model; tables of codes (`int8`, `product-quantisation`)
 * stay as they are.
 *
 * @param model Not changed; sequential or functional, nested models included.
 * @throws ArgumentError for a target that matches nothing, sizes that do not fit, counts of another vocabulary, or heavy
 *   hitters without frequencies.
 * @throws UnsupportedModelError for a model without embedding layers, or a table that masks its zeros.
 * @throws NonFiniteError for a table with a NaN or an infinity.
 * @throws AbortedError when the signal fires.
 *
 * @example
 * const { model: small, report } = await compressEmbeddings(model, {
 *   method: 'count-sketch', rows: 512, hashes: 4, estimator: 'median-of-means', heavyHitters: 1_000, frequencies,
 * });
 */
export async function compressEmbeddings(
  model: LayersModel,
  options: CompressEmbeddingsOptions,
): Promise<CompressEmbeddingsResult> {
  const { targets, frequencies, ...rest } = options;
  const layers = embeddingLayers(who, model, targets);
  const { chosen, kept } = choose(layers, options);
  const tables: (TableReport & { path: string })[] = [];
  const warnings: string[] = [];
  const chains = new Map<string, NewLayer[]>();
  for (const path of chosen) {
    const old = layers.get(path)!;
    const counts = countsOf(path, frequencies);
    const { layer, report } = fitTable(await tableOf(old), rest, fitOptions(rest, counts), who);
    try {
      chains.set(path, [await newLayer(old, layer)]);
    } finally {
      layer.dispose();
    }
    tables.push({ path, ...report });
    if (report.bytes >= report.bytesBefore) {
      warnings.push(
        `${who}: the table of "${path}" is not smaller: ${report.bytes} bytes against ${report.bytesBefore}. Take fewer rows, or leave it as it is.`,
      );
    }
  }
  const sum = (key: 'bytes' | 'bytesBefore') => tables.reduce((total, table) => total + table[key], 0);
  return {
    model: await replaceLayers(model, chains),
    report: { tables, kept, warnings, bytesBefore: sum('bytesBefore'), bytes: sum('bytes') },
  };
}

function choose(
  layers: ReadonlyMap<string, Layer>,
  { targets, frequencies, ...rest }: CompressEmbeddingsOptions,
): { chosen: string[]; kept: { path: string; reason: string }[] } {
  const kept: { path: string; reason: string }[] = [];
  let able = [...layers.keys()];
  const sizes = (path: string) => sizeOf(layers.get(path)!);
  checkPaths(able, frequencies);
  if (targets === undefined && isArray(frequencies)) {
    able = able.filter((path) => sizes(path).vocabulary === frequencies.length);
    if (able.length === 0) {
      throw new ArgumentError(
        `${who}: frequencies must be one count for each token, got ${frequencies.length}; the tables have ${[...layers.keys()].map((path) => `${sizes(path).vocabulary} (${path})`).join(', ')}.`,
      );
    }
    for (const path of layers.keys())
      if (!able.includes(path)) kept.push({ path, reason: `frequencies are of another vocabulary` });
  }
  const after = able.map((path) => {
    const counts = countsOf(path, frequencies);
    const { vocabulary, dimension } = sizes(path);
    if (counts && counts.length !== vocabulary) {
      throw new ArgumentError(
        `${who}: frequencies of "${path}" must be one count for each of ${vocabulary} tokens, got ${counts.length}. Count with the vocabulary of this table.`,
      );
    }
    const { storedBytes } = emptyLayer(who, { vocabulary, dimension }, rest, fitOptions(rest, counts));
    return { path, before: 4 * vocabulary * dimension, storedBytes };
  });
  const smaller = after.filter(({ before, storedBytes }) => storedBytes < before);
  if (targets !== undefined || smaller.length === 0) return { chosen: able, kept };
  for (const { path, before, storedBytes } of after) {
    if (storedBytes >= before)
      kept.push({ path, reason: `${storedBytes} bytes would take the place of ${before}` });
  }
  return { chosen: smaller.map(({ path }) => path), kept };
}

function isArray(frequencies: CompressEmbeddingsOptions['frequencies']): frequencies is ArrayLike<number> {
  return frequencies !== undefined && typeof (frequencies as ArrayLike<number>).length === 'number';
}

function checkPaths(paths: readonly string[], frequencies: CompressEmbeddingsOptions['frequencies']): void {
  if (frequencies === undefined || isArray(frequencies)) return;
  const odd = Object.keys(frequencies).find((path) => !paths.includes(path));
  if (odd === undefined) return;
  throw new ArgumentError(
    `${who}: frequencies are given for "${odd}", which is no table to replace. There are: ${paths.join(', ')}.`,
  );
}

function countsOf(
  path: string,
  frequencies: CompressEmbeddingsOptions['frequencies'],
): ArrayLike<number> | undefined {
  return isArray(frequencies) ? frequencies : frequencies?.[path];
}

function fitOptions(
  rest: Omit<FitOptions, 'frequencies'>,
  counts: ArrayLike<number> | undefined,
): FitOptions {
  return counts === undefined ? rest : { ...rest, frequencies: counts };
}

function sizeOf(layer: Layer): { readonly vocabulary: number; readonly dimension: number } {
  const [vocabulary, dimension] = layer.weights[0]!.shape as [number, number];
  return { vocabulary, dimension };
}

async function tableOf(layer: Layer): Promise<TrainedTable> {
  const values = (await layer.weights[0]!.read().data()) as Float32Array;
  return { values, ...sizeOf(layer) };
}

async function newLayer(old: Layer, layer: FittedTable['layer']): Promise<NewLayer> {
  const { name: _, ...config } = layer.getConfig();
  const weights: WeightValues[] = [];
  for (const weight of layer.weights) {
    const values = (await weight.read().data()) as Float32Array | Int32Array;
    weights.push({ shape: weight.shape as number[], values });
  }
  return {
    name: old.name,
    className: layer.getClassName(),
    config: { ...config, trainable: layer.trainable && old.trainable },
    weights,
  };
}
