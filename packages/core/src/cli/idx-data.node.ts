import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Split } from '../dataset.ts';
import { parseIdx, type IdxArray } from '../datasets/idx.ts';
import { imageSplit } from '../datasets/image-split.ts';
import { DataError } from '../errors.ts';
import { gunzip } from '../files/gzip.ts';
import type { OpenedData } from './open-data.node.ts';

/** Images and labels, by MNIST's names. */
const SPLITS = {
  train: ['train-images-idx3-ubyte', 'train-labels-idx1-ubyte'],
  test: ['t10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte'],
} as const;

/**
 * Splits from a folder of IDX files of bytes, with or without `.gz`, under MNIST's names; the test split may be left out. The
 * model sees `byte / 255`; images of two axes get a channel.
 *
 * @throws DataError `dataset-missing` where a file is not there, `corrupt-file` where one is damaged.
 */
export async function idxData(folder: string, who: string): Promise<OpenedData> {
  const checksums: Record<string, string> = {};
  const read = async (name: string): Promise<IdxArray> => {
    const path = [join(folder, name), join(folder, `${name}.gz`)].find((each) => existsSync(each));
    if (path === undefined)
      throw new DataError(
        'dataset-missing',
        `${who}: ${folder} must hold ${SPLITS.train.join(' and ')}, with or without .gz, and has no ${name}.`,
      );
    const bytes = await readFile(path);
    checksums[basename(path)] = createHash('sha256').update(bytes).digest('hex');
    return parseIdx(path.endsWith('.gz') ? await gunzip(bytes, `${who}: ${path}`) : bytes, `${who}: ${path}`);
  };
  const split = async ([images, labels]: readonly [string, string]): Promise<Split> => {
    const [pixels, classes] = [await read(images), await read(labels)];
    const shape = pixels.shape.length === 3 ? [...pixels.shape.slice(1), 1] : pixels.shape.slice(1);
    return imageSplit(pixels.values, shape, classes.values, 256, `${who}: ${folder}`);
  };
  const hasTest = SPLITS.test.some((name) => ['', '.gz'].some((end) => existsSync(join(folder, name + end))));
  const train = await split(SPLITS.train);
  const test = hasTest ? await split(SPLITS.test) : undefined;
  return {
    name: basename(folder),
    train,
    ...(test && { test }),
    provenance: { source: 'folder', checksums },
  };
}
