import type { Split } from '../dataset.ts';

/** One official file of a data set. */
export interface DatasetFile {
  readonly name: string;
  /** SHA-256 of the file as published, lower-case hex; other content is refused. */
  readonly sha256: string;
  /** Size as published. */
  readonly bytes: number;
}

/** The decompressed content of each file of a form, by its published name. */
export type DatasetFiles = ReadonlyMap<string, Uint8Array>;

/** What the files of a form hold. */
export interface DatasetContent {
  readonly train: Split;
  readonly test: Split;
  /** Where the class names are in a file; else the recipe's hold. */
  readonly classes?: readonly string[];
}

/** One way in which a data set is distributed: its files, where they are, how they are read. */
export interface DatasetForm {
  readonly files: readonly DatasetFile[];
  /** Folder addresses ending in `/` to which a file name is appended, tried in order. Empty: no download. */
  readonly mirrors: readonly string[];
  /** Goes into the provenance, for example that pixels are lossy. */
  readonly note?: string;
  readonly parse: (files: DatasetFiles) => DatasetContent;
}

/** A data set that the loaders know: the folder it is kept in and the forms it comes in, best first. */
export interface DatasetRecipe {
  /** Also the name of its folder in `OCKHAM_DATA` and in the cache. */
  readonly name: string;
  readonly classes: readonly string[];
  readonly forms: readonly [DatasetForm, ...DatasetForm[]];
}

/** The content of one file of a form. */
export function fileOf(files: DatasetFiles, name: string): Uint8Array {
  const bytes = files.get(name);
  if (!bytes) throw new RangeError(`recipe: ${name} is not among ${[...files.keys()].join(', ')}.`);
  return bytes;
}
