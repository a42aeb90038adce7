import type { Split } from '../dataset.ts';
import { DataError } from '../errors.ts';

/**
 * A split of images kept as bytes with one class index each; the model sees `byte / 255`.
 *
 * @param images `[size, ...shape]`, row-major, channels last.
 * @param labels `[size]`, each in `[0, classes)`.
 * @param who Names the caller in errors.
 * @throws DataError `corrupt-file` where the counts disagree or a label is out of range.
 */
export function imageSplit(
  images: Uint8Array,
  shape: readonly number[],
  labels: ArrayLike<number>,
  classes: number,
  who: string,
): Split {
  const size = labels.length;
  const width = shape.reduce((product, d) => product * d, 1);
  if (size === 0 || images.length !== size * width) {
    throw new DataError(
      'corrupt-file',
      `${who}: each label needs one image of [${shape.join(', ')}] = ${width} bytes, got ${size} labels and ` +
        `${images.length} bytes. Take both files from the same copy of the data set.`,
    );
  }
  const y = Int32Array.from(labels);
  const bad = y.findIndex((label) => label < 0 || label >= classes);
  if (bad >= 0) {
    throw new DataError(
      'corrupt-file',
      `${who}: labels must be in [0, ${classes - 1}], got ${y[bad]} in example ${bad}. Replace the file with a fresh copy.`,
    );
  }
  return { size, x: { values: images, shape, scale: 1 / 255 }, y: { values: y, shape: [] } };
}
