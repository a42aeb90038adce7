import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Provenance } from '../dataset.ts';
import { DataError, throwIfAborted } from '../errors.ts';
import { parseJson } from '../files/parse-json.ts';
import { findForm, type TextFolderOptions } from './text-file.node.ts';

/** Options of {@link molecules}. */
export interface MoleculesOptions extends TextFolderOptions {
  /** Aborts the work, which then rejects with an `AbortedError`. */
  readonly signal?: AbortSignal;
}

/** Hamiltonians of molecules as JSON texts, which `parseMolecule` of `@ockham/quantum-game` reads. */
export interface MoleculeFiles {
  /** Always `molecules`. */
  readonly name: 'molecules';
  /** By the names in `index.json`, in its order. */
  readonly files: ReadonlyMap<string, string>;
  /** Where the files came from, and their checksums. */
  readonly provenance: Provenance;
}

/**
 * The molecular qubit Hamiltonians of a folder `molecules` with an `index.json` that lists them, from `OCKHAM_DATA` or the
 * cache; not for download.
 *
 * @throws DataError `dataset-missing` saying what to put where; `corrupt-file` for an index that lists nothing.
 */
export async function molecules(options: MoleculesOptions = {}): Promise<MoleculeFiles> {
  const { signal } = options;
  throwIfAborted(signal, 'molecules');
  const place = () => ({ path: ['molecules'], files: [{ name: 'index.json' }] });
  const { home, source } = findForm('molecules', [undefined], place, options);
  const checksums: Record<string, string> = {};
  const read = async (file: string): Promise<string> => {
    throwIfAborted(signal, 'molecules');
    const path = join(home, file);
    const bytes = await readFile(path).catch((cause: unknown) => {
      throw new DataError(
        'dataset-missing',
        `molecules: index.json lists ${file}, which cannot be read at ${path}. Put it there.`,
        { cause },
      );
    });
    checksums[file] = createHash('sha256').update(bytes).digest('hex');
    return bytes.toString('utf8');
  };
  const names = listed(await read('index.json'), join(home, 'index.json'));
  const files = new Map<string, string>();
  for (const name of names) files.set(name, await read(`${name}.json`));
  return { name: 'molecules', files, provenance: { source, checksums } };
}

function listed(text: string, path: string): string[] {
  let names: unknown[];
  try {
    const { hamiltonians } = parseJson(text, `molecules: ${path}`) as {
      readonly hamiltonians: readonly { readonly name: unknown }[];
    };
    names = hamiltonians.map(({ name }) => name);
  } catch (cause) {
    throw refuse(path, cause);
  }
  if (names.length === 0 || !names.every((name) => typeof name === 'string' && /^[\w.-]+$/.test(name))) {
    throw refuse(path, undefined);
  }
  return names as string[];
}

function refuse(path: string, cause: unknown): DataError {
  return new DataError(
    'corrupt-file',
    `molecules: ${path} must hold { "hamiltonians": [{ "name": … }, …] } with the names of files beside it. Take a fresh copy.`,
    { cause },
  );
}
