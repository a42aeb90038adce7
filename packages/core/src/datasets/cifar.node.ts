import type { Dataset } from '../dataset.ts';
import { ArgumentError, throwIfAborted } from '../errors.ts';
import { CIFAR100, CIFAR100_PREVIEW, TIN100 } from './cifar-100.ts';
import { CIFAR10 } from './cifar-10.ts';
import { cifar10FromJpeg } from './cifar-jpeg.node.ts';
import { holdOut } from './hold-out.ts';
import type { DatasetOptions } from './load.node.ts';
import { loadDataset } from './load.node.ts';
import { checkTake, takeDataset } from './take.ts';

/** Which copy of CIFAR-10 to use. */
export interface Cifar10Options extends DatasetOptions {
  /**
   * `lossless` (default): the official files, else the part of them that the data folder has. `jpeg`: all
   * images of the lossy copy `jpeg_full.tar.xz`, decoded once into the cache.
   */
  readonly pixels?: 'lossless' | 'jpeg';
  /**
   * Take the last so many training examples as the test split, before `train` and `test` apply: where only
   * the training images are lossless, train and test then have the same kind of pixels. Default: none.
   */
  readonly holdOut?: number;
}

/**
 * CIFAR-10: 50,000 training and 10,000 test images `[32, 32, 3]` as bytes, ten classes.
 *
 * From `OCKHAM_DATA` (`<folder>/cifar10/` with `cifar-10-binary.tar.gz`, or its six `.bin` files, or
 * `data_batch_1_first4000.bin.gz` and `test_2000_jpegdecoded.bin.gz`), the cache, or a download.
 * `provenance.note` says where it is not the whole set.
 *
 * @throws DataError where it cannot be had or a file is not the published one.
 */
export async function cifar10(options: Cifar10Options = {}): Promise<Dataset> {
  const { pixels = 'lossless', holdOut: held, train, test, ...where } = options;
  if (pixels !== 'lossless' && pixels !== 'jpeg') {
    throw new ArgumentError(`cifar10: pixels must be 'lossless' or 'jpeg', got '${String(pixels)}'.`);
  }
  checkTake('cifar10', { train, test });
  throwIfAborted(options.signal, 'cifar10');
  const whole =
    pixels === 'jpeg'
      ? await cifar10FromJpeg('cifar10', where)
      : await loadDataset('cifar10', CIFAR10, where);
  return takeDataset(held === undefined ? whole : holdOut(whole, held, 'cifar10'), { train, test });
}

/**
 * CIFAR-100: 50,000 training and 10,000 test images `[32, 32, 3]` as bytes, the 100 fine classes.
 *
 * From `OCKHAM_DATA` (`<folder>/cifar100/` with `cifar-100-binary.tar.gz`, or its `train.bin` and `test.bin`),
 * the cache, or a download.
 *
 * @throws DataError where it cannot be had or a file is not the published one.
 */
export function cifar100(options: DatasetOptions = {}): Promise<Dataset> {
  return loadDataset('cifar100', CIFAR100, options);
}

/**
 * The first 100 training images of CIFAR-100, both as train and as test split, for checking a loader or a
 * pretrained model: `<OCKHAM_DATA>/cifar100-preview/train_preview_100.bin`.
 *
 * @throws DataError where it is not there or not the known file.
 */
export function cifar100Preview(options: DatasetOptions = {}): Promise<Dataset> {
  return loadDataset('cifar100Preview', CIFAR100_PREVIEW, options);
}

/**
 * 100 classes of Tiny ImageNet at 32×32 in CIFAR-100's layout: 12,000 training and 3,000 test images
 * `[32, 32, 3]` as bytes. Not for download: `<OCKHAM_DATA>/tin100-32/` with `train.bin.gz`, `test.bin.gz` and
 * `fine_label_names.txt`.
 *
 * @throws DataError where it is not there or not the known file.
 */
export function tin100(options: DatasetOptions = {}): Promise<Dataset> {
  return loadDataset('tin100', TIN100, options);
}
