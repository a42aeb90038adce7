import type { Split } from '../dataset.ts';
import { ArgumentError, DataError } from '../errors.ts';
import { imageSplit } from './image-split.ts';

const SIDE = 32;
const PLANE = SIDE * SIDE;
const PIXELS = 3 * PLANE;

/** Which of the two binary layouts: CIFAR-10 has one label byte, CIFAR-100 a coarse and a fine one. */
export interface CifarLayout {
  /** Label bytes in front of each image. */
  readonly labelBytes: 1 | 2;
  /** The last label byte is in `[0, classes)`. */
  readonly classes: number;
}

/** `data_batch_1.bin` and the like: label, then 1,024 red, green and blue bytes. */
export const CIFAR_10: CifarLayout = { labelBytes: 1, classes: 10 };
/** `train.bin` and `test.bin`: coarse label, fine label, then the three planes. The fine label is kept. */
export const CIFAR_100: CifarLayout = { labelBytes: 2, classes: 100 };

/**
 * Reads the binary CIFAR layout into one split; pixels become channels last, `[32, 32, 3]`.
 *
 * @param batches The decompressed files, joined in this order.
 * @param who Names the file in errors.
 * @throws DataError `corrupt-file` where a file is no whole number of records or a label is out of range.
 */
export function parseCifar(batches: readonly Uint8Array[], layout: CifarLayout, who = 'parseCifar'): Split {
  if (batches.length === 0) throw new ArgumentError(`${who}: needs at least one file, got none.`);
  const record = layout.labelBytes + PIXELS;
  for (const bytes of batches) {
    if (bytes.length > 0 && bytes.length % record === 0) continue;
    throw new DataError(
      'corrupt-file',
      `${who}: a file must hold whole records of ${record} bytes, got ${bytes.length} bytes. Replace it with a fresh copy, decompressed.`,
    );
  }
  const size = batches.reduce((sum, bytes) => sum + bytes.length / record, 0);
  const images = new Uint8Array(size * PIXELS);
  const labels = new Uint8Array(size);
  let example = 0;
  for (const bytes of batches) {
    for (let start = 0; start < bytes.length; start += record, example++) {
      const red = start + layout.labelBytes;
      labels[example] = bytes[red - 1]!;
      interleave(bytes, red, images, example * PIXELS);
    }
  }
  return imageSplit(images, [SIDE, SIDE, 3], labels, layout.classes, who);
}

/** Planes `[3, 1024]` at `from` to pixels `[1024, 3]` at `to`. */
function interleave(planes: Uint8Array, from: number, pixels: Uint8Array, to: number): void {
  for (let i = 0; i < PLANE; i++) {
    pixels[to + 3 * i] = planes[from + i]!;
    pixels[to + 3 * i + 1] = planes[from + PLANE + i]!;
    pixels[to + 3 * i + 2] = planes[from + 2 * PLANE + i]!;
  }
}
