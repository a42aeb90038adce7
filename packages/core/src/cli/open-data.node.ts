import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, extname, resolve } from 'node:path';
import { takeExamples, type Provenance, type Split } from '../dataset.ts';
import { cifar10, cifar100 } from '../datasets/cifar.node.ts';
import { glue } from '../datasets/glue.node.ts';
import { glueTasks, type GlueTask } from '../datasets/glue.ts';
import { holdOut } from '../datasets/hold-out.ts';
import { fashionMnist, mnist } from '../datasets/mnist.node.ts';
import { checkTake } from '../datasets/take.ts';
import { ArgumentError, DataError, throwIfAborted } from '../errors.ts';
import type { Progress } from '../progress.ts';
import { csvData } from './csv-data.node.ts';
import { idxData } from './idx-data.node.ts';
import { npzData } from './npz-data.node.ts';
import { encodeForModel, tsvData } from './text-data.node.ts';

/** Options of {@link openData}. */
export interface OpenDataOptions {
  /** Of one example as the model takes it; texts are encoded to fit. */
  readonly inputShape: readonly (number | null)[];
  /** Keep so many training examples. Default all. */
  readonly train?: number;
  /** Keep so many test examples. Default all. */
  readonly test?: number;
  /** Test on the last so many training examples. */
  readonly holdOut?: number;
  /** The model sees values of `.npz` and `.csv` files times this. Default 1. */
  readonly scale?: number;
  /** A file of WordPiece tokens. Default: the published English uncased ones. */
  readonly vocabulary?: string;
  /** Told how far the work has come. Default: nobody is. */
  readonly progress?: Progress;
  /** Aborts the work, which then rejects with an `AbortedError`. */
  readonly signal?: AbortSignal;
}

/** Data and where they came from; own files may have no test split. */
export interface OpenedData {
  readonly name: string;
  readonly train: Split;
  readonly test?: Split;
  readonly provenance: Provenance;
}

const who = '--data';

const NAMED = { mnist, 'fashion-mnist': fashionMnist, cifar10, cifar100 } as const;

/** What a reader of files makes of their bytes. */
export interface SplitPair {
  readonly train: Split;
  readonly test?: Split;
}

/**
 * Data by name or from files of one's own: `.npz` (`x_train`, `y_train`, `x_test`, `y_test`, or `x` and `y`), `.csv` (numbers,
 * the last column the target), `.tsv` (a header of `text`, `label` and perhaps `second`), or a folder of IDX files under
 * MNIST's names. A name goes before a file; write `./mnist` for a file of that name.
 *
 * @throws ArgumentError for a name that is none, or counts out of range; DataError where the data cannot be had or read.
 */
export async function openData(source: string, options: OpenDataOptions): Promise<OpenedData> {
  const { train, test, holdOut: held, signal } = options;
  checkTake(who, { train, test });
  throwIfAborted(signal, who);
  const data = await find(source, options);
  throwIfAborted(signal, who);
  const whole = held === undefined ? data : withHeldOut(data, held);
  const take = (split: Split, count: number | undefined) =>
    count === undefined ? split : takeExamples(split, count);
  return {
    ...whole,
    train: take(whole.train, train),
    ...(whole.test && { test: take(whole.test, test) }),
  };
}

async function find(source: string, options: OpenDataOptions): Promise<OpenedData> {
  const { progress, signal, scale } = options;
  const shared = { ...(progress && { progress }), ...(signal && { signal }) };
  if (Object.hasOwn(NAMED, source)) return NAMED[source as keyof typeof NAMED](shared);
  const task = (Object.keys(glueTasks) as GlueTask[]).find((name) => name.toLowerCase() === source);
  if (task) return encodeForModel(await glue(task, signal ? { signal } : {}), options);
  const path = resolve(source);
  if (!existsSync(path)) throw unknown(source);
  if (statSync(path).isDirectory()) return idxData(path, who);
  const kind = extname(path).toLowerCase();
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new DataError('storage-failed', `${who}: ${path} cannot be read. Check its permissions.`, {
      cause,
    });
  });
  const provenance: Provenance = {
    source: 'folder',
    checksums: { [basename(path)]: createHash('sha256').update(bytes).digest('hex') },
  };
  const named = { name: basename(path), provenance };
  const at = `${who}: ${path}`;
  if (kind === '.npz') return { ...named, ...(await npzData(bytes, at, scale)) };
  if (kind === '.csv') return { ...named, ...csvData(textOf(bytes, at), at, scale) };
  if (kind === '.tsv') {
    const texts = tsvData(textOf(bytes, at), at);
    return encodeForModel({ ...named, classes: [], train: texts, test: texts }, options, false);
  }
  throw new ArgumentError(
    `${who}: a file must be .npz, .csv or .tsv, got ${basename(path)}. Save arrays with np.savez.`,
  );
}

/** The text of a file in UTF-8. */
function textOf(bytes: Uint8Array, at: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new DataError('corrupt-file', `${at} is not UTF-8. Save it again as UTF-8.`, { cause });
  }
}

function withHeldOut(data: OpenedData, count: number): OpenedData {
  const { name, train, provenance } = data;
  return holdOut({ name, classes: [], train, test: train, provenance }, count, '--hold-out');
}

function unknown(source: string): ArgumentError {
  const names = [...Object.keys(NAMED), ...Object.keys(glueTasks).map((name) => name.toLowerCase())];
  return new ArgumentError(
    `${who}: '${source}' is neither a data set (${names.join(', ')}) nor a file or folder here. Check the path.`,
  );
}
