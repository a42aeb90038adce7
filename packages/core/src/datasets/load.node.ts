import { join } from 'node:path';
import type { Dataset, Provenance } from '../dataset.ts';
import { DataError, throwIfAborted } from '../errors.ts';
import type { Progress } from '../progress.ts';
import { downloadFile, Unreachable } from './download.node.ts';
import { cacheFolder, dataFolder } from './folders.node.ts';
import type { FormContent } from './read-form.node.ts';
import { missingFiles, readForm } from './read-form.node.ts';
import type { DatasetForm, DatasetRecipe } from './recipe.ts';
import type { TakeOptions } from './take.ts';
import { checkTake, takeDataset } from './take.ts';

/** Where a data set may come from, and how much of it to keep. */
export interface DatasetOptions extends TakeOptions {
  /** Holds one folder for each data set, for example `mnist`. Default: `OCKHAM_DATA`. */
  readonly folder?: string;
  /** Downloads are kept in its folder `datasets`. Default: `OCKHAM_CACHE`, else `~/.cache/ockham`. */
  readonly cache?: string;
  /** Never use the network. Default false. */
  readonly offline?: boolean;
  /** Address ending in `/`, with https, to download from instead of the public mirrors; checksums still hold. */
  readonly baseUrl?: string;
  /**
   * Fall back on an embedded sample, where there is one, when the data set cannot be had. Its provenance says
   * `embedded-sample`. Default true.
   */
  readonly allowSample?: boolean;
  /** Told how far the work has come. Default: nobody is. */
  readonly progress?: Progress;
  /** Aborts the work, which then rejects with an `AbortedError`. */
  readonly signal?: AbortSignal;
}

/** A small stand-in that needs no network. */
export type SampleLoader = () => Promise<Dataset | undefined>;

/**
 * Looks for a data set in this order: the data folder, the cache, a download into the cache, the embedded
 * sample. Whatever is read is checked against the published SHA-256.
 *
 * @throws DataError `dataset-missing` saying what to provide; `checksum-mismatch`, `corrupt-file` and
 *   `storage-failed` naming the file or folder. What was on disk stays as it was.
 */
export async function loadDataset(
  who: string,
  recipe: DatasetRecipe,
  options: DatasetOptions = {},
  sample?: SampleLoader,
): Promise<Dataset> {
  checkTake(who, options);
  throwIfAborted(options.signal, who);
  const dataset =
    (await fromFolder(who, recipe, options)) ??
    (await fromCache(who, recipe, options)) ??
    (await fromNetwork(who, recipe, options, sample));
  throwIfAborted(options.signal, who);
  return takeDataset(dataset, options);
}

async function fromFolder(
  who: string,
  recipe: DatasetRecipe,
  { folder, signal }: DatasetOptions,
): Promise<Dataset | undefined> {
  const root = dataFolder(who, folder);
  if (root === undefined) return undefined;
  const home = join(root, recipe.name);
  const form = recipe.forms.find((candidate) => missingFiles(home, candidate).length === 0);
  if (form) return toDataset(recipe, form, 'folder', await readForm(who, home, form, signal));
  for (const candidate of recipe.forms) {
    const missing = missingFiles(home, candidate);
    if (missing.length === candidate.files.length) continue;
    throw new DataError(
      'dataset-missing',
      `${who}: ${home} must hold all of ${names(candidate)}; missing: ${missing.join(', ')}. ` +
        `Add the missing files, or move the folder away to download.`,
    );
  }
  return undefined;
}

async function fromCache(
  who: string,
  recipe: DatasetRecipe,
  { cache, signal }: DatasetOptions,
): Promise<Dataset | undefined> {
  const home = join(cacheFolder(cache), recipe.name);
  const form = recipe.forms.find((candidate) => missingFiles(home, candidate).length === 0);
  return form && toDataset(recipe, form, 'cache', await readForm(who, home, form, signal));
}

async function fromNetwork(
  who: string,
  recipe: DatasetRecipe,
  options: DatasetOptions,
  sample: SampleLoader | undefined,
): Promise<Dataset> {
  const { offline = false, allowSample = true } = options;
  const form = options.baseUrl ? recipe.forms[0] : recipe.forms.find(({ mirrors }) => mirrors.length > 0);
  const home = join(cacheFolder(options.cache), recipe.name);
  let reason = offline ? 'the option offline is set' : 'it is not for download';
  let cause: unknown;
  if (!offline && form) {
    try {
      for (const file of form.files) {
        await downloadFile(who, file, options.baseUrl ? [options.baseUrl] : form.mirrors, home, options);
      }
      return toDataset(recipe, form, 'download', await readForm(who, home, form, options.signal));
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      reason = `the download failed (${error.message})`;
      cause = error;
    }
  }
  const stand = allowSample ? await sample?.() : undefined;
  if (stand) {
    const note = [stand.provenance.note, `Used because ${reason}.`].filter(Boolean).join(' ');
    return { ...stand, provenance: { ...stand.provenance, note } };
  }
  throw missing(who, recipe, reason, home, cause);
}

function toDataset(
  { name, classes }: DatasetRecipe,
  { note }: DatasetForm,
  source: Provenance['source'],
  { train, test, checksums, classes: read = classes }: FormContent,
): Dataset {
  return { name, classes: read, train, test, provenance: { source, checksums, ...(note ? { note } : {}) } };
}

function names(form: DatasetForm): string {
  return form.files.map(({ name }) => name).join(', ');
}

function missing(
  who: string,
  recipe: DatasetRecipe,
  reason: string,
  home: string,
  cause: unknown,
): DataError {
  return new DataError(
    'dataset-missing',
    `${who}: no copy of ${recipe.name} was found, and ${reason}. Put ${recipe.forms.map(names).join(', or ')} ` +
      `into a folder named ${recipe.name} and set OCKHAM_DATA to the folder above it, or put them into ${home}.`,
    { cause },
  );
}
