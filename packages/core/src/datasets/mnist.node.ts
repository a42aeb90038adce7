import type { Dataset } from '../dataset.ts';
import { embeddedMnist } from './embedded-sample.node.ts';
import type { DatasetOptions } from './load.node.ts';
import { loadDataset } from './load.node.ts';
import { FASHION_MNIST, MNIST } from './mnist.ts';

/**
 * MNIST: 60,000 training and 10,000 test images `[28, 28, 1]` as bytes, digits 0–9 as labels.
 *
 * From `OCKHAM_DATA` (`<folder>/mnist/train-images-idx3-ubyte.gz` and the other three official files), the
 * cache, a download, or, with none of these, the embedded sample of 10,000 digits; `provenance.source` says
 * which.
 *
 * @example
 * const { train, test, provenance } = await mnist();
 * @throws DataError where it cannot be had or a file is not the published one.
 */
export function mnist(options: DatasetOptions = {}): Promise<Dataset> {
  return loadDataset('mnist', MNIST, options, () => embeddedMnist('mnist'));
}

/**
 * Fashion-MNIST: 60,000 training and 10,000 test images `[28, 28, 1]` as bytes, ten articles of clothing.
 * Looked for as {@link mnist} is, in the folder `fashion-mnist`; there is no embedded sample.
 *
 * @throws DataError where it cannot be had or a file is not the published one.
 */
export function fashionMnist(options: DatasetOptions = {}): Promise<Dataset> {
  return loadDataset('fashionMnist', FASHION_MNIST, options);
}
