import type { Dataset } from '../dataset.ts';
import { AbortedError, ArgumentError, DataError, throwIfAborted } from '../errors.ts';
import { gunzip } from '../files/gzip.ts';
import { sha256 } from '../files/sha256.ts';
import type { Progress } from '../progress.ts';
import { CIFAR100, TIN100 } from './cifar-100.ts';
import { CIFAR10 } from './cifar-10.ts';
import { FASHION_MNIST, MNIST } from './mnist.ts';
import { checkAddress, fetchSecurely } from './secure-fetch.ts';
import type { DatasetFile, DatasetRecipe } from './recipe.ts';
import type { TakeOptions } from './take.ts';
import { checkTake, takeDataset } from './take.ts';

const RECIPES: Readonly<Record<FetchableDataset, DatasetRecipe>> = {
  mnist: MNIST,
  'fashion-mnist': FASHION_MNIST,
  cifar10: CIFAR10,
  cifar100: CIFAR100,
  'tin100-32': TIN100,
};

/** The data sets that {@link fetchDataset} knows. */
export type FetchableDataset = 'mnist' | 'fashion-mnist' | 'cifar10' | 'cifar100' | 'tin100-32';

/** Where to fetch from, and how much to keep. */
export interface FetchDatasetOptions extends TakeOptions {
  /**
   * Address ending in `/` under which the official files are, for example a folder of your own site. Default:
   * the public mirror, which a browser can use only where that mirror allows other sites (CORS).
   */
  readonly baseUrl?: string;
  /** Told how far the work has come. Default: nobody is. */
  readonly progress?: Progress;
  /** Aborts the work, which then rejects with an `AbortedError`. */
  readonly signal?: AbortSignal;
}

/**
 * Loads a data set in the browser: its official files by `fetch`, each checked against the published SHA-256.
 * In Node use the loaders of `@ockham/core/datasets/node`, which also know folders and a cache.
 *
 * @example
 * const { train, test } = await fetchDataset('mnist', { baseUrl: '/data/mnist/', train: 10_000 });
 * @throws DataError `dataset-missing` where a file cannot be fetched, `checksum-mismatch` where it is not the
 *   published one.
 * @throws ArgumentError for an unknown name, or a `baseUrl` of another site without https.
 */
export async function fetchDataset(
  name: FetchableDataset,
  options: FetchDatasetOptions = {},
): Promise<Dataset> {
  const who = `fetchDataset('${name}')`;
  const recipe = RECIPES[name] as DatasetRecipe | undefined;
  if (!recipe) {
    throw new ArgumentError(
      `${who}: the name must be one of ${Object.keys(RECIPES).join(', ')}, got '${name}'.`,
    );
  }
  checkTake(who, options);
  const [form] = recipe.forms;
  const baseUrl = options.baseUrl ?? form.mirrors[0];
  if (baseUrl === undefined) {
    throw new ArgumentError(
      `${who}: has no public address. Pass the baseUrl under which you serve its files.`,
    );
  }
  checkAddress(who, baseUrl);
  const contents = new Map<string, Uint8Array>();
  for (const file of form.files) {
    throwIfAborted(options.signal, who);
    const bytes = await fetchChecked(who, `${baseUrl}${file.name}`, file, options);
    contents.set(file.name, file.name.endsWith('.gz') ? await gunzip(bytes, `${who}: ${file.name}`) : bytes);
  }
  const { train, test, classes = recipe.classes } = form.parse(contents);
  const checksums = Object.fromEntries(form.files.map((file) => [file.name, file.sha256]));
  const provenance = { source: 'download', checksums, ...(form.note ? { note: form.note } : {}) } as const;
  return takeDataset({ name, classes, train, test, provenance }, options);
}

async function fetchChecked(
  who: string,
  url: string,
  file: DatasetFile,
  { progress, signal }: FetchDatasetOptions,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(file.bytes);
  let at = 0;
  try {
    const response = await fetchSecurely(url, signal ? { signal } : {});
    if (!response.ok || !response.body) throw new Error(`HTTP ${response.status}`);
    const reader = response.body.getReader();
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      const { value: chunk } = read;
      if (at + chunk.length > bytes.length) {
        await reader.cancel();
        throw new Error(
          `more than the published ${file.bytes} bytes; the server must send the file as it is`,
        );
      }
      bytes.set(chunk, at);
      at += chunk.length;
      progress?.({ stage: `download ${file.name}`, done: at, total: file.bytes });
    }
    if (at < bytes.length) throw new Error(`${at} of ${file.bytes} bytes came`);
  } catch (cause) {
    if (signal?.aborted) {
      throw new AbortedError(`${who}: stopped by the AbortSignal. Run it again to start over.`, {
        cause: signal.reason,
      });
    }
    throw new DataError(
      'dataset-missing',
      `${who}: ${url} cannot be fetched (${cause instanceof Error ? cause.message : String(cause)}). ` +
        `Serve the official file yourself and pass its folder as baseUrl.`,
      { cause },
    );
  }
  const actual = await sha256(bytes);
  if (actual === file.sha256) return bytes;
  throw new DataError(
    'checksum-mismatch',
    `${who}: ${url} must have the SHA-256 ${file.sha256}, got ${actual}. Serve the official file, unaltered.`,
  );
}
